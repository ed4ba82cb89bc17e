"""A real journal in a folder of its own, for a brand small enough to read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reciprocity.brand import BrandStatement, Controller
from reciprocity.journal.journal import Journal
from reciprocity.model import Attribute, AttributeType, Channel, Purpose
from tests.place import placed

NOW = 1_790_000_000_000

STATEMENT = BrandStatement(
    id="shop",
    name="Shop",
    domain="shop.example",
    language="en",
    time_zone="UTC",
    controller=Controller(
        name="Shop", address="1 Street", email="a@shop.example", territory=("DE",)
    ),
    purposes={
        "offers": Purpose(title="Offers", channels=("email",), attributes=("visits", "town")),
    },
    attributes={
        "visits": Attribute(title="Visits", type=AttributeType.INTEGER, minimum=0, maximum=99),
        "town": Attribute(title="Town", type=AttributeType.ENUM, values=("Bern", "Chur")),
        "since": Attribute(title="Since", type=AttributeType.DAY),
        "member": Attribute(title="Member", type=AttributeType.BOOLEAN),
    },
    channels={
        "email": Channel(title="E-mail", kind="email"),
        "work": Channel(title="E-mail at work", kind="email"),
    },
)


@pytest.fixture
def statement() -> BrandStatement:
    return STATEMENT


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.create(
        placed(tmp_path / "journal"),
        origin="shop.example/log",
        master_key=tmp_path / "keys" / "master.key",
        safekeeping=tmp_path / "safe",
        clock=lambda: NOW,
    ) as opened:
        yield opened
