"""Deliveries replayed a second: on one core, in two processes, and only what is new.

Replay is held against the least that any reader of the same events must do, in the same run:
decrypt each, compare it with its leaf, parse it. One core's rate is by processor time. Processes
share the machine with whatever else it does, so they are held against one process by the clock on
the wall, the two in turns. Of the deliveries, 1% come after a published audit of the others.
"""

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from statistics import median
from time import perf_counter, process_time

from benchmarks.shop import (
    CAMPAIGNS,
    DAY_MS,
    Clock,
    attempts,
    delivered,
    open_shop,
    slots_of,
)
from benchmarks.table import Row, as_markdown
from reciprocity.events import read_body, read_event
from reciprocity.journal.entry import Entry
from reciprocity.journal.leaf import salt_of
from reciprocity.journal.packing import unpack
from reciprocity.keys import KeyPair, derive, open_sealed
from reciprocity.platform import Reciprocity
from reciprocity.prove.audit import audit
from reciprocity.prove.published import audit_new, publish
from reciprocity.prove.replay import Replay

__all__ = ["rows"]

PEOPLE = 20_000
DELIVERIES = PEOPLE * len(CAMPAIGNS)
NEW = DELIVERIES // 100
AT_ONCE = 1_000
RUNS = 3


def rows() -> list[Row]:
    """Replay and audit on one core, in two processes, and of what is new."""
    with open_shop(PEOPLE) as (shop, clock):
        slots = slots_of(shop)
        for campaign in CAMPAIGNS[:-1]:
            _deliver(shop, clock, campaign, slots)
        _deliver(shop, clock, CAMPAIGNS[-1], slots[:-NEW])
        publish(shop.journal, processes=1)
        _deliver(shop, clock, CAMPAIGNS[-1], slots[-NEW:])
        return [*_on_one_core(shop), *_of_what_is_new(shop), *_in_two_processes(shop)]


def _on_one_core(shop: Reciprocity) -> list[Row]:
    works = (lambda: bare(shop), lambda: replay(shop), lambda: audit(shop.journal))
    rounds = [[_seconds(work) for work in works] for _ in range(RUNS)]
    result = audit(shop.journal)
    assert (result.deliveries, result.breaches) == (DELIVERIES, ()), result.breaches[:1]
    limit, replayed, audited = (DELIVERIES / median(taken) for taken in zip(*rounds, strict=True))
    return [
        Row(
            work="deliveries replayed on one core, four a person with their history",
            measured=replayed, unit="/s", limit=limit, limit_is="bare open-and-check loop",
            at_least=25_000, ratio_at_least=0.6,
        ),
        Row(
            work="deliveries audited: every leaf, tile and statement too", measured=audited,
            unit="/s", limit=replayed, limit_is="replay alone",
        ),
    ]  # fmt: skip


def _of_what_is_new(shop: Reciprocity) -> list[Row]:
    works = (lambda: audit_new(shop.journal, processes=1), lambda: audit(shop.journal))
    rounds = [[_seconds(work) for work in works] for _ in range(RUNS)]
    result = audit_new(shop.journal, processes=1)
    assert (result.deliveries, result.breaches) == (NEW, ()), result
    new, full = (1_000 * median(taken) for taken in zip(*rounds, strict=True))
    return [
        Row(
            work="audit of what is new, 1% of the deliveries", measured=new, unit="ms",
            limit=full, limit_is="audit of all",
        ),
    ]  # fmt: skip


def _in_two_processes(shop: Reciprocity) -> list[Row]:
    works = (lambda: audit(shop.journal), lambda: audit(shop.journal, processes=2))
    rounds = [[_seconds(work, perf_counter) for work in works] for _ in range(RUNS)]
    assert audit(shop.journal, processes=2) == audit(shop.journal)
    one, two = (DELIVERIES / median(taken) for taken in zip(*rounds, strict=True))
    room = _gain_of_two()
    return [
        Row(
            work="deliveries audited by two processes", measured=two, unit="/s", limit=one,
            limit_is="one process", ratio_at_least=1.6,
        ),
        Row(
            work="what two processes gain, of what this machine has for two", measured=two / one,
            unit="times", limit=room, limit_is="bare hashing in two processes, against one",
        ),
    ]  # fmt: skip


HASHING = """
from hashlib import sha256
one = bytes(64)
for _ in range(1_500_000):
    one = sha256(one).digest()
"""


def _gain_of_two() -> float:
    """How much more two processes get done than one on this machine, by hashing alone."""

    def run(count: int) -> float:
        begun = perf_counter()
        begin = [subprocess.Popen([sys.executable, "-c", HASHING]) for _ in range(count)]
        for one in begin:
            one.wait()
        return perf_counter() - begun

    return median(2 * run(1) / run(2) for _ in range(RUNS))


def _deliver(shop: Reciprocity, clock: Clock, campaign: str, slots: Sequence[int]) -> None:
    for start in range(0, len(slots), AT_ONCE):
        part = slots[start : start + AT_ONCE]
        _append(shop, attempts(shop, part, campaign))
        _append(shop, delivered(shop, part))
    clock.at += 9 * DAY_MS


def _append(shop: Reciprocity, entries: Sequence[Entry]) -> None:
    answers = shop.journal.append_many([[entry] for entry in entries])
    assert all(isinstance(answer, list) for answer in answers), answers[0]


def _seconds(work: Callable[[], object], clock: Callable[[], float] = process_time) -> float:
    gc.collect()
    begun = clock()
    work()
    return clock() - begun


def replay(shop: Reciprocity) -> None:
    """Every history judged, as an audit does it."""
    run = Replay(shop.journal)
    for slot, history in shop.journal.histories(shop.journal.state().size):
        run.person(history, slot)
    run.take()


def bare(shop: Reciprocity) -> None:
    """Decrypt, compare with the leaf, parse: the same events, and nothing is judged."""
    for slot, version, sealed, leaf, pair in _sealed(shop):
        text = unpack(open_sealed(pair.seal, sealed, b"%d/%d" % (slot, version))[1:])
        assert leaf == b"\1" + sha256(salt_of(pair, version, text) + text).digest()
        told = read_event(text)
        read_body(told.kind, told.body, told.v)


def _sealed(shop: Reciprocity) -> Iterator[tuple[int, int, bytes, bytes, KeyPair]]:
    """Every person's events with the person's keys, by slot."""
    with closing(shop.journal.connection()) as db:
        slot, people, until = -1, {}, 0
        for row in db.execute(
            "SELECT slot, version, sealed, leaf FROM event WHERE slot IS NOT NULL"
            " ORDER BY slot, version"
        ):
            if row[0] != slot:
                slot = row[0]
                if slot >= until:
                    until = slot + 500
                    people = shop.journal.keys.people(range(slot, until))
                pair = derive(people[slot].proof)
            yield *row, pair


def main() -> None:
    """Print the rows."""
    sys.stdout.write(as_markdown(rows()))


if __name__ == "__main__":
    main()
