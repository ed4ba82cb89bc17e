"""A person's own page: everything on it, gathered for the template, in plain records.

What they told and what it did for them, gains first; what they may choose; all that is recorded;
the ways out. Only what the journal knows is claimed, and each figure names its records.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.brand import OWN, BrandStatement
from reciprocity.collect.preferences import Choices, chosen, notice_for
from reciprocity.consent.laws import DAY_MS
from reciprocity.consent.state import Wishes
from reciprocity.deliver.preview import Changes
from reciprocity.http.promised import Promised, promised, words_on
from reciprocity.http.telling import Telling
from reciprocity.listen.account import Account, Figure, account
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.items import Speaker
from reciprocity.listen.messages import Messages
from reciprocity.listen.promises import promises
from reciprocity.listen.timeline import Entry, Group, timeline
from reciprocity.model import OBSERVE, AttributeType, Basis, ConsentState, Id
from reciprocity.platform import Reciprocity

__all__ = [
    "Answer",
    "Attribute",
    "Line",
    "Observed",
    "Person",
    "Previewed",
    "Row",
    "Tried",
    "fingerprint",
    "person_of",
    "tried_of",
]

MOST_SHOWN: Final = 12
MOST_LINES: Final = 30
"""Records on the page, unless it is asked for with all of them."""


class Answer(Struct, frozen=True, kw_only=True):
    """A yes or no to give: its *key* in the form, what is said with it, and how it stands.

    *said_to* is the notice, as the log has it, that a yes which stands was said to.
    """

    key: str
    title: str
    by: str
    yes: bool
    waits: bool
    notice: str
    gives: str = ""
    said_to: str = ""


class Attribute(Struct, frozen=True, kw_only=True):
    """Something the person may tell: how it is asked for, what it is used for, and where shared."""

    name: Id
    title: str
    type: AttributeType
    values: Sequence[str]
    minimum: int | None
    maximum: int | None
    value: str
    uses: Sequence[tuple[str, str, bool]]


class Observed(Struct, frozen=True, kw_only=True):
    """What is kept of one behaviour: how many, since which day, what of each, for how long."""

    name: Id
    title: str
    count: int
    since: str
    fields: Sequence[str]
    days: int


class Row(Struct, frozen=True, kw_only=True):
    """One line of the account: what was told, since when, and what it did."""

    title: str
    since: str
    own: bool
    gains: Sequence[tuple[str, Sequence[int]]]
    kept: Sequence[tuple[str, Sequence[int]]]
    silent: str


class Line(Struct, frozen=True, kw_only=True):
    """One line of the timeline: when, of which group, in which words, and where it stands."""

    position: int
    moment: str
    group: str
    tag: str
    head: str
    parts: Sequence[str]
    why: str


class Previewed(Struct, frozen=True, kw_only=True):
    """One message of the last month: would it have come, and why or why not."""

    title: str
    comes: bool
    why: str


class Tried(Struct, frozen=True, kw_only=True):
    """The preview: messages, and how many of them would have reached the person."""

    messages: Sequence[Previewed]
    reached: int


class Person(Struct, frozen=True, kw_only=True):
    """The page of one person."""

    choices: Choices
    answers: Sequence[Answer]
    attributes: Sequence[Attribute]
    points: Sequence[tuple[str, str, bool]]
    observed: Sequence[Observed]
    account: Sequence[Row]
    words: Sequence[tuple[str, Sequence[int]]]
    promises: Sequence[Promised]
    lines: Sequence[Line]
    records: int
    groups: Sequence[tuple[str, str, int]]
    service: Sequence[str]
    zone: str
    erase_at: int
    seen: str


def person_of(
    shop: Reciprocity,
    messages: Messages,
    slot: int,
    telling: Telling,
    tried: Choices | None = None,
    *,
    whole: bool = False,
) -> Person:
    """The page of the person in *slot*, with choices that are *tried* in place of those that stand.

    It lists the newest records, or with *whole* all of them. Raises `InputError` for a person who
    is erased.
    """
    brand, journal = shop.statement, shop.journal
    kept, profile = journal.kept(slot), journal.profile(slot)
    wishes = kept.standing.wishes if kept else Wishes()
    at = max(journal.clock(), journal.state().last_at)
    read = Followed(journal.history(slot), messages)
    told = account(read, at=at)
    entries = timeline(read, journal.brand_events("audit.published"))
    lines = [_line(entry, telling) for entry in entries[: None if whole else MOST_LINES]]
    stands = chosen(brand, wishes, profile, at)
    choices = tried or stands
    return Person(
        choices=choices,
        answers=_answers(shop, wishes, choices, telling),
        attributes=_attributes(brand, choices, telling),
        points=[
            (telling.channel(channel), address, bool(point and point.confirmed))
            for channel, address in profile.points.items()
            for point in (wishes.points.get(channel),)
        ],
        observed=_observed(shop, slot, telling),
        account=_rows(told, telling),
        words=words_on(told, telling.words),
        promises=promised(promises(read, messages.offers, at), telling),
        lines=lines,
        records=len(entries),
        groups=_groups(lines, telling),
        service=[one.title for one in brand.purposes.values() if one.basis is not Basis.CONSENT],
        zone=wishes.time_zone or brand.time_zone,
        erase_at=wishes.erase_at,
        seen=fingerprint(stands),
    )


def fingerprint(choices: Choices) -> str:
    """What a form sends back to say which choices it was made from."""
    return sha256(msgspec.json.encode(choices, order="deterministic")).hexdigest()[:24]


def tried_of(shop: Reciprocity, slot: int, changes: Changes, telling: Telling) -> Tried:
    """The last 30 days under *changes*; raises `InputError` for changes that make no sense."""
    found = shop.previews.preview(slot, changes)
    messages = [
        Previewed(
            title=one.title if "{" in one.subject else one.subject,
            comes=one.would.reached,
            why=telling.words.say("Sent")
            if one.would.reached
            else telling.held_back(one.would.reason or one.would.outcome),
        )
        for one in found.messages
        if one.campaign.partition("/")[0] != OWN
    ]
    return Tried(messages=messages, reached=sum(one.comes for one in messages))


# --- choices --------------------------------------------------------------------------------------


def _answers(shop: Reciprocity, wishes: Wishes, choices: Choices, telling: Telling) -> list[Answer]:
    brand, found = shop.statement, []
    for key, yes in choices.answers.items():
        name, channel = key.rsplit("/", 1)
        _, _, notice = notice_for(brand, name, telling.words.language)
        request = wishes.requests.get(key) or wishes.answers.get(key)
        behaviour = brand.behaviours.get(name)
        found.append(
            Answer(
                key=key,
                title=telling.purpose(name),
                by="" if channel == OBSERVE else telling.channel(channel),
                yes=yes,
                waits=yes and request is not None and request.state is ConsentState.PENDING,
                notice=notice,
                gives=behaviour.gives if behaviour else "",
                said_to=_said_to(shop, wishes, key) if yes else "",
            )
        )
    return found


def _said_to(shop: Reciprocity, wishes: Wishes, key: str) -> str:
    """The notice of the yes under *key*; empty where none stands, or the log has no such notice."""
    answer = wishes.answers.get(key)
    if answer is None or answer.state is not ConsentState.GIVEN or not answer.notice:
        return ""
    return answer.notice if shop.journal.in_force(f"notice:{answer.notice}") else ""


def _attributes(brand: BrandStatement, choices: Choices, telling: Telling) -> list[Attribute]:
    """What may be told: every attribute that some purpose uses, or that is known already."""
    found = []
    for name, told in brand.attributes.items():
        uses = [
            (purpose, telling.purpose(purpose), name in choices.shared.get(purpose, ()))
            for purpose, each in brand.purposes.items()
            if name in each.attributes
        ]
        if uses or name in choices.values:
            found.append(
                Attribute(
                    name=name,
                    title=told.title,
                    type=told.type,
                    values=told.values,
                    minimum=told.minimum,
                    maximum=told.maximum,
                    value=_written(choices.values.get(name)),
                    uses=uses,
                )
            )
    return found


def _written(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _observed(shop: Reciprocity, slot: int, telling: Telling) -> list[Observed]:
    found, behaviours = list[Observed](), shop.statement.behaviours
    for name, kept in shop.journal.observed.of(slot).items():
        told = behaviours.get(name)  # none: no longer declared, and gone with the next tick
        found.append(
            Observed(
                name=name,
                title=telling.purpose(name),
                count=kept.rows,
                since=telling.words.day(kept.first_day * DAY_MS, "UTC"),
                fields=told.fields if told else (),
                days=told.keep_days if told else 0,
            )
        )
    return found


# --- what came of it ------------------------------------------------------------------------------


def _rows(told: Account, telling: Telling) -> list[Row]:
    return [
        Row(
            title=telling.item(item),
            since=telling.item_told(item),
            own=item.by is Speaker.PERSON,
            gains=_figures(item.gains, telling),
            kept=_figures(item.kept, telling),
            silent=telling.silent(item) if item.silent else "",
        )
        for item in told.items
    ]


def _figures(figures: Sequence[Figure], telling: Telling) -> list[tuple[str, Sequence[int]]]:
    found = list[tuple[str, Sequence[int]]]()
    for figure in figures:
        text = telling.figure(figure)
        if figure.reason:
            text = f"{text}: {telling.reason(figure.reason)}"
        found.append((text, figure.positions[:MOST_SHOWN]))
    return found


def _line(entry: Entry, telling: Telling) -> Line:
    head, *parts = entry.sentences
    return Line(
        position=entry.position,
        moment=telling.moment(entry.at),
        group=str(entry.group),
        tag=telling.group(entry.group),
        head=telling.sentence(head),
        parts=[telling.sentence(one) for one in parts],
        why=telling.why_sent(head.said) if entry.group is Group.SENT else "",
    )


def _groups(lines: Sequence[Line], telling: Telling) -> list[tuple[str, str, int]]:
    """Each group that has lines: its name, its words, and how many."""
    found = []
    for group in Group:
        count = sum(line.group == group for line in lines)
        if count:
            found.append((str(group), telling.group(group), count))
    return found
