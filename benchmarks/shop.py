"""The brand that benchmarks work on: the Hillstrom example, with people made up on the spot.

Not a benchmark itself. People come in as an import brings them, with evidence, two topics and five
attributes, so that "a person" and "a delivery" weigh what they weigh in a brand's own journal.
"""

import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from reciprocity.collect.imports import import_people
from reciprocity.collect.mapping import read_mapping
from reciprocity.decide.one import decide_one
from reciprocity.decide.prepare import DAY_MS, Prepared
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.deliver.letters import content_hash
from reciprocity.events import Attempt, Outcome
from reciprocity.journal.cache import Kept
from reciprocity.journal.entry import Entry
from reciprocity.model import Verdict
from reciprocity.platform import Reciprocity

__all__ = [
    "CAMPAIGNS",
    "DAY_MS",
    "Clock",
    "attempts",
    "delivered",
    "open_shop",
    "slots_of",
    "stored_bytes",
]

EXAMPLE = Path(__file__).parent.parent / "examples" / "hillstrom"
START = 1_790_012_345_678
MESSAGE = "mens"
CAMPAIGNS = ("spring", "summer", "autumn", "winter")
"""The example's own, and copies of it, so that people can get several messages."""


class Clock:
    """A clock that stands until it is set, so that every attempt is a fresh one."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        """The instant it stands at."""
        return self.at


@contextmanager
def open_shop(people: int) -> Iterator[tuple[Reciprocity, Clock]]:
    """The example brand with *people* imported, in a folder that is removed afterwards."""
    with TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder) / "shop"
        shutil.copytree(EXAMPLE, home, ignore=shutil.ignore_patterns("run", "__pycache__"))
        add_campaigns(home / "brand.toml")
        clock = Clock()
        with Reciprocity.create(home, clock) as shop:
            shop.apply("operator:bench")
            if people:
                take_people(shop, people, Path(folder))
            yield shop, clock


def add_campaigns(brand: Path) -> None:
    text = brand.read_text(encoding="utf-8")
    campaign = text[text.index("[campaigns.spring]") :]
    copies = [
        campaign.replace("s.spring", f"s.{name}").replace("mens]", f"mens_{name}]")
        for name in CAMPAIGNS[1:]
    ]
    brand.write_text("\n".join([text, *copies]), encoding="utf-8")


def take_people(shop: Reciprocity, people: int, folder: Path) -> None:
    """*people* who all said yes and love both topics."""
    dice, source = random.Random(7), folder / "people.csv"
    with source.open("w", encoding="utf-8") as file:
        file.write("recency,history,mens,womens,zip_code,newbie,channel,segment\n")
        for _ in range(people):
            file.write(
                f"{dice.randint(1, 9)},{dice.randint(50, 999)}.5,1,1,"
                f"{dice.choice(('Rural', 'Surburban', 'Urban'))},0,"
                f"{dice.choice(('Phone', 'Web', 'Multichannel'))},Mens E-Mail\n"
            )
    report = import_people(
        shop.journal,
        shop.brand.statement,
        shop.laws,
        read_mapping(shop.brand.folder / "mapping.toml"),
        source,
        folder / "rejects.csv",
        operator="operator:bench",
    )
    assert report.new == people, report


def slots_of(shop: Reciprocity) -> list[int]:
    """Everybody's slot, in order."""
    return [kept.standing.slot for kept in shop.journal.everyone()]


def attempts(shop: Reciprocity, slots: Sequence[int], campaign: str = "spring") -> list[Entry]:
    """The attempt that a sender would record now for each of *slots*, true in every fact."""
    statements = statements_in_force(shop.journal)
    stated = campaign_in_force(shop.journal, campaign)
    messages = prepare_all(statements, stated)
    prepared = next(one for name, one in messages.items() if name.startswith(MESSAGE))
    forced = (statements.brand_at, statements.rulebook_at, statements.laws_at, stated.position)
    content, kept = content_hash(prepared.message), shop.journal.kept_many(slots)
    at = shop.journal.clock()
    return [_attempt(prepared, kept[slot], content, forced, at) for slot in slots]


def _attempt(
    prepared: Prepared,
    person: Kept,
    content: str,
    stated: tuple[int, int, int, int],
    at: int,
) -> Entry:
    standing = person.standing
    (judged,) = decide_one([prepared], standing, person.clear, at, 0)
    assert judged.decision.verdict is Verdict.DELIVER, judged.decision
    body = Attempt(
        message=prepared.message_id,
        purpose=prepared.message.purpose,
        channel=prepared.message.channel,
        occasion=prepared.occasion,
        content=content,
        point=standing.wishes.points["email"].version,
        consent=standing.wishes.answers[prepared.ground.key].version,
        stated=stated,
        facts=tuple(map(int, judged.facts)),
        atoms=judged.atoms,
        score=judged.score,
        decided_at=at,
        handover_by=at + 30_000,
        counts_until=max(at + 31 * DAY_MS, prepared.closes),
    )
    return Entry(kind="delivery.attempted", body=body, slot=standing.slot, expect=standing.version)


def delivered(shop: Reciprocity, slots: Sequence[int]) -> list[Entry]:
    """The outcome `delivered`, a little while ago, of the newest attempt to each of *slots*."""
    kept, at = shop.journal.kept_many(slots), shop.journal.clock() - 2
    return [
        Entry(
            kind="delivery.delivered",
            body=Outcome(attempt=kept[slot].standing.version),
            slot=slot,
            happened_at=at,
        )
        for slot in slots
    ]


def stored_bytes(shop: Reciprocity) -> int:
    """The size of the three files, with nothing left in their write-ahead logs."""
    size = 0
    for name in ("journal.db", "keys.db", "standing.db"):
        path = shop.journal.folder / name
        with closing(sqlite3.connect(path)) as db:
            (busy, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy, name
        size += path.stat().st_size
    return size
