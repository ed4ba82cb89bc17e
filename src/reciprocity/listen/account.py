"""The account: what a person told, and what it did for them, each figure with its records.

Gains come first. A figure is the number of positions it names, so whoever holds the person's proof
can look each of them up; what the journal does not record (what a plan left out, what was never
queued) is not counted, and what came before an item was told is none of its doing. One delivery
may stand under several items: the yes that let it come, the topic it was about, the attribute
that it printed. Figures of different items are therefore not to be added up.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from reciprocity.consent.laws import DAY_MS, OBSERVED
from reciprocity.decide.gather import MONTH_MS, WEEK_MS
from reciprocity.events import Act, Attempt, Held
from reciprocity.journal.standing import Standing, held_key
from reciprocity.listen.deliveries import Became, Delivery, Followed, HeldBack, Step
from reciprocity.listen.items import ItemKind, Key, Named, Speaker, Stands, speaker
from reciprocity.listen.messages import Use
from reciprocity.model import ANYWHERE, Basis, Instant

__all__ = ["Account", "Did", "Figure", "Item", "Silent", "account"]


class Did(StrEnum):
    """What an item did; the last two are what was kept away, all others gains.

    A brand's own rule that asks for an attribute only ever refuses: `checked_by_rule` says that it
    was asked and let the message pass.
    """

    ABOUT_TOPIC = "about_topic"
    FROM_BEHAVIOUR = "from_behaviour"
    PRINTED = "printed"
    CHOSEN_BY = "chosen_by"
    CAME_BY_YES = "came_by_yes"
    CAME_AFTER_WAIT = "came_after_wait"
    CHECKED_BY_RULE = "checked_by_rule"
    KEPT_AWAY = "kept_away"
    MADE_TO_WAIT = "made_to_wait"


class Silent(StrEnum):
    """Why an item has no figure: it did nothing since it was told, or nothing lately."""

    NOTHING_YET = "nothing_yet"
    NOTHING_LATELY = "nothing_lately"


class Figure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an item *did*, as often as it names positions, newest first.

    Of gains these are attempts that were delivered, of the other two the notes that a message
    was held for *reason*; `Account` lists both by position.
    """

    did: Did
    reason: str = ""
    positions: tuple[int, ...]

    @property
    def count(self) -> int:
        """The figure."""
        return len(self.positions)


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was told and stands, and what it did within the account's days.

    *told* is the position, and *told_at* the instant, from which it has stood without a break;
    *by* says who told it. *silent* is set where there is no figure.
    """

    kind: ItemKind
    said: dict[str, Named]
    told: int
    told_at: Instant
    by: Speaker
    gains: tuple[Figure, ...] = ()
    kept: tuple[Figure, ...] = ()
    silent: Silent | None = None


class Account(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands at *at*, item by item, those that brought most first; what came, what did not.

    Figures count what was recorded after *since*. *deliveries* and *held* are whole, however old,
    newest first. *erase_at* is when the person is to be erased, if they asked for it: what stands
    is not used until then. *useful* and *not_for_me* are the positions of deliveries after *since*
    by the person's newest word on them.
    """

    at: Instant
    since: Instant
    days: int
    items: tuple[Item, ...]
    deliveries: tuple[Delivery, ...]
    held: tuple[HeldBack, ...]
    erase_at: Instant = 0
    useful: tuple[int, ...] = ()
    not_for_me: tuple[int, ...] = ()


def account(read: Followed, *, at: Instant, days: int = 90) -> Account:
    """The account of one person at *at*, of the *days* before.

    An instant before the last event of the history *read* is taken as that of the event.
    """
    at = max(at, read.steps[-1].told.at)
    since = at - days * DAY_MS
    told = _Credited(read)
    for step in read.steps:
        told.see(step)
    items = [one.item(since) for one in told.standing(at)]
    lately = sorted((one for one in read.sent.values() if one.at > since), key=_newest)
    return Account(
        at=at,
        since=since,
        days=days,
        items=tuple(sorted(items, key=_weight)),
        deliveries=tuple(sorted(read.sent.values(), key=_newest)),
        held=tuple(sorted(read.held.values(), key=_newest)),
        erase_at=read.steps[-1].after.wishes.erase_at,
        useful=tuple(one.position for one in lately if one.useful is True),
        not_for_me=tuple(one.position for one in lately if one.useful is False),
    )


def _newest(one: Delivery | HeldBack) -> int:
    return -one.position


def _weight(item: Item) -> tuple[int, int, int]:
    """Most gains first, then most kept away, then what was told first."""
    gains, kept = (sum(each.count for each in figures) for figures in (item.gains, item.kept))
    return -gains, -kept, item.told


class _Running(Struct, kw_only=True):
    """An item as far as history has been read, with what it did so far."""

    key: Key
    stands: Stands
    told: int
    told_at: Instant
    by: Speaker
    did: dict[tuple[Did, str], list[Delivery | HeldBack]] = field(default_factory=dict)

    def credit(self, did: Did, one: Delivery | HeldBack, reason: str = "") -> None:
        known = self.did.setdefault((did, reason), [])
        if one not in known[-1:]:
            known.append(one)

    def item(self, since: Instant) -> Item:
        figures = {
            key: tuple(one.position for one in reversed(found) if one.at > since)
            for key, found in self.did.items()
        }
        made = [
            Figure(did=did, reason=reason, positions=positions)
            for (did, reason), positions in figures.items()
            if positions
        ]
        made.sort(key=lambda each: (_ORDER[each.did], each.reason))
        silent = Silent.NOTHING_LATELY if self.did else Silent.NOTHING_YET
        return Item(
            kind=self.key[0],
            said=self.stands.said,
            told=self.told,
            told_at=self.told_at,
            by=self.by,
            gains=tuple(each for each in made if each.did not in _KEPT),
            kept=tuple(each for each in made if each.did in _KEPT),
            silent=None if made else silent,
        )


_ORDER: Final = {did: order for order, did in enumerate(Did)}
_KEPT: Final = frozenset({Did.KEPT_AWAY, Did.MADE_TO_WAIT})
_USES: Final = (
    (Use.PRINTS, Did.PRINTED),
    (Use.ASKS, Did.CHOSEN_BY),
    (Use.RULE_ASKS, Did.CHECKED_BY_RULE),
)


class _Credited:
    """Follows a history and credits each delivery, and each note, to the items behind it."""

    def __init__(self, read: Followed) -> None:
        self._read = read
        self._running: dict[Key, _Running] = {}
        self._waits: dict[str, list[tuple[HeldBack, _Running]]] = {}

    def standing(self, at: Instant) -> list[_Running]:
        """The items that still stand at *at*."""
        return [one for one in self._running.values() if one.stands.at(at)]

    def see(self, step: Step) -> None:
        """Take in the next event."""
        body = step.told.body
        if isinstance(body, Act):
            self._hear(step, body)
        elif isinstance(body, Attempt):
            key = held_key(body.message, body.occasion)
            self._came(self._read.sent[step.told.version], key)
        elif isinstance(body, Held):
            key = held_key(body.message, body.occasion)
            self._kept(self._read.held[step.told.version], key, step.before)

    def _hear(self, step: Step, act: Act) -> None:
        told, before = step.told, self._running
        self._running = {}
        for key, stands in self._read.items.standing(step.after.wishes, told.at).items():
            known = before.get(key)
            if known is not None and known.stands.run == stands.run and known.stands.at(told.at):
                known.stands = stands
            else:
                by = speaker(told.kind, act)
                known = _Running(key=key, stands=stands, told=told.position, told_at=told.at, by=by)
            self._running[key] = known

    def _came(self, delivery: Delivery, key: str) -> None:
        if delivery.became is not Became.DELIVERED:
            return
        for item in self.standing(delivery.at):
            did = _gain(item.key, delivery)
            if did is not None:
                item.credit(did, delivery)
        for held, item in self._waits.pop(key, ()):
            if held.until <= delivery.at:  # an item that was taken back since is listed no more
                item.credit(Did.CAME_AFTER_WAIT, delivery)

    def _kept(self, held: HeldBack, key: str, standing: Standing) -> None:
        for item in self.standing(held.at):
            if not _holds(item.key, item.stands, held, standing):
                continue
            if held.until:
                self._waits.setdefault(key, []).append((held, item))
            if held.came < 0:
                did = Did.MADE_TO_WAIT if held.until else Did.KEPT_AWAY
                item.credit(did, held, held.reason)


def _gain(key: Key, delivery: Delivery) -> Did | None:
    """What the item did for *delivery*, which it was told before; the first that applies."""
    kind, name, where = key
    message = delivery.message
    if kind is ItemKind.TOPIC:
        return Did.ABOUT_TOPIC if name in delivery.topics else None
    if kind is ItemKind.BEHAVIOUR:
        return Did.FROM_BEHAVIOUR if name in delivery.behaviours else None
    if kind is ItemKind.CONSENT:
        under = delivery.basis == Basis.CONSENT and (message.purpose, message.channel)
        return Did.CAME_BY_YES if under == (name, where) else None
    if kind is ItemKind.ATTRIBUTE and message.purpose == where:
        used = (did for use, did in _USES if name in message.uses.get(use, ()))
        return next(used, None)
    return None  # caps, quiet time and pauses bring what waited for them


def _holds(key: Key, stands: Stands, held: HeldBack, standing: Standing) -> bool:
    """Was it for this item, told before, that a message was held?"""
    kind, name, where = key
    message, reason = held.message, held.reason
    if kind is ItemKind.QUIET_TIME:
        return reason == "quiet_time"
    if kind is ItemKind.PAUSE:
        return reason == "paused" and name in {message.channel, ANYWHERE}
    if kind is ItemKind.CAP:
        return reason == "cap_reached" and name == message.channel and _full(name, held, standing)
    if kind is ItemKind.ATTRIBUTE:
        asked = message.uses.get(Use.ASKS, ())
        return reason == "outside_audience" and message.purpose == where and name in asked
    if kind is ItemKind.TOPIC:
        if reason == "topic_refused":
            return stands.run == -1 and name in {*message.topics, *message.above}
        return reason == "not_relevant" and stands.run == 0 and name in message.topics
    if kind is ItemKind.BEHAVIOUR and reason == "topic_refused":
        return name in _turned_down(held, standing)
    return False


def _full(channel: str, held: HeldBack, standing: Standing) -> bool:
    """Had the person's own cap no room left? If not, it was the brand's that held the message."""
    times = [
        each.at for each in standing.sent if each.channel == channel and each.basis == Basis.CONSENT
    ]
    windows = zip(standing.wishes.caps[channel], (WEEK_MS, MONTH_MS), strict=True)
    return any(
        most is not None and sum(each > held.at - window_ms for each in times) >= most
        for most, window_ms in windows
    )


def _turned_down(held: HeldBack, standing: Standing) -> Iterator[str]:
    """The behaviours by which a topic of the message was read as not for the person."""
    for topic in (*held.message.topics, *held.message.above):
        told = standing.wishes.topics.get(topic)
        if told is not None and told.level < 0 and told.source.startswith(OBSERVED):
            yield told.source[len(OBSERVED) :]
