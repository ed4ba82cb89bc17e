"""Audits as they are published: each carries the one before it on, and a missed night shows.

A statement `audit.published` holds counts alone. It is written once a night by `tick`, over what
was recorded since the statement before it, and by `reciprocity audit --publish`. Anyone who reads
the public log sees the totals, and how many days passed between two statements.

A run over what is new carries on the totals of the last statement in this log: one that a restore
lost is judged again. It judges all anew (mode `full`) where that cannot be done: there is no
statement yet, or somebody was erased since without saying how much of theirs was counted before,
as a restore does when it erases again.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from reciprocity.errors import Conflict, Damaged
from reciprocity.events import AuditPublished, Counted, ErasureDone
from reciprocity.journal.destroy import Found
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.prove.audit import audit, nobody_is_erased
from reciprocity.prove.figures import Audit, by_kind
from reciprocity.prove.replay import Replay
from reciprocity.prove.workers import Progress, processes_for

__all__ = [
    "OVERDUE_MS",
    "Published",
    "audit_all",
    "audit_new",
    "due",
    "found_in",
    "nightly",
    "overdue",
    "publish",
    "published",
]

DAY_MS: Final = 86_400_000
OVERDUE_MS: Final = 26 * 3_600_000
"""A nightly audit is overdue when the newest is older: two hours for it to be run and be done."""


class Published(Struct, frozen=True, kw_only=True):
    """A published audit, where and when it was; *new_breaches* are more than the one before had."""

    position: int
    at: int
    said: AuditPublished
    new_breaches: int


def published(journal: Journal) -> list[Published]:
    """All audits ever published in this log, oldest first."""
    found: list[Published] = []
    for told in journal.brand_events("audit.published"):
        if isinstance(told.body, AuditPublished):
            before = sum(found[-1].said.breaches.values()) if found else 0
            fresh = sum(told.body.breaches.values()) - before
            found.append(
                Published(
                    position=told.position, at=told.at, said=told.body, new_breaches=max(0, fresh)
                )
            )
    return found


def audit_new(journal: Journal, progress: Progress | None = None, *, processes: int = 0) -> Audit:
    """Audit what was recorded since the last published audit; changes nothing.

    *processes* 0 takes as many as fit the work. Where totals cannot be carried on, all is judged.
    """
    with nobody_is_erased(journal):
        since = _carried_to(journal, _newest(journal))
        return _audited(journal, since, progress, processes)


def audit_all(journal: Journal, progress: Progress | None = None, *, processes: int = 0) -> Audit:
    """Audit everything; changes nothing. *processes* 0 takes as many as fit the work."""
    return _audited(journal, 0, progress, processes)


def publish(
    journal: Journal,
    progress: Progress | None = None,
    *,
    full: bool = False,
    processes: int = 0,
) -> tuple[Audit, Published]:
    """Audit what is new, or all in a *full* run, and state in the public log what it came to.

    Raises `Conflict` if another process published under the same number meanwhile, and whatever
    `audit` raises: nothing is published of an audit that could not be finished.
    """
    with nobody_is_erased(journal):
        before = _newest(journal)
        since = 0 if full else _carried_to(journal, before)
        found = _audited(journal, since, progress, processes)
        said = _statement(found, before, max(journal.clock(), journal.state().last_at))
        act_id = f"audit:{said.number}"
        (stated,) = journal.append([Entry(kind="audit.published", body=said, act_id=act_id)])
    if stated.again:
        raise Conflict(f"audit {said.number} was published by another process meanwhile")
    return found, published(journal)[-1]


def due(journal: Journal) -> bool:
    """Is it a day since the last published audit, or since the log was opened?"""
    return journal.clock() - _last_at(journal) >= DAY_MS


def overdue(journal: Journal) -> bool:
    """Is the last published audit, or the opening of a log without one, too long ago?"""
    return journal.clock() - _last_at(journal) > OVERDUE_MS


def _last_at(journal: Journal) -> int:
    newest = _newest(journal)
    return newest.at if newest else journal.told(0).at


def nightly(journal: Journal) -> Published:
    """Audit what is new, and publish it."""
    return publish(journal)[1]


def found_in(journal: Journal, slot: int) -> Found:
    """What a replay finds in the history of the person in *slot*, to be kept when they go.

    And what the last published audit counted of it, so that the next can tell what is new.
    """
    replay, history, newest = Replay(journal), journal.history(slot), _newest(journal)
    replay.person(history, slot)
    found, counted = replay.take(), None
    if newest is not None:
        replay.person([told for told in history if told.position < newest.said.size], slot)
        known = replay.take()
        counted = Counted(
            size=newest.said.size,
            deliveries=known.deliveries,
            breaches=len(known.breaches),
            near_misses=known.near_misses,
            delays=known.delays,
        )
    return Found(
        breaches=tuple(breach.kind for breach in found.breaches),
        near_misses=found.near_misses,
        delays=found.delays,
        counted=counted,
    )


def _newest(journal: Journal) -> Published | None:
    found = published(journal)
    return found[-1] if found else None


def _audited(journal: Journal, since: int, progress: Progress | None, processes: int) -> Audit:
    fitting = processes or processes_for(journal.state().size - since)
    return audit(journal, progress, processes=fitting, since=since)


def _carried_to(journal: Journal, newest: Published | None) -> int:
    """From which position on a run has to judge; 0 where nothing can be carried on."""
    if newest is None:
        return 0
    size = newest.said.size
    if journal.root(size).hex() != newest.said.root:
        raise Damaged(
            f"audit {newest.said.number} was of another log: its root is not this log's at "
            f"{size} events; restore a backup"
        )
    for told in journal.brand_events("person.erased"):
        counted = told.body.counted if isinstance(told.body, ErasureDone) else None
        if told.position >= size and (counted is None or counted.size != size):
            return 0
    return size


def _statement(found: Audit, before: Published | None, at: int) -> AuditPublished:
    """What is published of *found*; the totals *before* go on unless all was judged anew."""
    last = before.said if before and found.since else None
    kinds = by_kind(found.breaches)
    return AuditPublished(
        number=before.said.number + 1 if before else 1,
        mode="new" if last else "full",
        since=found.since,
        size=found.checkpoint.size,
        root=found.checkpoint.root,
        deliveries=found.deliveries + (last.deliveries if last else 0),
        erased=found.erased + (last.erased if last else 0),
        breaches=_sum(last.breaches if last else {}, kinds),
        near_misses=found.near_misses + (last.near_misses if last else 0),
        withdrawals=found.withdrawals,
        withdrawal_to_last_send_ms=found.withdrawal_to_last_send_ms,
        missed=max(0, (at - before.at) // DAY_MS - 1) if before else 0,
    )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in sorted({*one, *other})}
