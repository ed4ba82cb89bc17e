"""A brand with a tree of purposes, and people who speak to it."""

from typing import Any

from reciprocity.brand import BrandStatement, Controller, LawPack
from reciprocity.consent.draft import Saying
from reciprocity.consent.laws import DAY_MS
from reciprocity.model import Basis, Behaviour, Channel, Purpose, Topic

NOW = 20_000 * DAY_MS
BOTH = ("email", "letters")

SHOP = BrandStatement(
    id="shop",
    name="Shop",
    domain="shop.example",
    language="en",
    time_zone="Europe/Zurich",
    controller=Controller(name="Shop", address="", email="a@shop.example", territory=("CH",)),
    purposes={
        "marketing": Purpose(title="All our news"),
        "offers": Purpose(title="Offers", parent="marketing", channels=BOTH, validity_days=365),
        "vip": Purpose(title="VIP", parent="offers", channels=("email",)),
        "news": Purpose(title="News", parent="marketing", channels=("email",)),
        "surveys": Purpose(title="Surveys", channels=("email",)),
        "orders": Purpose(title="Orders", basis=Basis.CONTRACT, channels=("email",)),
        "tips": Purpose(title="Tips on your order", parent="orders", channels=("email",)),
    },
    behaviours={"purchases": Behaviour(title="Past purchases", gives="better offers")},
    topics={"mens": Topic(title="Men's")},
    channels={each: Channel(title=each, kind="email") for each in BOTH},
)
LAWS = (
    LawPack(name="mild", title="Mild", source="", maximum_validity_days=900),
    LawPack(name="strict", title="Strict", source="", maximum_validity_days=500),
)


def saying(actor: str = "person", **parts: Any) -> Saying:
    return Saying(brand=SHOP, laws=LAWS, actor=actor, method="test", at=NOW, **parts)
