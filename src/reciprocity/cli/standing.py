"""What stands for one person, in plain words: a view that is first data, then drawn.

Addresses and values are masked unless they are to be revealed, which the caller puts on record.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.cli.screen import counted, day, hour, moment, plain_table
from reciprocity.consent.laws import ends_at
from reciprocity.consent.state import Answer, Wishes
from reciprocity.decide.answers import answers_now
from reciprocity.decide.statements import statements_in_force
from reciprocity.events import Act
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.messages import Messages
from reciprocity.listen.promises import Kept, Promise, promises
from reciprocity.model import ConsentState, Profile

__all__ = ["Consent", "Event", "Reach", "View", "draw", "masked", "view_of"]

HIDDEN: Final = "…"
_SAID: Final = {
    ConsentState.NEVER_ASKED: "nobody asked",
    ConsentState.PENDING: "yes, not confirmed yet",
    ConsentState.GIVEN: "yes",
    ConsentState.REFUSED: "no",
    ConsentState.WITHDRAWN: "yes, taken back",
    ConsentState.EXPIRED: "yes, run out",
    ConsentState.UNVERIFIED: "yes, without evidence",
}


class Reach(Struct, frozen=True, kw_only=True):
    """A contact point: its *address* masked unless revealed, and whether it may be used."""

    channel: str
    address: str
    confirmed: bool
    bounced: bool
    suppressed: bool


class Consent(Struct, frozen=True, kw_only=True):
    """One purpose (or behaviour) on one channel; *since* and *until* are 0 where there is none."""

    purpose: str
    channel: str
    state: ConsentState
    since: int
    until: int
    said_by: str


class Event(Struct, frozen=True, kw_only=True):
    """One event of the person's history."""

    position: int
    version: int
    at: int
    kind: str
    actor: str


class View(Struct, frozen=True, kw_only=True):
    """What stands for one person; *quiet* in minutes of their day, *pauses* end at an instant."""

    person: str
    slot: int
    version: int
    revealed: bool
    external_id: str
    points: tuple[Reach, ...]
    consent: tuple[Consent, ...]
    objections: tuple[str, ...]
    topics: dict[str, int]
    caps: dict[str, tuple[int | None, int | None]]
    quiet: tuple[int, int] | None
    pauses: dict[str, int]
    language: str
    time_zone: str
    age_at_least: int
    attributes: dict[str, int | bool | str]
    shared: dict[str, tuple[str, ...]]
    erase_at: int
    promises: tuple[Promise, ...]
    events: tuple[Event, ...]


def view_of(journal: Journal, slot: int, *, reveal: bool, events: int) -> View:
    """What stands for the person in *slot* now, with the last *events* of their history."""
    statements = statements_in_force(journal)
    at = max(journal.clock(), journal.state().last_at)
    kept, profile, history = journal.kept(slot), journal.profile(slot), journal.history(slot)
    wishes = kept.standing.wishes if kept else Wishes()
    values = profile.attributes if reveal else dict.fromkeys(profile.attributes, HIDDEN)
    return View(
        person=journal.pseudonym(slot),
        slot=slot,
        version=len(history),
        revealed=reveal,
        external_id=profile.external_id if reveal else masked(profile.external_id),
        points=tuple(_points(wishes, profile, reveal=reveal)),
        consent=tuple(_consent(statements.brand, statements.laws, wishes, at)),
        objections=tuple(sorted(wishes.objections)),
        topics={name: told.level for name, told in sorted(wishes.topics.items())},
        caps=wishes.caps,
        quiet=(wishes.quiet.start, wishes.quiet.end) if wishes.quiet else None,
        pauses={name: until for name, until in wishes.pauses.items() if until > at},
        language=wishes.language,
        time_zone=wishes.time_zone,
        age_at_least=wishes.age_at_least,
        attributes=dict(values),
        shared=wishes.shared,
        erase_at=wishes.erase_at,
        promises=_promises(journal, history, at),
        events=tuple(_event(told) for told in history[len(history) - min(events, len(history)) :]),
    )


def _promises(journal: Journal, history: list[Told], at: int) -> tuple[Promise, ...]:
    if not history:
        return ()
    messages = Messages(journal.statements())
    return promises(Followed(history, messages), messages.offers, at)


def masked(text: str) -> str:
    """As much of an address or id as tells an operator that it is the right one.

    >>> masked("ann@example.com"), masked("C-1041"), masked("")
    ('a…@example.com', 'C…', '')
    """
    name, mark, domain = text.partition("@")
    return f"{name[:1]}{HIDDEN}{mark}{domain}" if text else ""


def _points(wishes: Wishes, profile: Profile, *, reveal: bool) -> Iterator[Reach]:
    for channel, point in sorted(wishes.points.items()):
        address = profile.points.get(channel, "")
        yield Reach(
            channel=channel,
            address=address if reveal else masked(address),
            confirmed=point.confirmed,
            bounced=point.bounced,
            suppressed=point.suppressed,
        )


def _consent(
    brand: BrandStatement, laws: tuple[LawPack, ...], wishes: Wishes, at: int
) -> Iterator[Consent]:
    """A row for each purpose and channel that is declared, or was ever answered."""
    for one in answers_now(brand, laws, wishes, at, dropped=True):
        answer = one.answer
        yield Consent(
            purpose=one.purpose,
            channel=one.channel,
            state=one.state,
            since=answer.at if answer else 0,
            until=_until(answer, one.days),
            said_by=("person or operator" if answer.own else "import") if answer else "",
        )


def _until(answer: Answer | None, days: int) -> int:
    if answer is None or answer.state not in {ConsentState.GIVEN, ConsentState.PENDING}:
        return 0
    return ends_at(answer, days) if answer.state is ConsentState.GIVEN else answer.until


def _event(told: Told) -> Event:
    actor = told.body.actor if isinstance(told.body, Act) else ""
    return Event(
        position=told.position, version=told.version, at=told.at, kind=told.kind, actor=actor
    )


# --- drawing --------------------------------------------------------------------------------------


def draw(view: View, console: Console) -> None:
    """Print *view* as tables and sentences."""
    events = counted(view.version, "event")
    console.print(f"{view.person} (slot {view.slot}, {events})", style="bold")
    if view.erase_at:
        console.print(f"to be erased at {moment(view.erase_at)}; nothing is sent", style="red")
    console.print(_consent_table(view))
    console.print(_wishes_table(view))
    if view.promises:
        console.print(_promises_table(view))
    if view.events:
        console.print(_events_table(view))


def _consent_table(view: View) -> Table:
    table = plain_table("purpose", "channel", "stands", "since", "until", "said by")
    for one in view.consent:
        table.add_row(
            one.purpose, one.channel, _SAID[one.state], day(one.since), day(one.until), one.said_by
        )
    return table


def _wishes_table(view: View) -> Table:
    table = plain_table("wish", "")
    for name, text in _wishes(view):
        table.add_row(name, text)
    return table


def _wishes(view: View) -> Iterator[tuple[str, str]]:
    """Each thing that stands, named and put in words; what was never said is left out."""
    yield from _reached(view)
    for topic, rated in view.topics.items():
        yield f"topic {topic}", f"{rated:+d}" if rated else "0"
    yield from _times(view)
    for name in ("language", "time_zone"):
        if value := getattr(view, name):
            yield name.replace("_", " "), value
    if view.age_at_least:
        yield "at least", f"{view.age_at_least} years old"
    for name, value in view.attributes.items():
        used = [purpose for purpose, names in view.shared.items() if name in names]
        yield name, f"{value} (shared for: {', '.join(used) or 'nothing'})"


def _reached(view: View) -> Iterator[tuple[str, str]]:
    if view.external_id:
        yield "known as", view.external_id
    for point in view.points:
        yield f"reached by {point.channel}", f"{point.address} ({_usable(point)})"
    for key in view.objections:
        purpose, channel = key.rsplit("/", 1)
        what = "everything" if purpose == "*" else purpose
        yield "objects to", what if channel == "*" else f"{what} by {channel}"


def _times(view: View) -> Iterator[tuple[str, str]]:
    for channel, (week, month) in view.caps.items():
        yield f"at most by {channel}", f"{_most(week)} in 7 days, {_most(month)} in 30"
    if view.quiet:
        yield "quiet time", f"{hour(view.quiet[0])} to {hour(view.quiet[1])}"
    for channel, until in view.pauses.items():
        yield "paused", f"{'everything' if channel == '*' else channel} until {moment(until)}"


def _usable(point: Reach) -> str:
    if point.suppressed:
        return "never to be written to"
    if point.bounced:
        return "takes no mail"
    return "confirmed" if point.confirmed else "not confirmed"


def _most(count: int | None) -> str:
    return "any number" if count is None else str(count)


def _promises_table(view: View) -> Table:
    table = plain_table("promised", "since", "stands", "came", numbers=("came",))
    for one in view.promises:
        told = f"{one.measure} {one.amount} in {one.period_days} days ({one.proposition})"
        came = one.running if one.state is Kept.RUNNING else one.records
        table.add_row(told, day(one.since), one.state.replace("_", " "), f"{len(came):,}")
    return table


def _events_table(view: View) -> Table:
    table = plain_table("position", "at", "event", "by", numbers=("position",), title="Last events")
    for one in view.events:
        table.add_row(str(one.position), moment(one.at), one.kind, one.actor)
    return table
