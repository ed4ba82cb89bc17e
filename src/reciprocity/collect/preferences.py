"""The preference centre: what a person's page shows as chosen, and what saving it comes to.

A page shows everything and sends everything back, so what was changed is the difference between
what was shown and what came. Taking away is done first and by itself: it must not fail because
something else on the page was wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from reciprocity.brand import BrandStatement, notice_hash
from reciprocity.consent.draft import Drafted, Saying, grant, request, withdraw
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.consent.state import Wishes
from reciprocity.model import ANYWHERE, OBSERVE, Basis, ConsentState, Id, Instant, Profile

__all__ = ["Choices", "Step", "changed_preferences", "chosen", "less", "notice_for", "steps"]

Value = int | bool | str
_YES = (ConsentState.GIVEN, ConsentState.PENDING)


class Choices(Struct, frozen=True, kw_only=True):
    """All that a person chooses on their page.

    *answers* says yes or no for each `purpose/channel` and `behaviour/observe`. *caps* are per 30
    days, None for no limit of the person's own. *pause_until* is 0 without a break. *values* has
    the attributes that are known, *shared* the attributes each purpose may use.
    """

    answers: dict[str, bool] = field(default_factory=dict)
    topics: dict[Id, int] = field(default_factory=dict)
    caps: dict[Id, int | None] = field(default_factory=dict)
    quiet: tuple[int, int] | None = None
    pause_until: Instant = 0
    language: str = ""
    time_zone: str = ""
    values: dict[Id, Value] = field(default_factory=dict)
    shared: dict[Id, tuple[Id, ...]] = field(default_factory=dict)


class Step(Struct, frozen=True, kw_only=True):
    """One act that saving comes to: a *draft* of it, made under the wishes that stand then.

    *values* and *shared* belong to an act on attributes, which has no draft.
    """

    what: str
    draft: Callable[[Saying, Wishes], Drafted] | None = None
    notice: str = ""
    values: dict[Id, Value | None] = field(default_factory=dict)
    shared: dict[Id, tuple[Id, ...]] = field(default_factory=dict)


def chosen(brand: BrandStatement, wishes: Wishes, profile: Profile, at: Instant) -> Choices:
    """What stands of all that *brand* lets a person choose, at *at*."""
    pause = wishes.pauses.get(ANYWHERE, 0)
    return Choices(
        answers={key: _says_yes(wishes, key, at) for key in _askable(brand)},
        topics={
            name: wishes.topics[name].level
            if name in wishes.topics and wishes.topics[name].source == "declared"
            else 0
            for name in brand.topics
        },
        caps={name: wishes.caps.get(name, (None, None))[1] for name in brand.channels},
        quiet=(wishes.quiet.start, wishes.quiet.end) if wishes.quiet else None,
        pause_until=pause if pause > at else 0,
        language=wishes.language,
        time_zone=wishes.time_zone,
        values={
            name: value for name, value in profile.attributes.items() if name in brand.attributes
        },
        shared={
            name: tuple(one for one in told.attributes if one in wishes.shared.get(name, ()))
            for name, told in brand.purposes.items()
            if told.attributes
        },
    )


def steps(
    brand: BrandStatement, now: Choices, wanted: Choices, *, confirmed: bool
) -> Iterator[Step]:
    """The acts that lead from *now* to *wanted*, those that take away first.

    *confirmed* tells whether the person proved to hold the address: then a purpose that wants
    confirming is granted, else it is requested.
    """
    noes = [key for key, yes in wanted.answers.items() if not yes and now.answers.get(key)]
    for key in noes:
        purpose, channel = key.rsplit("/", 1)
        yield Step(what="withdrawn", draft=partial(_withdrawn, purpose, channel))
    fewer = {
        purpose: names
        for purpose, names in wanted.shared.items()
        if set(now.shared.get(purpose, ())) - set(names)
    }
    values = {
        name: wanted.values.get(name)
        for name in (*now.values, *wanted.values)
        if now.values.get(name) != wanted.values.get(name)
    }
    shared = {
        purpose: names
        for purpose, names in wanted.shared.items()
        if purpose in fewer or set(names) != set(now.shared.get(purpose, ()))
    }
    if values or shared:
        yield Step(what="profile", values=values, shared=shared)
    preferences = changed_preferences(now, wanted)
    if preferences != Preferences():
        yield Step(what="preferences", draft=partial(_preferred, preferences))
    yield from _yeses(brand, now, wanted, confirmed=confirmed)


def less(
    brand: BrandStatement, wishes: Wishes, topics: Sequence[Id], most: Mapping[Id, int]
) -> Preferences:
    """Only less of it: *topics* not at all, and at most so many a month as in *most*.

    Whatever stands already and is stricter stays.
    """
    caps: dict[str, tuple[int | None, int | None]] = {}
    for channel, wanted in most.items():
        week, month = wishes.caps.get(channel, (None, None))
        if channel in brand.channels and (month is None or wanted < month):
            caps[channel] = (week, wanted)
    return Preferences(topics={name: -2 for name in topics if name in brand.topics}, caps=caps)


def notice_for(brand: BrandStatement, purpose: Id, language: str) -> tuple[str, str, str]:
    """The notice to show before a yes to *purpose*: its id in the journal, language and text.

    In *language*, or in the brand's own; three empty texts where the brand file has none.
    """
    for name, told in brand.notices.items():
        if purpose in told.purposes or purpose in told.behaviours:
            spoken = language if language in told.text else brand.language
            text = told.text.get(spoken, "")
            return notice_hash(name, spoken, text), spoken, text
    return "", "", ""


def _askable(brand: BrandStatement) -> list[str]:
    """Every `purpose/channel` that rests on consent, then every behaviour."""
    asked = [
        f"{name}/{channel}"
        for name, told in brand.purposes.items()
        if told.basis is Basis.CONSENT
        for channel in told.channels
    ]
    return asked + [f"{name}/{OBSERVE}" for name in brand.behaviours]


def _says_yes(wishes: Wishes, key: str, at: Instant) -> bool:
    """Does a yes stand, or wait to be confirmed?"""
    for answers in (wishes.requests, wishes.answers):
        answer = answers.get(key)
        if answer is not None and answer.state in _YES and (not answer.until or at < answer.until):
            return True
    return False


def _withdrawn(purpose: str, channel: str, saying: Saying, wishes: Wishes) -> Drafted:
    return withdraw(saying, wishes, (purpose,), (channel,))


def _yeses(
    brand: BrandStatement, now: Choices, wanted: Choices, *, confirmed: bool
) -> Iterator[Step]:
    """What is granted: what was no, and what a no above it has just taken along."""
    noes = {key for key, yes in wanted.answers.items() if not yes and now.answers.get(key)}
    for key, yes in wanted.answers.items():
        purpose, channel = key.rsplit("/", 1)
        taken = any(f"{above}/{channel}" in noes for above in _above(brand, purpose))
        if not yes or (now.answers.get(key) and not taken):
            continue
        told = brand.purposes.get(purpose)
        ask = request if told is not None and told.confirm and not confirmed else grant
        yield Step(
            what="requested" if ask is request else "granted",
            draft=partial(_asked, ask, purpose, channel),
            notice=purpose,
        )


def _asked(
    ask: Callable[[Saying, Sequence[str], Sequence[str]], Drafted],
    purpose: str,
    channel: str,
    saying: Saying,
    _: Wishes,
) -> Drafted:
    return ask(saying, (purpose,), () if channel == OBSERVE else (channel,))


def _above(brand: BrandStatement, purpose: Id) -> Iterator[Id]:
    told = brand.purposes.get(purpose)
    while told is not None and told.parent is not None:
        yield told.parent
        told = brand.purposes.get(told.parent)


def _preferred(wanted: Preferences, saying: Saying, wishes: Wishes) -> Drafted:
    """The preferences, with what was wished per 7 days kept: the page speaks of months only."""
    caps = {
        channel: (wishes.caps.get(channel, (None, None))[0], month)
        for channel, (_, month) in wanted.caps.items()
    }
    return prefer(saying, replace(wanted, caps=caps))


def changed_preferences(now: Choices, wanted: Choices) -> Preferences:
    """What changed of topics, caps (of 30 days), quiet hours, break, language and zone."""
    caps: dict[str, tuple[int | None, int | None]] = {
        channel: (None, most)
        for channel, most in wanted.caps.items()
        if most != now.caps.get(channel)
    }
    found = Preferences(
        topics={
            name: level for name, level in wanted.topics.items() if level != now.topics.get(name)
        },
        caps=caps,
        language=wanted.language if wanted.language != now.language else "",
        time_zone=wanted.time_zone if wanted.time_zone != now.time_zone else "",
    )
    if wanted.quiet != now.quiet:
        found = replace(found, quiet=wanted.quiet, quiet_unset=wanted.quiet is None)
    if wanted.pause_until != now.pause_until:
        found = replace(found, pauses={ANYWHERE: wanted.pause_until})
    return found
