"""Bring the standing cache to where the journal is; the same code makes it anew from nothing."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from reciprocity.errors import Damaged
from reciprocity.events import Act, ErasureDone, Scope
from reciprocity.journal.cache import Kept, StandingCache, clear_values
from reciprocity.journal.leaf import Row, Told, chain_start, open_personal
from reciprocity.journal.read import Reader
from reciprocity.journal.standing import Standing, fold, tombstone
from reciprocity.keys import KeyPair, KeyStore, PersonKeys, derive
from reciprocity.model import Profile

__all__ = ["catch_up"]

_AT_ONCE: Final = 5_000
_PERSONAL, _BRAND = bytes([Scope.PERSONAL]), bytes([Scope.BRAND])


def catch_up(
    reader: Reader,
    keys: KeyStore,
    cache: StandingCache,
    *,
    size: int,
    root_at: Callable[[int], bytes],
    sensitive: frozenset[str],
    gone: Iterable[int],
    progress: Callable[[int], None] | None = None,
) -> None:
    """Fold the events that *cache* has not seen, up to *size*, and leave it there.

    A cache that saw another history (its root differs), or shows an attribute in clear that has
    become sensitive since, is emptied first. *gone* are slots whose
    erasure has begun: their events need not open. *progress* is told each position reached.
    """
    cache.begin()  # waits for whoever still writes what they committed before we got the lock
    position, root = cache.progress()
    hidden = ",".join(sorted(sensitive))
    if (
        position > size
        or (position and root != root_at(position))
        or (position and cache.hidden() != hidden)
    ):
        cache.empty()
        position = 0
    cache.hide(hidden)
    cache.commit()
    erased = frozenset(gone)
    whole, faceless = position == 0, 0
    rows = reader.rows(position, size)
    while batch := list(islice(rows, _AT_ONCE)):
        stop = batch[-1].position + 1
        people, at = _fold_batch(reader, keys, cache, batch, sensitive, erased)
        cache.begin()
        cache.write_kept(people, at)
        cache.reach(stop, root_at(stop))
        cache.commit()
        faceless += sum(row.slot is None and row.leaf[:1] == _PERSONAL for row in batch)
        if progress:
            progress(stop)
    if whole:
        _check_erased(reader, cache, faceless)


def _check_erased(reader: Reader, cache: StandingCache, faceless: int) -> None:
    """Events without a person must be those of the erased: else one could hide a withdrawal."""
    erased = cache.erased()
    left = sum(reader.version(slot) for slot in reader.with_events(erased))
    if faceless != sum(erased.values()) - left:
        raise Damaged(
            f"journal has {faceless} events without a person, but its people erased had "
            f"{sum(erased.values()) - left}: keep the file, restore a backup"
        )


def _fold_batch(
    reader: Reader,
    keys: KeyStore,
    cache: StandingCache,
    batch: list[Row],
    sensitive: frozenset[str],
    erased: frozenset[int],
) -> tuple[list[Kept], int]:
    slots = sorted({row.slot for row in batch if row.slot is not None and row.slot not in erased})
    people, kept = keys.people(slots), cache.load_kept(slots)
    standings: dict[int, Standing] = {slot: one.standing for slot, one in kept.items()}
    told_profile: set[int] = set()
    at = 0
    for row in batch:
        at = max(at, row.recorded_at or 0)
        if row.leaf[:1] == _BRAND:
            _bury(reader.open(row), standings)
        elif row.slot is not None and row.slot not in erased:
            pair = _pair(row, people.get(row.slot))
            told, before = open_personal(pair, row), standings.get(row.slot)
            if before is None:
                before = Standing(slot=row.slot, head=chain_start(pair))
            if told.version != before.version + 1:
                raise Damaged(f"history of slot {row.slot} has a gap: restore a backup")
            standings[row.slot] = fold(
                before, told.kind, told.v, told.body, told.at, told.happened_at, told.version,
                told.leaf_hash,
            )  # fmt: skip
            if type(told.body) is Act:
                told_profile.add(row.slot)
    changed = [people[slot] for slot in told_profile if slot in people]
    profiles = reader.profiles(changed)
    result = []
    for slot, standing in standings.items():
        person, clear = people.get(slot), kept[slot].clear if slot in kept else {}
        if slot in told_profile:
            profile = profiles.get(slot) or Profile()
            clear = clear_values(profile.attributes, standing.wishes.shared, sensitive)
        alive = person is not None and not standing.erased
        result.append(
            Kept(standing, clear if alive else {}, person.pseudonym if person and alive else b"")
        )
    return result, at


def _pair(row: Row, person: PersonKeys | None) -> KeyPair:
    if person is None:
        raise Damaged(
            f"keys of slot {row.slot} are not in keys.db though nobody erased them: it is older "
            "than the journal; restore the keys.db that belongs to it"
        )
    return derive(person.proof)


def _bury(told: Told, standings: dict[int, Standing]) -> None:
    if type(told.body) is ErasureDone:
        body = told.body
        standings[body.slot] = tombstone(
            Standing(slot=body.slot, version=body.version, head=bytes.fromhex(body.head))
        )
