"""What people said of what they were sent and asked: taken down, and counted over everybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reciprocity.consent.laws import DAY_MS
from reciprocity.errors import Conflict
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.listen.feedback import Said, count_words, word_on
from reciprocity.listen.funnel import Funnel, funnel
from reciprocity.prove.audit import nobody_is_erased

__all__ = ["count_feedback", "count_requests", "give_feedback"]

_TRIES: Final = 8


def give_feedback(
    journal: Journal, slot: int, attempt: int, *, useful: bool, method: str, place: str = ""
) -> bool:
    """Record that the person in *slot* found a message useful, or not for them.

    *attempt* is the version of its attempt. False where that is their newest word on it already.
    Raises `InputError` for a version that is no attempt of theirs, and for a person who is erased.
    """
    for _ in range(_TRIES):
        history = journal.history(slot)
        word = word_on(history, attempt, useful=useful, method=method, place=place)
        if word is None:
            return False
        entry = Entry(kind="feedback.given", body=word, slot=slot, expect=len(history))
        try:
            journal.append([entry])
        except Conflict:
            continue
        return True
    raise Conflict("person's history moved on again and again: try anew")


def count_feedback(journal: Journal, campaign: str) -> list[Said]:
    """What people said of each message of *campaign*; the erased are not counted."""
    with _histories_with(journal, "delivery.delivered") as histories:
        return count_words(histories, campaign)


def count_requests(journal: Journal, days: int) -> list[Funnel]:
    """What became of the requests for a yes in the last *days*; the erased are not counted."""
    at = journal.clock()
    with _histories_with(journal, "consent.requested") as histories:
        return funnel(histories, at, at - days * DAY_MS)


@contextmanager
def _histories_with(journal: Journal, kind: str) -> Iterator[Iterator[list[Told]]]:
    """The histories of everybody who has an event of *kind*."""
    with nobody_is_erased(journal), journal.reading() as reader:
        gone = journal.erased()
        slots = [slot for slot in reader.slots_with(kind) if slot not in gone]
        size = journal.state().size
        yield (history for _, history in reader.histories(size, slots))
