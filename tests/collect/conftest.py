"""A real journal, a brand and a mapping small enough to read, and CSV files as they are typed."""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from reciprocity.brand import BrandStatement, Controller, law_packs
from reciprocity.collect.imports import ImportReport, import_people
from reciprocity.collect.mapping import read_mapping
from reciprocity.journal.journal import Journal
from reciprocity.journal.standing import Standing
from reciprocity.model import (
    Attribute,
    AttributeType,
    Basis,
    Behaviour,
    Channel,
    Profile,
    Purpose,
    Topic,
)
from reciprocity.vault.people import find
from tests.place import placed

NOW = 1_790_000_000_000  # 2026-09-21

MAPPING = """
name = "crm"
external_id = "id"
language = "lang"
time_zone = "zone"
shared_for = ["offers", "order"]

[points.email]
column = "mail"
confirmed = { column = "sure", is = ["1", "yes"] }
bounced = { column = "sure", is = ["bounced"] }

[[consent]]
purpose = "offers"
channel = "email"
state = "given"
if = { column = "offers", is = ["yes"] }

[[consent]]
purpose = "offers"
channel = "email"
state = "refused"
if = { column = "offers", is = ["no"] }

[[consent]]
purpose = "marketing"
channel = "email"
state = "withdrawn"
if = { column = "offers", is = ["stop"] }

[[consent]]
purpose = "purchases"
channel = "observe"
state = "given"
if = { column = "looks", is = ["yes"] }

[[objections]]
purpose = "marketing"
if = { column = "offers", is = ["never"] }

[evidence]
when = "when"
how = "how"
text = { value = "the 2025 form" }

[[topics]]
topic = "tea"
if = { column = "tea", is = ["1"] }
level = 2
source = "observed:purchases"

[[topics]]
topic = "coffee"
if = { column = "tea", is = ["0"] }
level = -1

[[attributes]]
attribute = "spent"
column = "spent"
round = "down"

[[attributes]]
attribute = "town"
column = "town"
values = { "BE" = "Bern" }

[[attributes]]
attribute = "since"
column = "since"

[[attributes]]
attribute = "member"
column = "member"
"""

COLUMNS = ("id", "mail", "sure", "offers", "looks", "when", "how", "tea", "spent", "town", "since",
           "member", "lang", "zone")  # fmt: skip

STATEMENT = BrandStatement(
    id="shop",
    name="Shop",
    domain="shop.example",
    language="en",
    time_zone="UTC",
    controller=Controller(
        name="Shop", address="1 Street", email="a@shop.example", territory=("DE",)
    ),
    laws=("baseline",),
    purposes={
        "marketing": Purpose(title="Marketing"),
        "offers": Purpose(
            title="Offers", parent="marketing", channels=("email",), attributes=("spent", "town"),
            validity_days=1_000,
        ),
        "news": Purpose(title="News", parent="marketing", channels=("email",)),
        "order": Purpose(
            title="Orders", basis=Basis.CONTRACT, channels=("email",), attributes=("member",)
        ),
    },
    behaviours={"purchases": Behaviour(title="Purchases", gives="Better offers")},
    topics={"tea": Topic(title="Tea"), "coffee": Topic(title="Coffee")},
    attributes={
        "spent": Attribute(title="Spent", type=AttributeType.INTEGER, minimum=0, maximum=9_999),
        "town": Attribute(title="Town", type=AttributeType.ENUM, values=("Bern", "Chur")),
        "since": Attribute(title="Since", type=AttributeType.DAY),
        "member": Attribute(title="Member", type=AttributeType.BOOLEAN),
    },
    channels={"email": Channel(title="E-mail", kind="email")},
)  # fmt: skip


class Shop:
    """One brand with its journal; files are written and taken in by name."""

    def __init__(self, journal: Journal, folder: Path) -> None:
        self.journal, self.folder = journal, folder
        self.statement: BrandStatement = STATEMENT
        self.mapping = MAPPING

    def write(self, *rows: Mapping[str, str], name: str = "people.csv") -> Path:
        """A CSV file of *rows*; columns not named are empty."""
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def take(
        self, source: Path, progress: Callable[[int], None] = lambda _: None, mapping: str = ""
    ) -> ImportReport:
        (self.folder / "mapping.toml").write_text(mapping or self.mapping, "utf-8")
        return import_people(
            self.journal, self.statement, law_packs(self.statement.laws),
            read_mapping(self.folder / "mapping.toml"), source, self.folder / "rejects.csv",
            operator="operator:ada", progress=progress,
        )  # fmt: skip

    def import_rows(self, *rows: Mapping[str, str]) -> ImportReport:
        return self.take(self.write(*rows))

    def rejects(self) -> list[tuple[int, str]]:
        with (self.folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header == ["line", "reason"]
        return [(int(line), reason) for line, reason in rows]

    def standing(self, called: str) -> Standing:
        return self.journal.kept(find(self.journal, called)).standing

    def state(self, called: str, key: str = "offers/email") -> str:
        answer = self.standing(called).wishes.answers.get(key)
        return "never_asked" if answer is None else answer.state.value

    def profile(self, called: str) -> Profile:
        return self.journal.profile(find(self.journal, called))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Journal.create(
        placed(tmp_path / "journal"),
        origin="shop.example/log",
        master_key=tmp_path / "keys" / "master.key",
        safekeeping=tmp_path / "safe",
        clock=lambda: NOW,
    ) as opened:
        yield Shop(opened, tmp_path)
