"""What people say of a message: useful, or not for me. An event a word, and no wish.

A word on one message decides nothing by itself: whoever wants less says of what, on the same page.
It is kept because it is the one honest measure of whether a message was worth sending. Words are
for ever and need no more than the link in a message, so there is an end to them.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reciprocity.errors import InputError
from reciprocity.events import Attempt, Feedback, Outcome

if TYPE_CHECKING:
    from reciprocity.journal.leaf import Told

__all__ = ["MOST_WORDS", "Said", "count_words", "words_on"]

MOST_WORDS: Final = 20
"""How many words are taken on one message of one person: enough to change one's mind."""


class Said(Struct, kw_only=True):
    """One message: how many had it delivered, and the newest word of those who said one."""

    message: str
    occasion: str
    delivered: int = 0
    useful: int = 0
    not_for_me: int = 0


def words_on(history: Sequence["Told"], attempt: int) -> list[bool]:
    """What a person with *history* said of the message whose attempt is that version, newest last.

    True is useful. Raises `InputError` for a version that is no attempt of theirs, and for a person
    who is erased.
    """
    if not 0 < attempt <= len(history) or not isinstance(history[attempt - 1].body, Attempt):
        raise InputError("message is none that was sent to this person, or they are erased")
    return [
        told.body.useful
        for told in history
        if isinstance(told.body, Feedback) and told.body.attempt == attempt
    ]


def count_words(histories: Iterable[Sequence["Told"]], campaign: str) -> list[Said]:
    """What people said of each message of *campaign*, on every occasion of it."""
    found: dict[tuple[str, str], Said] = {}
    for history in histories:
        for sent, useful in _delivered(history):
            if sent.occasion.partition("/")[0] != campaign:
                continue
            row = found.setdefault(
                (sent.occasion, sent.message), Said(message=sent.message, occasion=sent.occasion)
            )
            row.delivered += 1
            row.useful += useful is True
            row.not_for_me += useful is False
    return [found[key] for key in sorted(found)]


def _delivered(history: Sequence["Told"]) -> list[tuple[Attempt, bool | None]]:
    """What was delivered to one person, with their newest word on it."""
    made = {told.version: told.body for told in history if isinstance(told.body, Attempt)}
    words: dict[int, bool | None] = {}
    for told in history:
        if isinstance(told.body, Outcome) and told.kind == "delivery.delivered":
            words.setdefault(told.body.attempt, None)
        elif isinstance(told.body, Feedback) and told.body.attempt in words:
            words[told.body.attempt] = told.body.useful
    return [(made[version], useful) for version, useful in words.items() if version in made]
