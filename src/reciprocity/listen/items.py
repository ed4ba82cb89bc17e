"""What a person told that stands: each topic, cap, yes and attribute, an item of its own.

An item runs from the event that told it. As long as it stays what it is, its run goes on: a topic
may be liked more, a pause may be made longer, a yes renewed in time. Whatever breaks it (a
withdrawal, an end that came, another cap) begins a new run or none.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from reciprocity.consent.laws import (
    DAY_MS,
    DECLARED,
    OPERATOR,
    PERSON,
    answer_key,
    ends_at,
    is_import,
)
from reciprocity.consent.state import Wishes
from reciprocity.decide.gather import consent_state, objected
from reciprocity.decide.prepare import Ground, Statements, ground_of
from reciprocity.events import Act
from reciprocity.model import OBSERVE, Basis, ConsentState, Instant

__all__ = ["ItemKind", "Items", "Key", "Named", "Speaker", "Stands", "speaker"]

Named = str | int | bool | tuple[str, ...]
"""What a parameter of a sentence may be: an id, a code or a number, or several ids."""


class ItemKind(StrEnum):
    """The kinds of items, by what is told."""

    TOPIC = "topic"
    CAP = "cap"
    QUIET_TIME = "quiet_time"
    PAUSE = "pause"
    ATTRIBUTE = "attribute"
    CONSENT = "consent"
    BEHAVIOUR = "behaviour"


class Speaker(StrEnum):
    """Who said it: only what `person` said may be shown as "you told us"."""

    PERSON = "person"
    OPERATOR = "operator"
    IMPORT = "import"
    OTHER = "other"


Key = tuple[ItemKind, str, str]
"""An item's kind, its name (topic, channel, attribute, purpose, behaviour), and what it is for:
the purpose of an attribute, the channel of a yes."""

_GIVEN: Final = ConsentState.GIVEN


class Stands(NamedTuple):
    """One item: what it says, what must stay equal while its run goes on, when it ends."""

    said: dict[str, Named]
    run: object
    until: Instant = 0

    def at(self, at: Instant) -> bool:
        """Does it stand at *at*, if nothing more is told?"""
        return not self.until or at < self.until


class Items:
    """Which items stand, as the brand file and law packs now in force have it."""

    def __init__(self, stated: Statements) -> None:
        """Judge by *stated*."""
        self._stated = stated
        self._grounds: dict[tuple[str, str], Ground | None] = {}

    def given(self, wishes: Wishes, name: str, channel: str, at: Instant) -> bool:
        """Does a yes to the purpose, or behaviour, *name* truly stand on *channel* at *at*?"""
        ground = self._ground(name, channel)
        return (
            ground is not None
            and consent_state(wishes, ground, at) is _GIVEN
            and not objected(wishes, ground)
        )

    def standing(self, wishes: Wishes, at: Instant) -> dict[Key, Stands]:
        """All that stands of *wishes* at *at*.

        A yes to what is no longer declared permits nothing, and so does not stand. Levels read off
        a behaviour are no item: the yes to looking is.
        """
        found = dict((*_preferred(wishes), *_paused(wishes, at), *_shared(wishes)))
        for key in wishes.answers:
            name, channel = key.rsplit("/", 1)
            if self.given(wishes, name, channel, at):
                kind, stands = self._yes(wishes, name, channel)
                found[kind, name, "" if kind is ItemKind.BEHAVIOUR else channel] = stands
        return found

    def _yes(self, wishes: Wishes, name: str, channel: str) -> tuple[ItemKind, Stands]:
        ground = self._ground(name, channel)
        longest = ground.longest_ms // DAY_MS if ground else 0
        until = ends_at(wishes.answers[answer_key(name, channel)], longest)
        if channel == OBSERVE:
            return ItemKind.BEHAVIOUR, Stands({"behaviour": name, "until": until}, None, until)
        said: dict[str, Named] = {"purpose": name, "channel": channel, "until": until}
        return ItemKind.CONSENT, Stands(said, None, until)

    def _ground(self, name: str, channel: str) -> Ground | None:
        """Where a yes is found, None for what is not declared or does not rest on consent."""
        key = name, channel
        if key not in self._grounds:
            self._grounds[key] = self._grounded(name, channel)
        return self._grounds[key]

    def _grounded(self, name: str, channel: str) -> Ground | None:
        brand = self._stated.brand
        if channel == OBSERVE:
            behaviour = brand.behaviours.get(name)
            days = behaviour.validity_days if behaviour else 0
        else:
            purpose = brand.purposes.get(name)
            asked = purpose is not None and purpose.basis is Basis.CONSENT
            days = purpose.validity_days if purpose and asked and channel in brand.channels else 0
        return ground_of(name, channel, days, self._stated) if days else None


def _preferred(wishes: Wishes) -> Iterator[tuple[Key, Stands]]:
    """Topics by whether they are wanted, caps and quiet time by their numbers."""
    said: dict[str, Named]
    for topic, told in wishes.topics.items():
        if told.source == DECLARED:
            sign = (told.level > 0) - (told.level < 0)
            said = {"topic": topic, "level": told.level}
            yield (ItemKind.TOPIC, topic, ""), Stands(said, sign)
    for channel, pair in wishes.caps.items():
        limits = zip(("cap_7_days", "cap_30_days"), pair, strict=True)
        said = {"channel": channel, **{name: most for name, most in limits if most is not None}}
        yield (ItemKind.CAP, channel, ""), Stands(said, pair)
    if (quiet := wishes.quiet) is not None:
        said = {"quiet_from": quiet.start, "quiet_until": quiet.end}
        yield (ItemKind.QUIET_TIME, "", ""), Stands(said, quiet)


def _paused(wishes: Wishes, at: Instant) -> Iterator[tuple[Key, Stands]]:
    for channel, until in wishes.pauses.items():
        if at < until:
            said: dict[str, Named] = {"channel": channel, "until": until}
            yield (ItemKind.PAUSE, channel, ""), Stands(said, None, until)


def _shared(wishes: Wishes) -> Iterator[tuple[Key, Stands]]:
    for purpose, names in wishes.shared.items():
        for name in names:
            said: dict[str, Named] = {"attribute": name, "purpose": purpose}
            yield (ItemKind.ATTRIBUTE, name, purpose), Stands(said, None)


def speaker(kind: str, act: Act) -> Speaker:
    """Who said *act*, an event of *kind*."""
    if is_import(kind, act.actor):
        return Speaker.IMPORT
    if act.actor == PERSON or act.actor.startswith("person:"):
        return Speaker.PERSON
    return Speaker.OPERATOR if act.actor.startswith(OPERATOR) else Speaker.OTHER
