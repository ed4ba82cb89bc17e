"""What people said of what they were sent and asked: taken down, and counted over everybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from reciprocity.consent.laws import DAY_MS
from reciprocity.errors import Conflict
from reciprocity.events import Feedback
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.feedback import MOST_WORDS, Said, count_words, words_on
from reciprocity.listen.funnel import Funnel, funnel
from reciprocity.listen.messages import Messages
from reciprocity.listen.promises import Kept, Promise, promises
from reciprocity.prove.audit import nobody_is_erased

__all__ = ["PromisesKept", "count_feedback", "count_promises", "count_requests", "give_feedback"]

_TRIES: Final = 8


def give_feedback(
    journal: Journal, slot: int, attempt: int, *, useful: bool, method: str, place: str = ""
) -> bool:
    """Record that the person in *slot* found a message useful, or not for them.

    *attempt* is the version of its attempt. True once this is their newest word on it, which is
    recorded only if it was not yet; False where they said `MOST_WORDS` already: then the newest of
    those stands, and nothing is recorded. Raises `InputError` for a version that is no attempt of
    theirs, and for a person who is erased.
    """
    for _ in range(_TRIES):
        history = journal.history(slot)
        said = words_on(history, attempt)
        if said[-1:] == [useful] or len(said) >= MOST_WORDS:
            return said[-1] == useful
        word = Feedback(attempt=attempt, useful=useful, method=method, place=place)
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


class PromisesKept(Struct, kw_only=True):
    """One benefit of a proposition: to how many it is promised, and how that stands.

    *short* are the slots of those to whom it was not kept in their last full period.
    """

    proposition: str
    measure: str
    amount: int
    period_days: int
    people: int = 0
    kept: int = 0
    own_wish: int = 0
    running: int = 0
    short: list[int] = []


def count_promises(journal: Journal) -> list[PromisesKept]:
    """How every promise stands to everybody who said yes for it; the erased are not counted."""
    at = journal.clock()
    messages = Messages(journal.statements())
    found: dict[tuple[str, str, int, int], PromisesKept] = {}
    if not messages.offers:
        return []
    with _histories_with(journal, "consent.granted", "consent.confirmed") as histories:
        for history in histories:
            for one in promises(Followed(history, messages), messages.offers, at):
                _count(found, one, history[0].slot)
    return [found[key] for key in sorted(found)]


def _count(found: dict[tuple[str, str, int, int], PromisesKept], one: Promise, slot: int) -> None:
    key = one.proposition, str(one.measure), one.amount, one.period_days
    row = found.setdefault(
        key,
        PromisesKept(
            proposition=key[0], measure=key[1], amount=one.amount, period_days=one.period_days
        ),
    )
    row.people += 1
    if one.state is Kept.SHORT:
        row.short.append(slot)
    else:
        setattr(row, one.state, getattr(row, one.state) + 1)


@contextmanager
def _histories_with(journal: Journal, *kinds: str) -> Iterator[Iterator[list[Told]]]:
    """The histories of everybody who has an event of one of *kinds*."""
    with nobody_is_erased(journal), journal.reading() as reader:
        gone = journal.erased()
        slots = [slot for slot in reader.slots_with(*kinds) if slot not in gone]
        size = journal.state().size
        yield (history for _, history in reader.histories(size, slots))
