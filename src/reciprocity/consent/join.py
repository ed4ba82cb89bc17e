"""The acts by which two records, found to be of one person, come to the strictest of both.

Only what takes away is carried over, and to both: a yes, a topic that is liked, a value that is
shared stay where they were said. So nothing is permitted after a join that was not permitted
before, on either record. It holds for what was said until then; what is said to one of them later
is that one's own.
"""

from collections.abc import Iterator
from typing import Final

from reciprocity.brand import BrandStatement
from reciprocity.consent.draft import Drafted, Saying, said_by
from reciprocity.consent.laws import PERSON
from reciprocity.consent.merge import merge
from reciprocity.consent.state import Wishes
from reciprocity.events import Act, ConsentRow, Objection, TopicLevel
from reciprocity.model import Basis, ConsentState

__all__ = ["METHOD", "join"]

METHOD: Final = "merge"
_REASON: Final = "merge"
_NO: Final = frozenset({ConsentState.REFUSED, ConsentState.WITHDRAWN})
_KINDS: Final = {
    ConsentState.REFUSED: "consent.refused",
    ConsentState.WITHDRAWN: "consent.withdrawn",
}


def join(saying: Saying, mine: Wishes, other: Wishes) -> list[Drafted]:
    """The acts that bring the record with *mine* down to the strictest of it and *other*.

    Said by *saying*, who must be an operator: a cap can be lowered by no one else but the person.
    An objection that the person made under the other name goes on as their own word, which staff
    cannot take back. Empty where *mine* is strict enough. A request that waits beside a no stays:
    to confirm it is a later word. What cannot be brought over by taking away stays as well: when a
    yes ends, contact points, language, zone and age. An erasure that was asked for is the caller's
    to refuse.
    """
    both = merge(mine, other)
    parts = (_noes, _objections, _wished)
    return [drafted for part in parts for drafted in part(saying, mine, both)]


def _noes(saying: Saying, mine: Wishes, both: Wishes) -> Iterator[Drafted]:
    rows: dict[ConsentState, list[ConsentRow]] = {}
    for key, answer in sorted(both.answers.items()):
        purpose, channel = key.rsplit("/", 1)
        stands = mine.answers.get(key)
        if not _rests_on_consent(saying.brand, purpose):
            continue
        if answer.state in _NO:
            done = stands is not None and stands.state in _NO
            state = answer.state
        else:  # a yes here, and there one that was never confirmed or evidenced
            done = answer.state is ConsentState.GIVEN or not _says_yes(mine, key)
            state = ConsentState.WITHDRAWN
        if not done:
            row = ConsentRow(purpose=purpose, channel=channel, state=state, reason=_REASON)
            rows.setdefault(state, []).append(row)
    for state, told in rows.items():
        yield _KINDS[state], said_by(saying, consent=tuple(told))


def _says_yes(mine: Wishes, key: str) -> bool:
    answer = mine.answers.get(key)
    return answer is not None and answer.state is ConsentState.GIVEN


def _rests_on_consent(brand: BrandStatement, purpose: str) -> bool:
    declared = brand.purposes.get(purpose)
    return declared is None or declared.basis is Basis.CONSENT


def _objections(saying: Saying, mine: Wishes, both: Wishes) -> Iterator[Drafted]:
    for by_person in (True, False):
        told = []
        for key, (_, own) in sorted(both.objections.items()):
            stands = mine.objections.get(key)
            if own is by_person and (stands is None or (own and not stands[1])):
                purpose, channel = key.rsplit("/", 1)
                told.append(Objection(purpose=purpose, channel=channel))
        if told:
            act = said_by(saying, objections=tuple(told))
            yield "objection.made", _as_the_person(act) if by_person else act


def _as_the_person(act: Act) -> Act:
    """Their own word, carried over; the source says by whom."""
    return Act(
        actor=PERSON, method=act.method, place=act.place, source=act.source or act.actor,
        objections=act.objections,
    )  # fmt: skip


def _wished(saying: Saying, mine: Wishes, both: Wishes) -> Iterator[Drafted]:
    topics = {name: told for name, told in both.topics.items() if _lower(mine, name, told)}
    caps = {name: pair for name, pair in both.caps.items() if pair != mine.caps.get(name)}
    pauses = {
        name: until for name, until in both.pauses.items() if until > mine.pauses.get(name, 0)
    }
    quiet = both.quiet if both.quiet != mine.quiet else None
    if topics or caps or pauses or quiet:
        yield (
            "preferences.set",
            said_by(
                saying, topics=topics or None, caps=caps or None, pauses=pauses or None, quiet=quiet
            ),
        )
    shared = {
        purpose: names
        for purpose, names in both.shared.items()
        if (purpose in mine.shared or not names) and names != mine.shared.get(purpose)
    }
    if shared:
        yield "profile.set", said_by(saying, shared=shared)


def _lower(mine: Wishes, name: str, told: TopicLevel) -> bool:
    """Is *told* less than what stands? Unrated counts as 0, which wants nothing."""
    stands = mine.topics.get(name)
    return told.level < (stands.level if stands is not None else 0)
