"""What a turn knows when it begins, read under the lock; and what it comes to, to be written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.events import ErasureDone
from reciprocity.journal.cache import Clear, StandingCache
from reciprocity.journal.entry import Entry
from reciprocity.journal.leaf import Row
from reciprocity.journal.log_reader import State
from reciprocity.journal.read import Reader
from reciprocity.journal.standing import Standing
from reciprocity.keys import KeyPair, KeyStore, PersonKeys
from reciprocity.model import Profile

__all__ = ["Before", "Written", "read_before"]

BEHIND_MS: Final = 5_000
"""A clock further behind the last event than this refuses all but acts that take away."""

EventRow = tuple[
    int, int | None, int | None, int, int, str, bytes | None, bytes, bytes | None
]  # the columns of `event`


class Before(NamedTuple):
    """All that a turn needs to know, read under the lock."""

    at: int
    clock_behind: bool
    size: int
    next_slot: int
    new_people: int
    gap: int
    brand: KeyPair
    in_force: dict[str, int]
    standings: dict[int, Standing]
    people: dict[int, PersonKeys]
    found: dict[bytes, int]
    suppressed: frozenset[bytes]
    acts: Mapping[bytes, Row]
    act_digest: Callable[[str], bytes]
    shielded: Callable[[bytes], bytes]
    sensitive: frozenset[str]
    profile_of: Callable[[int], Profile]


class Written(Struct, kw_only=True):
    """What the entries admitted so far come to; the last word on a digest or a slot holds."""

    rows: list[EventRow]
    leaf_hashes: list[bytes]
    minted: list[PersonKeys]
    suppress: list[bytes]
    index: dict[bytes, int]
    unindex: dict[bytes, int]
    vault: dict[int, bytes]
    profiles: dict[int, Profile]
    clear: dict[int, Clear]
    standings: dict[int, Standing]
    in_force: dict[str, int]


class _Asked:
    """What entries name: people, identities, act ids; and how many people they make."""

    __slots__ = ("act_ids", "digests", "new", "slots")

    def __init__(self) -> None:
        self.slots: set[int] = set()
        self.digests: list[bytes] = []
        self.act_ids: list[str] = []
        self.new = 0

    def by(self, entry: Entry) -> None:
        if entry.slot >= 0:
            self.slots.add(entry.slot)
        if entry.new is not None:
            self.new += 1
            self.digests += [digest for _, digest in entry.new]
        if entry.index:
            self.digests += [digest for _, digest in entry.index]
        if entry.act_id:
            self.act_ids.append(entry.act_id)
        if type(entry.body) is ErasureDone:
            self.slots.add(entry.body.slot)


def read_before(
    entries: Sequence[Entry],
    state: State,
    *,
    reader: Reader,
    keys: KeyStore,
    cache: StandingCache,
    now: int,
    in_force: dict[str, int],
    sensitive: frozenset[str],
) -> Before:
    """Read, in a few queries, all that admitting *entries* at *now* needs to know."""
    asked = _Asked()
    for entry in entries:
        asked.by(entry)
    wanted, digests = sorted(asked.slots), asked.digests
    found = keys.find_many(digests) if digests else {}
    known = reader.with_events(set(found.values()))

    acts = [reader.act_digest(each) for each in asked.act_ids]
    return Before(
        at=max(now, state.last_at),
        clock_behind=now < state.last_at - BEHIND_MS,
        size=state.size,
        # A turn that was cut short leaves keys, and index entries, without events.
        new_people=asked.new,
        next_slot=max(state.next_slot, keys.next_slot()) if asked.new else state.next_slot,
        gap=state.gap,
        brand=reader.brand,
        in_force=in_force,
        standings=cache.load(wanted),
        people=keys.people(wanted),
        found={digest: slot for digest, slot in found.items() if slot in known},
        suppressed=reader.suppressed(digests) if digests else frozenset(),
        acts=reader.acts(acts) if acts else {},
        act_digest=reader.act_digest,
        shielded=reader.shielded,
        sensitive=sensitive,
        profile_of=reader.profile,
    )
