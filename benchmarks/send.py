"""Mails sent a second, each decided again at the door; and deliveries replayed a second.

The letters go into a Maildir: an attempt on record, the letter rendered and built, synced, the
person's version read once more, the file named, the outcome on record. Replay is held against the
least that any reader of the same events must do, in the same run: decrypt each, compare it with
its leaf, parse it. Replay takes one core, so its rate is by processor time.
"""

import gc
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
from reciprocity.prove.replay import Replay, audit

__all__ = ["rows"]

MAILS = 2_000
PEOPLE = 8_000
AT_ONCE = 1_000
RUNS = 3


def rows() -> list[Row]:
    """Mails to a Maildir, and what replays them."""
    return [*_sent(), *_replayed()]


def _sent() -> list[Row]:
    with open_shop(MAILS) as (shop, _):
        begun = perf_counter()
        shop.plan("spring")
        planned = perf_counter() - begun
        begun = perf_counter()
        report = shop.send("spring", "operator:bench")
        took = perf_counter() - begun
        assert report.delivered == MAILS, report
        assert not shop.audit().breaches
    return [
        Row(
            work="mails to a Maildir, each decided again at the door", at_least=500,
            measured=MAILS / (took - planned), unit="/s",
        ),
    ]  # fmt: skip


def _replayed() -> list[Row]:
    with open_shop(PEOPLE) as (shop, clock):
        for campaign in CAMPAIGNS:
            _deliver(shop, clock, campaign)
        deliveries = PEOPLE * len(CAMPAIGNS)
        works = (lambda: bare(shop), lambda: replay(shop), lambda: audit(shop.journal))
        rounds = [[_seconds(work) for work in works] for _ in range(RUNS)]
        result = audit(shop.journal)
        assert (result.deliveries, result.breaches) == (deliveries, ()), result.breaches[:1]
    limit, replayed, audited = (deliveries / median(taken) for taken in zip(*rounds, strict=True))
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


def _deliver(shop: Reciprocity, clock: Clock, campaign: str) -> None:
    slots = slots_of(shop)
    for start in range(0, len(slots), AT_ONCE):
        part = slots[start : start + AT_ONCE]
        _append(shop, attempts(shop, part, campaign))
        _append(shop, delivered(shop, part))
    clock.at += 9 * DAY_MS


def _append(shop: Reciprocity, entries: Sequence[Entry]) -> None:
    answers = shop.journal.append_many([[entry] for entry in entries])
    assert all(isinstance(answer, list) for answer in answers), answers[0]


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    begun = process_time()
    work()
    return process_time() - begun


def replay(shop: Reciprocity) -> None:
    """Every history judged, as an audit does it."""
    run = Replay(shop.journal)
    for slot, history in shop.journal.histories(shop.journal.state().size):
        run.person(history, slot)


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
