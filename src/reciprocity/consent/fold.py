"""One act applied to what a person wishes, by the laws; what it does not speak of stays as it is.

A person's own word sets; an import, and a request nobody has confirmed, fill what nobody has
said; every other act takes away. The order of the journal is the order of all words.
"""

from reciprocity.consent.laws import (
    Reach,
    Said,
    answer_key,
    answered,
    erasure_due,
    hear,
    objected,
    pointed,
    rated,
)
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import Act, ConsentRow, Objection, PointSet, Quiet, TopicLevel
from reciprocity.model import ConsentState, Instant

__all__ = ["apply_act"]

_Answers = dict[str, Answer]
_Caps = dict[str, tuple[int | None, int | None]]


def apply_act(
    wishes: Wishes, kind: str, act: Act, at: Instant, happened_at: Instant, version: int
) -> Wishes:
    """What stands after *act*, the event *version* of this person, recorded at *at*.

    Total: any act on any wishes gives wishes. *wishes* is not touched; parts that did not change
    are shared with it.
    """
    said = hear(kind, act, at, happened_at, version)
    answers, requests, objections = wishes.answers, wishes.requests, wishes.objections
    points, erase_at = wishes.points, wishes.erase_at
    if act.objections:
        objections = _objections(objections, act.objections, said, answers)
    if act.points:
        points = _points(points, act.points, said, answers)
    if act.consent:
        answers, requests = _answers(answers, requests, act.consent, said)
    if kind.startswith("erasure."):
        erase_at = erasure_due(erase_at, act.erase_at, said)
    if said.reach is Reach.TAKES:
        return Wishes(
            answers=answers, requests=requests, objections=objections, points=points,
            erase_at=erase_at, topics=wishes.topics, caps=wishes.caps, pauses=wishes.pauses,
            shared=wishes.shared, quiet=wishes.quiet, language=wishes.language,
            time_zone=wishes.time_zone, age_at_least=wishes.age_at_least,
        )  # fmt: skip
    sets = said.reach is Reach.SETS
    return Wishes(
        answers=answers, requests=requests, objections=objections, points=points,
        erase_at=erase_at,
        topics=_topics(wishes.topics, act.topics, said) if act.topics else wishes.topics,
        caps=_caps(wishes.caps, act.caps, sets=sets) if act.caps else wishes.caps,
        pauses=_pauses(wishes.pauses, act.pauses, sets=sets) if act.pauses else wishes.pauses,
        shared=_shared(wishes.shared, act.shared, sets=sets) if act.shared else wishes.shared,
        quiet=_quiet(wishes.quiet, act, sets=sets),
        language=(act.language or wishes.language) if sets else (wishes.language or act.language),
        time_zone=(
            (act.time_zone or wishes.time_zone) if sets else (wishes.time_zone or act.time_zone)
        ),
        age_at_least=(
            (act.age_at_least or wishes.age_at_least)
            if sets
            else (wishes.age_at_least or act.age_at_least)
        ),
    )  # fmt: skip


def _answers(
    answers: _Answers, requests: _Answers, rows: tuple[ConsentRow, ...], said: Said
) -> tuple[_Answers, _Answers]:
    """A request is kept beside an answer, or in its place while there is none."""
    answers, requests = answers.copy(), requests.copy()
    for row in rows:
        key = answer_key(row.purpose, row.channel)
        answer, request = answers.get(key), requests.pop(key, None)
        if answer is not None and answer.state is ConsentState.PENDING:
            answer, request = None, answer
        answer, request = answered(answer, request, row, said)
        if answer is None:
            answer, request = request, None
        if answer is not None:
            answers[key] = answer
        else:
            answers.pop(key, None)
        if request is not None:
            requests[key] = request
    return answers, requests


def _objections(
    objections: dict[str, tuple[int, bool]],
    told: tuple[Objection, ...],
    said: Said,
    answers: _Answers,
) -> dict[str, tuple[int, bool]]:
    objections = objections.copy()
    for each in told:
        key = answer_key(each.purpose, each.channel)
        stands = objected(objections, each, said, answers)
        if stands is None:
            objections.pop(key, None)
        else:
            objections[key] = stands
    return objections


def _points(
    points: dict[str, Point], told: tuple[PointSet, ...], said: Said, answers: _Answers
) -> dict[str, Point]:
    points = points.copy()
    for each in told:
        active = pointed(points.get(each.channel), each, said, answers)
        if active is None:
            points.pop(each.channel, None)
        else:
            points[each.channel] = active
    return points


def _topics(
    topics: dict[str, TopicLevel], told: dict[str, TopicLevel], said: Said
) -> dict[str, TopicLevel]:
    topics = topics.copy()
    for topic, level in told.items():
        stands = rated(topics.get(topic), level, said)
        if stands is not None:
            topics[topic] = stands
    return topics


def _caps(caps: _Caps, told: _Caps, *, sets: bool) -> _Caps:
    """Whole pairs, channel by channel; a pair without any wish takes the channel's back."""
    caps = {**caps, **told} if sets else {**told, **caps}
    return {channel: pair for channel, pair in caps.items() if pair != (None, None)}


def _pauses(
    pauses: dict[str, Instant], told: dict[str, Instant], *, sets: bool
) -> dict[str, Instant]:
    pauses = {**pauses, **told} if sets else {**told, **pauses}
    return {channel: until for channel, until in pauses.items() if until}


def _shared(
    shared: dict[str, tuple[str, ...]], told: dict[str, tuple[str, ...]], *, sets: bool
) -> dict[str, tuple[str, ...]]:
    """An empty list stays: it says that nothing is shared, so that no import shares it anew."""
    return {**shared, **told} if sets else {**told, **shared}


def _quiet(quiet: Quiet | None, act: Act, *, sets: bool) -> Quiet | None:
    if not sets:
        return quiet or act.quiet
    return act.quiet or (None if act.quiet_unset else quiet)
