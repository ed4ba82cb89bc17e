"""What an act says, part by part: a sentence for each thing that was asked, told or taken back."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reciprocity.consent.laws import OBSERVED, answer_key
from reciprocity.events import Act, ConsentRow, PointSet, TopicLevel
from reciprocity.listen.deliveries import Step
from reciprocity.listen.items import Named
from reciprocity.model import OBSERVE, ConsentState

__all__ = ["Code", "Sentence", "sayings"]


class Code(StrEnum):
    """Every sentence of the timeline; `docs/reference/account.md` says what each one means."""

    IMPORT_SPOKE = "import_spoke"
    BECAME_KNOWN = "became_known"
    YES_TO_CONFIRM = "yes_to_confirm"
    CONFIRMED = "confirmed"
    SAID_YES = "said_yes"
    SAID_NO = "said_no"
    TOOK_BACK = "took_back"
    OBJECTED = "objected"
    LIFTED_OBJECTION = "lifted_objection"
    SET_PREFERENCES = "set_preferences"
    SET_PROFILE = "set_profile"
    SET_CONTACT_POINT = "set_contact_point"
    CONTACT_POINT_BOUNCED = "contact_point_bounced"
    CONTACT_POINT_SUPPRESSED = "contact_point_suppressed"
    STATED_AGE = "stated_age"
    ASKED_ERASURE = "asked_erasure"
    UNDID_ERASURE = "undid_erasure"

    SENDING = "sending"
    SENT = "sent"
    PERHAPS_SENT = "perhaps_sent"
    NOT_SENT = "not_sent"
    STOPPED_AT_DOOR = "stopped_at_door"
    SENT_CAME_BACK = "sent_came_back"
    SENT_UNWANTED = "sent_unwanted"
    WAS_DELIVERED = "was_delivered"
    WAS_NOT_TAKEN = "was_not_taken"
    WAS_STOPPED = "was_stopped"
    IS_UNKNOWN = "is_unknown"
    WAS_RETURNED = "was_returned"
    WAS_UNWANTED = "was_unwanted"
    WAITED = "waited"
    HELD_BACK = "held_back"
    FOUND_USEFUL = "found_useful"
    NOT_FOR_ME = "not_for_me"
    AUDITED = "audited"

    ANSWER = "answer"
    LOOKING = "looking"
    OBJECTION = "objection"
    OBJECTION_GONE = "objection_gone"
    TOPIC = "topic"
    TOPIC_OBSERVED = "topic_observed"
    CAP = "cap"
    CAP_GONE = "cap_gone"
    QUIET_TIME = "quiet_time"
    QUIET_TIME_GONE = "quiet_time_gone"
    PAUSE = "pause"
    PAUSE_GONE = "pause_gone"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"
    POINT = "point"
    POINT_CONFIRMED = "point_confirmed"
    POINT_BOUNCED = "point_bounced"
    POINT_SUPPRESSED = "point_suppressed"
    POINT_GONE = "point_gone"
    ATTRIBUTES_SHARED = "attributes_shared"
    ATTRIBUTES_TOLD = "attributes_told"
    AGE = "age"
    ERASURE_DUE = "erasure_due"


class Sentence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sentence to be put into words: its code, and what its blanks are filled with."""

    code: Code
    said: dict[str, Named]


_Parts = Iterator[Sentence]
_NO_CAP: Final = (None, None)


def sayings(step: Step) -> _Parts:
    """A sentence for each part of the act in *step*, in the order of its fields."""
    act = step.told.body
    if isinstance(act, Act):
        yield from (_answer(step, row) for row in act.consent)
        yield from _objections(act)
        yield from _preferences(act)
        yield from (_point(each) for each in act.points)
        yield from _profile(act)


def _answer(step: Step, row: ConsentRow) -> Sentence:
    """One answer; `changed` is false where a law let it change nothing (docs on consent)."""
    key, state = answer_key(row.purpose, row.channel), str(row.state)
    before, after = step.before.wishes, step.after.wishes
    changed = (before.answers.get(key), before.requests.get(key)) != (
        after.answers.get(key),
        after.requests.get(key),
    )
    said: dict[str, Named] = {"state": state, "reason": row.reason, "changed": changed}
    if row.until and row.state in {ConsentState.GIVEN, ConsentState.PENDING}:
        said["until"] = row.until
    if row.channel == OBSERVE:
        return Sentence(code=Code.LOOKING, said={"behaviour": row.purpose, **said})
    return Sentence(code=Code.ANSWER, said={"purpose": row.purpose, "channel": row.channel, **said})


def _objections(act: Act) -> _Parts:
    for told in act.objections:
        code = Code.OBJECTION_GONE if told.lifted else Code.OBJECTION
        yield Sentence(code=code, said={"purpose": told.purpose, "channel": told.channel})


def _preferences(act: Act) -> _Parts:
    for topic, told in (act.topics or {}).items():
        yield _topic(topic, told)
    for channel, pair in (act.caps or {}).items():
        code = Code.CAP_GONE if pair == _NO_CAP else Code.CAP
        limits = zip(("cap_7_days", "cap_30_days"), pair, strict=True)
        most = {name: most for name, most in limits if most is not None}
        yield Sentence(code=code, said={"channel": channel, **most})
    if act.quiet is not None:
        quiet: dict[str, Named] = {"quiet_from": act.quiet.start, "quiet_until": act.quiet.end}
        yield Sentence(code=Code.QUIET_TIME, said=quiet)
    elif act.quiet_unset:
        yield Sentence(code=Code.QUIET_TIME_GONE, said={})
    for channel, until in (act.pauses or {}).items():
        said: dict[str, Named] = {"channel": channel}
        if until:
            yield Sentence(code=Code.PAUSE, said=said | {"until": until})
        else:
            yield Sentence(code=Code.PAUSE_GONE, said=said)
    if act.language:
        yield Sentence(code=Code.LANGUAGE, said={"language": act.language})
    if act.time_zone:
        yield Sentence(code=Code.TIME_ZONE, said={"time_zone": act.time_zone})


def _topic(topic: str, told: TopicLevel) -> Sentence:
    said: dict[str, Named] = {"topic": topic, "level": told.level}
    if told.source.startswith(OBSERVED):
        said["behaviour"] = told.source[len(OBSERVED) :]
        return Sentence(code=Code.TOPIC_OBSERVED, said=said)
    return Sentence(code=Code.TOPIC, said=said)


def _point(told: PointSet) -> Sentence:
    said: dict[str, Named] = {"channel": told.channel}
    if told.retired:
        return Sentence(code=Code.POINT_GONE, said=said)
    if told.suppressed:
        return Sentence(code=Code.POINT_SUPPRESSED, said=said)
    if told.bounced:
        return Sentence(code=Code.POINT_BOUNCED, said=said)
    if told.point and told.confirmed:
        return Sentence(code=Code.POINT_CONFIRMED, said=said)
    return Sentence(code=Code.POINT, said=said | {"confirmed": told.confirmed})


def _profile(act: Act) -> _Parts:
    """Names only: the journal holds no value, and the vault's is not of that day."""
    for purpose, names in (act.shared or {}).items():
        said: dict[str, Named] = {"purpose": purpose, "attributes": tuple(names)}
        yield Sentence(code=Code.ATTRIBUTES_SHARED, said=said)
    if act.told:
        yield Sentence(code=Code.ATTRIBUTES_TOLD, said={"attributes": tuple(act.told)})
    if act.age_at_least:
        yield Sentence(code=Code.AGE, said={"years": act.age_at_least})
    if act.erase_at:
        yield Sentence(code=Code.ERASURE_DUE, said={"due": act.erase_at})
