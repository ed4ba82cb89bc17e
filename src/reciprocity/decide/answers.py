"""Where every answer of a person stands at an instant, as decisions read it: one row a question."""

from collections.abc import Iterator
from typing import NamedTuple

from reciprocity.brand import BrandStatement, LawPack, ancestors
from reciprocity.consent.draft import validity_days
from reciprocity.consent.laws import DAY_MS, answer_key
from reciprocity.consent.state import Answer, Wishes
from reciprocity.decide.gather import consent_state
from reciprocity.decide.prepare import Ground
from reciprocity.model import OBSERVE, Basis, ConsentState, Id, Instant

__all__ = ["AnswerNow", "answers_now"]


class AnswerNow(NamedTuple):
    """One purpose, or behaviour, on one channel: its *state*, and the *answer* if there is one.

    *days* is how long a yes to it holds.
    """

    purpose: Id
    channel: Id
    state: ConsentState
    answer: Answer | None
    days: int


def answers_now(
    brand: BrandStatement,
    laws: tuple[LawPack, ...],
    wishes: Wishes,
    at: Instant,
    *,
    dropped: bool = False,
) -> Iterator[AnswerNow]:
    """A row for all that the brand asks for; with *dropped*, and for all that was ever answered."""
    asked = [
        *((name, channel) for name, told in brand.purposes.items()
          if told.basis is Basis.CONSENT for channel in told.channels),
        *((name, OBSERVE) for name in brand.behaviours),
    ]  # fmt: skip
    answered = [key.rsplit("/", 1) for key in wishes.answers] if dropped else []
    for purpose, channel in dict.fromkeys([*asked, *((one[0], one[1]) for one in answered)]):
        key = answer_key(purpose, channel)
        days = validity_days(brand, laws, purpose)
        ground = Ground(
            key=key,
            above=tuple(answer_key(each, channel) for each in ancestors(brand, purpose)),
            objections=frozenset(),
            longest_ms=days * DAY_MS,
        )
        state = consent_state(wishes, ground, at)
        yield AnswerNow(purpose, channel, state, wishes.answers.get(key), days)
