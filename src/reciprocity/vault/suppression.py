"""The suppression list: addresses that are never to be written to again, whoever has them.

It holds keyed hashes alone, so it can outlive the people it is about: whoever is erased and comes
back with the same address is still not written to. There is no way off it here.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from reciprocity.brand.plausible import is_one_line
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Act, OperatorActed, PointSet, canonical
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.vault.people import EMAIL, canonical_address

__all__ = ["is_suppressed", "suppress"]

AT_ONCE: Final = 200
TRIES: Final = 5
MOST_REASON: Final = 200


def suppress(journal: Journal, addresses: Iterable[str], *, actor: str, reason: str) -> int:
    """Never write to *addresses* again; how many of them were not on the list before.

    Known people who have one of them get an event of their own, in the same transaction as the
    list's, so that their history says why nothing reaches them. Raises `InputError`, before
    anything is done, if one of the addresses is none (the problems name their places, not them).
    """
    digests = _digests(journal, addresses)
    if not is_one_line(reason) or not 0 < len(reason) <= MOST_REASON:
        raise InputError(f"reason is none: expected one line of up to {MOST_REASON} characters")
    added = 0
    for start in range(0, len(digests), AT_ONCE):
        part = digests[start : start + AT_ONCE]
        known = journal.suppressed(part)
        fresh = [digest for digest in part if digest not in known]
        if fresh:
            _add(journal, fresh, actor, reason)
        added += len(fresh)
        _retried(partial(_mark_late, journal, frozenset(part), actor))
    return added


def is_suppressed(journal: Journal, text: str) -> bool:
    """Is the address *text* on the list?"""
    digest = journal.digest(EMAIL, canonical_address(EMAIL, text))
    return digest in journal.suppressed([digest])


def _digests(journal: Journal, addresses: Iterable[str]) -> list[bytes]:
    digests: dict[bytes, None] = {}
    problems = []
    for place, text in enumerate(addresses, start=1):
        try:
            digests[journal.digest(EMAIL, canonical_address(EMAIL, text))] = None
        except InputError as error:
            problems.append(f"address {place}: {error}")
    if problems:
        raise InputError(f"suppression list is not changed: {problems[0]}", tuple(problems))
    return list(digests)


def _add(journal: Journal, digests: Sequence[bytes], actor: str, reason: str) -> None:
    """Append the act together with what follows from it for the people known now."""
    detail = canonical({"digests": [digest.hex() for digest in digests], "reason": reason})
    act = Entry(
        kind="suppression.added",
        body=OperatorActed(actor=actor, act="suppress", detail=msgspec.Raw(detail)),
        suppress=tuple(digests),
    )
    _retried(lambda: journal.append([act, *_consequences(journal, frozenset(digests), actor)]))


def _mark_late(journal: Journal, digests: frozenset[bytes], actor: str) -> None:
    """Mark people who came to one of the addresses while the list was being written."""
    late = _consequences(journal, digests, actor)
    if late:
        journal.append(late)


def _retried(act: Callable[[], object]) -> None:
    """Do *act*, and again if somebody's history moved on under it."""
    for _ in range(TRIES):
        try:
            act()
        except Conflict:
            continue
        return
    raise Conflict("people's histories kept moving on: run it again, it goes on where it stopped")


def _consequences(journal: Journal, digests: frozenset[bytes], actor: str) -> list[Entry]:
    """An event for each person who has one of the addresses, on the channels that use it."""
    slots = sorted(set(journal.find_many(list(digests)).values()))
    kept, profiles = journal.kept_many(slots), journal.profiles(slots)
    entries = []
    for slot in slots:
        if slot not in kept or slot not in profiles:
            continue
        standing, addresses = kept[slot].standing, profiles[slot].points
        points = tuple(
            PointSet(channel=channel, point=point.version, suppressed=True)
            for channel, point in sorted(standing.wishes.points.items())
            if not point.suppressed
            and channel in addresses
            and journal.digest(EMAIL, canonical_address(EMAIL, addresses[channel])) in digests
        )
        if points:
            entries.append(
                Entry(
                    kind="contact_point.suppressed",
                    body=Act(actor=actor, method="suppress", points=points),
                    slot=slot,
                    expect=standing.version,
                )
            )
    return entries
