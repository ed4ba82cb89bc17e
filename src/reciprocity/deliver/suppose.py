"""What a person would wish had they said something else, at any instant of their history.

Changes become the acts that would say them, and acts are laid over what stood by the laws of
consent themselves: what a person supposes reaches exactly as far as what they say.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reciprocity.consent.draft import Drafted, Saying, grant, refuse, said_by, withdraw
from reciprocity.consent.fold import apply_act
from reciprocity.consent.laws import PERSON
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.consent.state import Wishes
from reciprocity.decide.prepare import Statements
from reciprocity.errors import InputError
from reciprocity.model import ConsentState, Instant
from reciprocity.vault.profile import check_shared

__all__ = ["Changes", "lay", "supposed"]

_NOTHING: Final = Preferences()


class Changes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs from what stands: preferences, answers and shared attributes.

    *answers* maps `purpose/channel` to yes or no, *shared* a purpose to all attributes shared for
    it. Whatever is left out stays as it was at each instant.
    """

    preferences: Preferences = _NOTHING
    answers: dict[str, bool] = field(default_factory=dict)
    shared: dict[str, tuple[str, ...]] = field(default_factory=dict)


def supposed(
    changes: Changes, statements: Statements, wishes: Wishes, since: Instant
) -> tuple[Drafted, ...]:
    """The acts that would say *changes*, by what the brand declares in *statements*.

    A no takes back a yes that stands in *wishes* with all below it, and is a plain refusal where
    none does. A no is laid last, so that it holds against a yes supposed with it further down. A
    pause must end after *since*. Raises one `InputError` with all that is wrong.
    """
    saying = Saying(
        brand=statements.brand, laws=statements.laws, actor=PERSON, method="preview", at=since
    )
    acts: list[Drafted] = []
    problems: list[str] = []
    for key, yes in sorted(changes.answers.items(), key=lambda each: not each[1]):
        try:
            acts.append(_answer(saying, wishes, key, yes=yes))
        except InputError as error:
            problems += error.problems
    try:
        check_shared(statements.brand, changes.shared)
    except InputError as error:
        problems += error.problems
    if changes.shared:
        acts.insert(0, ("profile.set", said_by(saying, shared=changes.shared)))
    try:
        if changes.preferences != _NOTHING:
            acts.insert(0, prefer(saying, changes.preferences))
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems[0], tuple(problems))
    return tuple(acts)


def lay(wishes: Wishes, acts: Sequence[Drafted], at: Instant, version: int) -> Wishes:
    """*wishes*, of a person at *version*, as they would stand had *acts* just been said at *at*."""
    for number, (kind, act) in enumerate(acts, 1):
        wishes = apply_act(wishes, kind, act, at, at, version + number)
    return wishes


def _answer(saying: Saying, wishes: Wishes, key: str, *, yes: bool) -> Drafted:
    purpose, _, channel = key.rpartition("/")
    if yes:
        kind, act = grant(saying, [purpose], [channel])
        # said anew at each instant, so that its end is the validity in force at each
        rows = tuple(replace(row, until=0) for row in act.consent)
        return kind, replace(act, consent=rows)
    answer = wishes.answers.get(key)
    if answer is not None and answer.state is ConsentState.GIVEN:
        return withdraw(saying, wishes, [purpose], [channel])
    return refuse(saying, [purpose], [channel])
