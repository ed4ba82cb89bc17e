"""A small brand, its journal, and the handful of things that happen in one."""

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec

from reciprocity.brand import BrandStatement, Controller
from reciprocity.events import Act, Attempt, ConsentRow, OperatorActed, PointSet, Stated, canonical
from reciprocity.journal.entry import SAME_NEW, Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import (
    Attribute,
    AttributeType,
    Behaviour,
    Channel,
    ConsentState,
    Profile,
    Purpose,
    Topic,
)
from tests.place import placed

NOON = 1_790_000_000_000
ORIGIN = "small.example/log"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


def statement(*, sensitive: tuple[str, ...] = ("diet",), name: str = "Small") -> BrandStatement:
    def attribute(id_: str, type_: AttributeType, values: tuple[str, ...] = ()) -> Attribute:
        return Attribute(title=id_, type=type_, values=values, sensitive=id_ in sensitive)

    return BrandStatement(
        id="small",
        name=name,
        domain="small.example",
        language="en",
        time_zone="Europe/Berlin",
        controller=Controller(
            name="Small", address="1 Lane", email="privacy@small.example", territory=("DE",)
        ),
        purposes={
            "offers": Purpose(title="Offers", channels=("email",), attributes=("age", "diet")),
            "news": Purpose(title="News", parent="offers", channels=("email",)),
        },
        behaviours={"visits": Behaviour(title="Visits", gives="better offers")},
        topics={"tea": Topic(title="Tea"), "green": Topic(title="Green tea", parent="tea")},
        attributes={
            "age": attribute("age", AttributeType.INTEGER),
            "diet": attribute("diet", AttributeType.ENUM, ("meat", "vegan")),
        },
        channels={"email": Channel(title="E-mail", kind="email", sender="hi@small.example")},
    )


def stated(kind: str, name: str, body: object) -> Entry:
    text = canonical(body)
    said = Stated(name=name, hash="h", body=msgspec.Raw(text))
    return Entry(kind=kind, body=said, in_force=name)


def create(folder: Path, clock: Callable[[], int], **more: int) -> Journal:
    """A journal as `apply` leaves it: opened, brand, rulebook and laws in force."""
    places = {"master_key": folder / "away" / "master.key", "safekeeping": folder / "safe"}
    Journal.create(placed(folder / "live"), origin=ORIGIN, clock=clock, **places).close()
    journal = reopen(folder, clock, **more)
    journal.append(
        [
            stated("brand.applied", "brand", statement()),
            stated("rulebook.applied", "rulebook", {"rules": []}),
            stated("laws.applied", "laws", {"laws": []}),
        ]
    )
    return journal


def reopen(folder: Path, clock: Callable[[], int], **more: int) -> Journal:
    return Journal(
        folder / "live",
        master_key=folder / "away" / "master.key",
        safekeeping=folder / "safe",
        clock=clock,
        **more,
    )


def address(name: str) -> str:
    return f"{name}@people.example"


def registration(journal: Journal, name: str, **more: object) -> Entry:
    return Entry(
        kind="person.registered",
        body=Act(
            actor="person", method="form", points=(PointSet(channel="email", confirmed=True),)
        ),
        new=(
            ("email", journal.digest("email", address(name))),
            ("", journal.digest("external", f"ext-{name}")),
        ),
        profile=Profile(
            external_id=f"ext-{name}",
            points={"email": address(name)},
            attributes={"age": 41, "diet": "vegan"},
        ),
        **more,
    )


def yes(slot: int = SAME_NEW, **more: object) -> Entry:
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.GIVEN, until=2**52)
    act = Act(actor="person", method="form", consent=(row,), shared={"offers": ("age", "diet")})
    return Entry(kind="consent.granted", body=act, slot=slot, **more)


def no_more(slot: int, **more: object) -> Entry:
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    act = Act(actor="person", method="link", consent=(row,))
    return Entry(kind="consent.withdrawn", body=act, slot=slot, **more)


def register(journal: Journal, name: str) -> int:
    """A person with an address, two attributes and a yes; their slot."""
    return journal.append([registration(journal, name), yes()])[0].slot


def noted(text: str = "looked", **more: object) -> Entry:
    body = OperatorActed(actor="operator:ada", act=text)
    return Entry(kind="operator.acted", body=body, **more)


def in_force(journal: Journal, occasion: str = "spring") -> tuple[int, int, int, int]:
    names = ("brand", "rulebook", "laws", f"campaign:{occasion}")
    found = [journal.in_force(name) for name in names]
    first, second, third, fourth = (-1 if each is None else each[0] for each in found)
    return first, second, third, fourth


def attempt(journal: Journal, slot: int, **more: object) -> Entry:
    kept = journal.kept(slot)
    version = kept.standing.version if kept else 0
    at = journal.clock()
    body = Attempt(
        message="mens", purpose="offers", channel="email", occasion="spring",
        content=base64.urlsafe_b64encode(bytes(32)).decode().rstrip("="),
        point=1, consent=version, stated=in_force(journal), facts=(1, 0, 2), decided_at=at,
        handover_by=at + 30_000, counts_until=at + 30 * 86_400_000,
    )  # fmt: skip
    return Entry(kind="delivery.attempted", body=body, slot=slot, **{"expect": version, **more})


def one(answers: list[Appended]) -> Appended:
    (answer,) = answers
    return answer


def state_of(journal: Journal, slot: int) -> ConsentState:
    kept = journal.kept(slot)
    if kept is None or "offers/email" not in kept.standing.wishes.answers:
        return ConsentState.NEVER_ASKED
    return kept.standing.wishes.answers["offers/email"].state


def everything(journal: Journal) -> dict[int, object]:
    """What stands for everyone, to be compared."""
    return {kept.standing.slot: kept for kept in journal.everyone()}
