"""The collector: of what is reported, what each person said yes to being looked at, and no more.

Whoever reports has asked for consent already; it is asked again here, of what stands now, because
another window may have taken it back. An event makes nobody known. What may not be kept is dropped
with a reason, and so are the fields that the brand file does not list.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

from msgspec import Raw, Struct, field

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.collect.reported import Reason, Reported, read_event
from reciprocity.consent.state import Wishes
from reciprocity.errors import Conflict, InputError, Unavailable
from reciprocity.journal.cache import Kept
from reciprocity.journal.journal import Journal
from reciprocity.model import Behaviour, Id, Instant
from reciprocity.vault.observed import Observation, keep_observed
from reciprocity.vault.people import EXTERNAL, canonical_external_id

__all__ = ["Collected", "Collector", "Dropped", "InForce", "Sender", "web_id"]

_TRIES: Final = 5


class Sender(NamedTuple):
    """Who reports: *trusted*, by a write key, to say whose event it is; else a browser.

    A browser may only speak for the person whose secret it sends. *signal* says that the browser
    asked not to be watched (`Sec-GPC: 1` or `DNT: 1`).
    """

    trusted: bool = False
    signal: bool = False


class Dropped(Struct, frozen=True):
    """An event that was not kept: its place in what was sent, and why."""

    index: int
    reason: Reason


class Collected(Struct, frozen=True, kw_only=True):
    """What became of a report.

    *kept* counts events that are kept now, those that were sent before included; *linked* the
    `identify` calls that joined two known identities; *fields_dropped* the properties, of events
    that were kept, which the brand does not keep.
    """

    kept: int = 0
    linked: int = 0
    dropped: tuple[Dropped, ...] = field(default=())
    fields_dropped: int = 0


class InForce(Struct, frozen=True, kw_only=True, dict=True):
    """The brand file and law packs in force, and what is a yes under them.

    *given* tells whether a yes to looking at a behaviour stands in some wishes at an instant.
    """

    brand: BrandStatement
    laws: tuple[LawPack, ...]
    given: Callable[[Wishes, Id, Instant], bool]

    @cached_property
    def by_event(self) -> dict[str, tuple[Id, Behaviour, frozenset[str]]]:
        """The behaviour that each event's name belongs to, and its fields."""
        return {
            event: (name, told, frozenset(told.fields))
            for name, told in self.brand.behaviours.items()
            for event in told.events
        }


def web_id(secret: str) -> str:
    """The external id of the person whose browser holds *secret*; it does not give it away."""
    return f"web:{sha256(secret.encode()).hexdigest()}"


class _Asked(NamedTuple):
    """An event whose people are known: the one it is of, and others who must agree as well."""

    place: int
    event: Reported
    slots: tuple[int, ...]


class Collector:
    """Takes reports for one brand; safe to share between threads."""

    def __init__(
        self,
        journal: Journal,
        in_force: Callable[[], InForce],
        link: Callable[[int, int], None],
    ) -> None:
        """Keep in *journal*'s vault what *in_force* allows.

        *link* brings two people who are one to the strictest wishes of both, once.
        """
        self._journal, self._in_force, self._link = journal, in_force, link

    def take(self, events: Sequence[Raw], sender: Sender) -> Collected:
        """Keep what may be kept of *events*; returns once that is durable.

        Raises `Unavailable` when journal or keys are out of reach: then nothing was kept.
        """
        read = [read_event(raw) for raw in events]
        if sender.signal:
            return Collected(dropped=tuple(
                Dropped(index, one if isinstance(one, Reason) else Reason.PRIVACY_SIGNAL)
                for index, one in enumerate(read)
            ))  # fmt: skip
        dropped: dict[int, Reason] = {}
        asked, linked = self._known(read, sender, dropped), 0
        tracked = []
        for one in asked:
            if one.event.type != "identify":
                tracked.append(one)
            elif (reason := self._linked(one)) is not None:
                dropped[one.place] = reason
            else:
                linked += 1
        kept, cut = self._keep(tracked, dropped)
        return Collected(
            kept=kept,
            linked=linked,
            dropped=tuple(Dropped(index, dropped[index]) for index in sorted(dropped)),
            fields_dropped=cut,
        )

    # -- who --

    def _known(
        self, read: Sequence[Reported | Reason], sender: Sender, dropped: dict[int, Reason]
    ) -> list[_Asked]:
        """The events of people who are known; the others go to *dropped*."""
        by_event = self._in_force().by_event
        wanted: list[tuple[int, Reported, list[bytes]]] = []
        digests: dict[str, bytes | None] = {}
        for index, event in enumerate(read):
            if isinstance(event, Reason):
                dropped[index] = event
            elif event.type != "identify" and event.name() not in by_event:
                dropped[index] = Reason.NOT_DECLARED
            elif not (names := _names(event, sender)):
                dropped[index] = Reason.NOT_AUTHORISED
            else:
                for name in names:
                    if name not in digests:
                        digests[name] = self._digest(name)
                wanted.append((index, event, [d for name in names if (d := digests[name])]))
        found = self._journal.find_many([digest for digest in digests.values() if digest])
        asked = []
        for index, event, mine in wanted:
            slots = tuple(dict.fromkeys(found[digest] for digest in mine if digest in found))
            if slots:
                asked.append(_Asked(index, event, slots))
            else:
                dropped[index] = Reason.UNKNOWN_PERSON
        return asked

    def _digest(self, name: str) -> bytes | None:
        try:
            return self._journal.digest(EXTERNAL, canonical_external_id(name))
        except InputError:
            return None

    def _linked(self, one: _Asked) -> Reason | None:
        """Join the two people that an `identify` names; why not, where it does not."""
        if len(one.slots) == 1:
            both = one.event.user_id is not None and one.event.anonymous_id is not None
            return None if both and self._same(one) else Reason.UNKNOWN_PERSON
        try:
            self._link(*one.slots)
        except InputError:
            return Reason.LEAVING
        except Conflict:
            return Reason.UNKNOWN_PERSON
        return None

    def _same(self, one: _Asked) -> bool:
        """Are both of the event's names of the one person it found?"""
        names = (one.event.user_id or "", web_id(one.event.anonymous_id or ""))
        found = [self._journal.find(d) if (d := self._digest(name)) else None for name in names]
        return found == [one.slots[0]] * 2

    # -- what may be kept --

    def _keep(self, asked: Sequence[_Asked], dropped: dict[int, Reason]) -> tuple[int, int]:
        """Keep what a yes stands for; how many events, and how many fields were left out."""
        if not asked:
            return 0, 0
        slots = list(dict.fromkeys(slot for one in asked for slot in one.slots))
        for _ in range(_TRIES):
            forced, people = self._in_force(), self._journal.kept_many(slots)
            seen, refused, cut = self._permitted(asked, forced, people)
            versions = {slot: people[slot].standing.version for slot in slots if slot in people
                        and not people[slot].standing.erased}  # fmt: skip
            if not seen or keep_observed(self._journal, seen, versions):
                dropped.update(refused)
                return len(seen), cut
        raise Unavailable("people's histories kept moving on: nothing was kept, send it again")

    def _permitted(
        self, asked: Sequence[_Asked], forced: InForce, people: Mapping[int, Kept]
    ) -> tuple[list[Observation], dict[int, Reason], int]:
        at = self._journal.clock()
        seen, refused, cut = list[Observation](), dict[int, Reason](), 0
        for place, event, slots in asked:
            declared = forced.by_event.get(event.name())
            if declared is None:  # the brand file changed in this very moment
                refused[place] = Reason.NOT_DECLARED
                continue
            behaviour, _, fields = declared
            reason = _refusal(behaviour, [people.get(slot) for slot in slots], forced, at)
            if reason is not None:
                refused[place] = reason
                continue
            kept = event.kept(fields)
            cut += len(event.properties or ()) - len(kept)
            seen.append(Observation(
                slot=slots[0], behaviour=behaviour, message_id=event.message_id,
                event=event.name(), at=event.at(at), fields=kept,
            ))  # fmt: skip
        return seen, refused, cut


def _names(event: Reported, sender: Sender) -> list[str]:
    """The external ids by which *event* may be looked up, the one it is of first."""
    names = []
    if sender.trusted and event.user_id is not None:
        names.append(event.user_id)
    if event.anonymous_id is not None and (sender.trusted or event.type != "identify"):
        names.append(web_id(event.anonymous_id))
    return names


def _refusal(
    behaviour: Id, people: Sequence[Kept | None], forced: InForce, at: Instant
) -> Reason | None:
    """Why nothing may be kept of *people*, who are one: each of them must have said yes."""
    for one in people:
        if one is None or one.standing.erased:
            return Reason.UNKNOWN_PERSON
        if one.standing.wishes.erase_at:
            return Reason.LEAVING
        if not forced.given(one.standing.wishes, behaviour, at):
            return Reason.NO_CONSENT
    return None
