"""A population planned at once: its snapshot made and brought up, then 20 messages counted.

Ten million people are copies of fifty thousand random ones, in no order, written straight into the
standing cache. All that is measured runs in a process of its own, so that its CPU and its greatest
memory are its own. Beside it stand the same plan by hand in numpy, whose counts must be equal, and
a bare scan of the very columns that the query reads.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import msgspec

from benchmarks.table import Row, as_markdown
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import Quiet, TopicLevel
from reciprocity.journal.cache import Clear, StandingCache
from reciprocity.journal.standing import Sent, Standing
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from tests.shop import DAY, START, Clock, new_shop

__all__ = ["MESSAGES", "rows", "written"]

PEOPLE: Final = 10_000_000
TEMPLATES: Final = 50_000
MESSAGES: Final = 20
HOUR_MS: Final = 3_600_000
_TOPICS: Final = ("garden", "kitchen", "books", "tools", "toys", "music")
_BRAND: Final = """
[topics.books]
title = "Books"
[topics.tools]
title = "Tools"
[topics.toys]
title = "Toys"
[topics.music]
title = "Music"
[attributes.region]
title = "Region"
type = "enum"
values = ["north", "south", "east", "west"]
[attributes.member]
title = "Member"
type = "boolean"
[campaigns.big]
title = "Big"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z
"""
_MESSAGE: Final = """
[campaigns.big.messages.m{n}]
purpose = "offers"
channel = "email"
subject = "Something"
text = "For you."
topics = {{ {first} = {weight}, {second} = {other} }}
audience = "{audience}"
"""
AUDIENCES: Final = (
    "TRUE", "visits > 3", "visits <= 10 AND region IN ('south', 'east')", "member",
    "NOT member AND visits > 8", "region <> 'west'",
)  # fmt: skip


class Weighed(NamedTuple):
    """A message of the benchmark: its topics with their weights, and its audience's number."""

    topics: tuple[tuple[str, int], tuple[str, int]]
    audience: int


def weighed() -> list[Weighed]:
    """The messages, the same for whoever asks."""
    dice = Random(20)
    told = []
    for number in range(MESSAGES):
        first, second = dice.sample(_TOPICS, 2)
        topics = (first, dice.randint(1, 9)), (second, dice.randint(1, 9))
        told.append(Weighed(topics, number % len(AUDIENCES)))
    return told


def written(folder: Path, people: int) -> Path:
    """A brand in *folder* whose standing cache has *people*; the folder of the brand."""
    clock = Clock()
    with new_shop(folder, clock=clock) as shop:
        brand = shop.brand.folder / "brand.toml"
        text = brand.read_text().replace(
            'attributes = ["visits"]', 'attributes = ["visits", "region", "member"]'
        )
        messages = "".join(
            _MESSAGE.format(
                n=n, first=one.topics[0][0], weight=one.topics[0][1], second=one.topics[1][0],
                other=one.topics[1][1], audience=AUDIENCES[one.audience],
            )
            for n, one in enumerate(weighed())
        )  # fmt: skip
        brand.write_text(text + _BRAND + messages)
    with Reciprocity.open(brand.parent, clock) as shop:
        shop.apply("operator:bench")
    _fill(brand.parent, people)
    return brand.parent


def _fill(folder: Path, people: int) -> None:
    """Write *people* into the cache: each a template's bytes with a slot of its own."""
    dice = Random(10)
    templates = [_template(dice, soon=n < TEMPLATES // 100) for n in range(TEMPLATES)]
    encode = msgspec.msgpack.encode
    tails = []
    for standing, clear in templates:
        state = encode(standing)
        tails.append((state[:1], state[2:], encode(clear)))  # a slot below 128 is one byte
    cache = StandingCache(folder / "standing.db")
    cache.db.execute("PRAGMA synchronous = OFF")
    cache.begin()

    def all_rows() -> Iterator[tuple[object, ...]]:
        for slot in range(people):  # every template once in so many slots, neighbours apart
            head, tail, clear = tails[slot * 7_919 % TEMPLATES]
            yield slot, 9, slot.to_bytes(16, "big"), 0, 0, 0, head + encode(slot) + tail, clear

    cache.db.executemany("INSERT INTO standing VALUES (?, ?, ?, ?, ?, ?, ?, ?)", all_rows())
    cache.commit()
    cache.close()


def _template(dice: Random, *, soon: bool) -> tuple[Standing, Clear]:
    """Somebody; a yes that ends *soon* does so within the hour, and nothing else does."""

    def chance(share: float) -> bool:
        return dice.random() < share

    state = ConsentState.GIVEN if soon or chance(0.7) else dice.choice(list(ConsentState))
    until = START + (HOUR_MS // 2 if soon else dice.randrange(-5, 400) * DAY)
    sent = tuple(
        Sent(
            version=3, at=START - dice.randrange(40) * DAY, message="old", channel="email",
            occasion="winter", counts_until=START + 99 * DAY, handover_by=0,
        )
        for _ in range(dice.choice([0, 0, 0, 1, 2, 4]))
    )  # fmt: skip
    wishes = Wishes(
        answers={"offers/email": Answer(
            state=state, version=2, at=START - dice.randrange(300) * DAY, until=until,
        )} if soon or chance(0.95) else {},
        objections={"offers/*": (4, True)} if chance(0.02) else {},
        topics={n: TopicLevel(level=dice.randint(-2, 2)) for n in _TOPICS if chance(0.7)},
        points={"email": Point(version=1, confirmed=chance(0.97), bounced=chance(0.02))},
        pauses={"email": START + 9 * DAY} if chance(0.03) else {},
        shared={"offers": ("visits", "region", "member") if chance(0.9) else ("visits",)},
        quiet=Quiet(start=1_200, end=dice.randrange(360, 700)) if chance(0.1) else None,
        time_zone=dice.choice(["", "Europe/London", "Europe/Berlin", "Asia/Tokyo"]),
        age_at_least=18,
    )  # fmt: skip
    clear: Clear = {
        "visits": dice.randrange(20), "region": dice.choice(["north", "south", "east", "west"]),
        "member": chance(0.5),
    }  # fmt: skip
    return Standing(slot=1, version=9, head=bytes(32), wishes=wishes, sent=sent), clear


# -- what is measured, each in a process of its own --


class Spent(NamedTuple):
    """What one step took: CPU and wall seconds, the greatest memory in MB, and what it found."""

    cpu: float
    wall: float
    memory: float
    found: dict[str, object]


def _in_its_own(step: str, *told: object) -> Spent:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.many_steps", step, *map(str, told)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return Spent(**json.loads(done.stdout.splitlines()[-1]))


def rows(people: int = PEOPLE) -> list[Row]:
    """Snapshot, 1% of it, the plan beside numpy and a scan, and how time grows."""
    with TemporaryDirectory() as place:
        folder = written(Path(place), people)
        made = _in_its_own("snapshot", folder, START)
        renewed = _in_its_own("snapshot", folder, START + HOUR_MS)
        if renewed.found != {"people": people, "read": people // 100}:
            raise RuntimeError(f"not one in a hundred has changed: {renewed.found}")
        plans = {
            size: _in_its_own("plan", folder, START + HOUR_MS, size)
            for size in (people // 10, people * 3 // 10, people)
        }
        plan = plans[people]
        by_hand = _in_its_own("numpy", folder, START + HOUR_MS, people)
        scan = _in_its_own("scan", folder, START + HOUR_MS, people)
        asked = _in_its_own("ask", folder, START + HOUR_MS, people).found
        sizes = (people // 10, people * 3 // 10, people)
        spark = [_in_its_own("spark", folder, START + HOUR_MS, size) for size in sizes]
    if plan.found != by_hand.found:
        raise RuntimeError("numpy and DuckDB count differently")
    if [each.found for each in spark] != [plans[size].found for size in sizes]:
        raise RuntimeError("Spark and DuckDB count differently")
    told = f"{people:,} people x {MESSAGES} messages"
    small, middle = (plans[size].wall / size * 1e6 for size in (people // 10, people * 3 // 10))
    large = plan.wall / people * 1e6
    return [
        Row(work=f"snapshot of {people:,} people", measured=made.wall, unit="s", at_most=180),
        Row(work="the same, memory", measured=made.memory, unit="MB", at_most=1_000),
        Row(work="snapshot brought up, 1% changed", measured=renewed.wall, unit="s", at_most=10),
        Row(work=f"{told}, counts and best", measured=plan.cpu, unit="CPU-s", limit=by_hand.cpu,
            limit_is="by hand in numpy, counts equal", ratio_at_most=1.1),
        Row(work="the same", measured=plan.cpu, unit="CPU-s", limit=scan.cpu,
            limit_is="a bare scan of the same columns"),
        Row(work="the same, memory", measured=plan.memory, unit="MB", at_most=1_000),
        Row(work=f"time a person, {people:,} against {people // 10:,}", measured=large, unit="us",
            limit=small, limit_is="the smaller", ratio_at_most=1.15),
        Row(work=f"time a person, {people:,} against {people * 3 // 10:,}", measured=large,
            unit="us", limit=middle, limit_is="the smaller", ratio_at_most=1.15),
        *(
            Row(work=f"{size:,} people x {MESSAGES} messages, Spark in local mode",
                measured=each.wall, unit="s", limit=plans[size].wall, limit_is="DuckDB")
            for size, each in zip(sizes, spark, strict=True)
        ),
        *(
            Row(work=f"two columns of {people:,} grouped, {how}", measured=float(str(asked[name])),
                unit="s", limit=float(str(asked["raw"])), limit_is="the raw columns")
            for name, how in (("view", "by a purpose's view"), ("sql", "by `sql`"))
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(as_markdown(rows(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)))
