"""What people say of a message: useful, or not for me. One event, and no wish.

A word on one message decides nothing by itself: whoever wants less says of what, on the same page.
It is kept because it is the one honest measure of whether a message was worth sending.
"""

from reciprocity.errors import Conflict, InputError
from reciprocity.events import Attempt, Feedback
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal

__all__ = ["give_feedback"]

_TRIES = 8


def give_feedback(
    journal: Journal, slot: int, attempt: int, *, useful: bool, method: str, place: str = ""
) -> bool:
    """Record that the person in *slot* found a message useful, or not for them.

    *attempt* is the version of its attempt. False where that is their newest word on it already.
    Raises `InputError` for a version that is no attempt of theirs, and for a person who is erased.
    """
    for _ in range(_TRIES):
        history = journal.history(slot)
        if not 0 < attempt <= len(history) or not isinstance(history[attempt - 1].body, Attempt):
            raise InputError("message is none that was sent to this person, or they are erased")
        said = [
            told.body.useful
            for told in history
            if isinstance(told.body, Feedback) and told.body.attempt == attempt
        ]
        if said[-1:] == [useful]:
            return False
        word = Feedback(attempt=attempt, useful=useful, method=method, place=place)
        try:
            journal.append(
                [Entry(kind="feedback.given", body=word, slot=slot, expect=len(history))]
            )
        except Conflict:
            continue
        return True
    raise Conflict("person's history moved on again and again: try anew")
