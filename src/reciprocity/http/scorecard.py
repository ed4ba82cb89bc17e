"""The five promises in words: how each stands by the published rule, and what it rests on.

Only what the log has is a figure; a promise without figures says so, whatever is believed of it.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from reciprocity.events import AuditPublished, Epoch, ScorecardPublished
from reciprocity.http.speech import Speech, mark, mark_many
from reciprocity.http.telling import Telling
from reciprocity.platform import Figures, State

__all__ = ["KINDS", "ToldPromise", "told_promises"]

_MINUTE_S: Final = 60
_SECOND_MS: Final = 1_000


_STATES: Final = {
    State.NOT_KEPT: mark("Not kept"),
    State.KEPT: mark("Kept"),
    State.NOT_MEASURED: mark("Not yet measured"),
}
_BREACHES: Final = mark_many(
    "%(count)s delivery that should not have been", "%(count)s deliveries that should not have been"
)
KINDS: Final = {
    "no_consent": mark("Without a yes that stood: %(count)s"),
    "rule_refuses": mark("Refused by a rule in force: %(count)s"),
    "facts_differ": mark("Decided on what the records do not bear out: %(count)s"),
    "late_handover": mark("Handed over too late: %(count)s"),
    "double": mark("Sent once too often: %(count)s"),
}
"""The words for each kind of breach that a replay finds."""
_DELIVERIES: Final = mark_many(
    "%(count)s delivery decided again from the log, in all",
    "%(count)s deliveries decided again from the log, in all",
)
_NEAR: Final = mark_many(
    "%(count)s delivery was stopped at the last moment",
    "%(count)s deliveries were stopped at the last moment",
)
_MISSED: Final = mark_many("%(count)s day without an audit", "%(count)s days without an audit")
_NO_AUDIT: Final = mark("No audit in the last 26 hours")
_NO_EPOCH: Final = mark("No epoch in the last two hours")
_WITNESSES: Final = mark_many(
    "%(count)s witness cosigned its first %(size)s records",
    "%(count)s witnesses cosigned its first %(size)s records",
)
_NO_WITNESS: Final = mark("No witness has cosigned it")
_SHORT: Final = mark_many(
    "%(count)s promise was not kept in the last full period",
    "%(count)s promises were not kept in the last full period",
)
_KEPT: Final = mark_many("%(count)s promise was kept", "%(count)s promises were kept")
_OWN: Final = mark_many(
    "%(count)s was not due: the person wanted less",
    "%(count)s were not due: the people wanted less",
)
_RUNNING: Final = mark_many(
    "%(count)s is in its first period", "%(count)s are in their first period"
)
_ERASED: Final = mark_many(
    "%(count)s person was erased: the log says that their key is destroyed",
    "%(count)s people were erased: the log says that their keys are destroyed",
)
_AUDIT: Final = mark("Audit %(number)s, %(moment)s: record %(position)s of the log")
_FULL: Final = mark(
    "All was last judged anew by audit %(number)s, %(moment)s: record %(position)s of the log"
)
_CARD: Final = mark("Scorecard %(number)s, %(moment)s: record %(position)s of the log")
_EPOCH: Final = mark("Epoch %(number)s, %(moment)s: record %(position)s of the log")


class ToldPromise(Struct, frozen=True, kw_only=True):
    """One promise: how it stands, in words and as a code, and its figures, failures first."""

    number: int
    title: str
    what: str
    state: State
    stands: str
    figures: Sequence[str]
    rests_on: str = ""


def told_promises(found: Figures, telling: Telling) -> list[ToldPromise]:
    """All five, those that are not kept first, then the kept, then what is not measured."""
    say = telling.words.say
    made = [
        ToldPromise(
            number=number, title=title, what=what, state=state, stands=say(_STATES[state]),
            figures=figures, rests_on=rests_on,
        )
        for number, (title, what, state, figures, rests_on) in enumerate((
            (say("Safe"), say("We guard what you tell us."), State.NOT_MEASURED,
             _counted(telling.words, (_ERASED, found.erased)),
             say("Counted in records that only we can open") if found.erased else ""),
            (say("Never sold or rented"), say("What you tell us is given to nobody for money."),
             State.NOT_MEASURED, [], ""),
            (say("Your preferences rule"),
             say("What you chose decides about every message, or it does not leave."),
             found.preferences_rule, _audited(found, telling), _audit_at(found, telling)),
            (say("Worth it"), say("You get what was promised for your yes."),
             found.worth_it, _promised(found, telling), _card_at(found, telling)),
            (say("Proved, always"), say("Anybody can check it, and we say when it fails."),
             found.proved, _logged(found, telling), _epoch_at(found, telling)),
        ), 1)
    ]  # fmt: skip
    order = list(_STATES)
    return sorted(made, key=lambda one: (order.index(one.state), one.number))


def _counted(words: Speech, *told: tuple[tuple[str, str], int]) -> list[str]:
    """Each sentence with its count, those that count nothing left out."""
    return [
        words.say_many(*both, count) % {"count": words.number(count)}
        for both, count in told
        if count
    ]


def _audited(found: Figures, telling: Telling) -> list[str]:
    if found.audit is None:
        return []
    words, said = telling.words, found.audit[2]
    breaches = sum(said.breaches.values())
    both = words.say_many(*_BREACHES, breaches) % {"count": words.number(breaches)}
    delays = said.withdrawal_to_last_send_ms
    took = words.say(
        "From a withdrawal to the last message it covers: half within %(p50)s, 99 in 100 within "
        "%(p99)s, %(max)s at most (of %(count)s)"
    ) % {
        "p50": _time(words, delays.p50), "p99": _time(words, delays.p99),
        "max": _time(words, delays.max), "count": words.number(said.withdrawals),
    }  # fmt: skip
    kinds = [
        words.say(KINDS[kind]) % {"count": words.number(count)}
        for kind, count in said.breaches.items()
        if count and kind in KINDS
    ]
    rest = ((_DELIVERIES, said.deliveries), (_NEAR, said.near_misses))
    return [both, *kinds, *_counted(words, *rest), *([took] if said.withdrawals else [])]


def _promised(found: Figures, telling: Telling) -> list[str]:
    if found.scorecard is None:
        return []
    said = found.scorecard[2]
    return _counted(
        telling.words,
        (_SHORT, said.short), (_KEPT, said.kept), (_OWN, said.own_wish), (_RUNNING, said.running),
    )  # fmt: skip


def _logged(found: Figures, telling: Telling) -> list[str]:
    words = telling.words
    size = words.say("The log has %(count)s records") % {"count": words.number(found.size)}
    late = [
        words.say(told)
        for told, holds in ((_NO_AUDIT, found.audit_overdue), (_NO_EPOCH, found.epoch_overdue))
        if holds and found.proved is State.NOT_KEPT
    ]
    return [*late, *_counted(words, (_MISSED, found.missed)), size, _witnessed(found, words)]


def _witnessed(found: Figures, words: Speech) -> str:
    if found.cosigned is None:
        return words.say(_NO_WITNESS)
    count = len(found.cosigned.witnesses)
    told = {"count": words.number(count), "size": words.number(found.cosigned.size)}
    return words.say_many(*_WITNESSES, count) % told


def _audit_at(found: Figures, telling: Telling) -> str:
    if found.audit is None:
        return ""
    told = _at(telling.words.say(_AUDIT), found.audit, telling)
    if found.full is None or found.full[0] == found.audit[0]:
        return told
    return f"{told}. {_at(telling.words.say(_FULL), found.full, telling)}"


def _card_at(found: Figures, telling: Telling) -> str:
    return _at(telling.words.say(_CARD), found.scorecard, telling) if found.scorecard else ""


def _epoch_at(found: Figures, telling: Telling) -> str:
    return _at(telling.words.say(_EPOCH), found.epoch, telling) if found.epoch else ""


def _at(
    words: str, told: tuple[int, int, AuditPublished | ScorecardPublished | Epoch], telling: Telling
) -> str:
    """Which statement *told* is, from when, and where in the log."""
    position, at, said = told
    return words % {
        "number": telling.words.number(said.number),
        "moment": telling.moment(at),
        "position": position,
    }


def _time(words: Speech, ms: int) -> str:
    """A duration in the unit that reads best."""
    if ms < _SECOND_MS:
        return words.say("%(count)s ms") % {"count": words.number(ms)}
    if ms < _MINUTE_S * _SECOND_MS:
        return words.say("%(count)s s") % {"count": words.number(ms // _SECOND_MS)}
    return words.say("%(count)s min") % {"count": words.number(ms // (_MINUTE_S * _SECOND_MS))}
