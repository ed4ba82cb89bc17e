"""Planning a campaign: for everyone, what each message would meet, and which one is chosen.

A plan promises nothing: permission is decided anew in the instant before a message leaves. Its
refusals are not events; one statement with the position, the versions and the counts lets anyone
derive them again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.decide.choose import choose
from reciprocity.decide.one import Judged, decide_one
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.statements import (
    campaign_in_force,
    prepare_all,
    statements_in_force,
)
from reciprocity.decide.zones import zone_offset
from reciprocity.errors import InputError
from reciprocity.events import CampaignStated, canonical
from reciprocity.journal.cache import Kept
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import WEB, Campaign, Instant, Verdict

__all__ = [
    "MessageCounts",
    "Plan",
    "Planned",
    "counts_of",
    "furthest",
    "instant_of",
    "is_on_site",
    "make_plan",
    "state_plan",
    "survey",
]


def is_on_site(brand: BrandStatement, campaign: Campaign) -> bool:
    """Is *campaign* for a site: asked for by its pages, and never sent?"""
    return any(
        message.channel in brand.channels and brand.channels[message.channel].kind == WEB
        for message in campaign.messages.values()
    )


class MessageCounts(Struct, frozen=True, kw_only=True):
    """What one message would meet, before choice: the counts sum to the plan's people."""

    deliver: int
    wait: dict[str, int]
    refuse: dict[str, int]


class Plan(Struct, frozen=True, kw_only=True):
    """A campaign as it would go at *at*, on the journal up to *position* (exclusive).

    *chosen* counts, per message, the people it is the choice for; *unchosen* the messages that
    might have been delivered but for another one.
    """

    campaign: str
    at: int
    position: int
    people: int
    messages: dict[str, MessageCounts]
    chosen: dict[str, int]
    unchosen: int


class Planned(NamedTuple):
    """One person in a plan: before choice, and after it."""

    slot: int
    before: Sequence[Judged]
    after: Sequence[Judged]


def survey(
    people: Iterable[Kept], messages: Sequence[Prepared], at: int, time_zone: str, key: bytes
) -> Iterator[Planned]:
    """Each of *people*, every message decided for them and the choice made with *key*."""
    offsets = {"": zone_offset(time_zone, at)}
    for kept in people:
        if kept.standing.erased:
            continue
        before = decide_one(messages, kept.standing, kept.clear, at, _offset(kept, at, offsets))
        ready = any(each.decision.verdict is Verdict.DELIVER for each in before)
        after = choose(before, key, kept.standing.slot) if ready else before
        yield Planned(kept.standing.slot, before, after)


def _offset(kept: Kept, at: int, offsets: dict[str, int | None]) -> int | None:
    zone = kept.standing.wishes.time_zone
    if zone not in offsets:
        offsets[zone] = zone_offset(zone, at)
    return offsets[zone]


def furthest(judged: Sequence[Judged], order: dict[str, int]) -> Judged:
    """Of messages that all stop, the one that got furthest: the reason a person would be told."""
    return max(judged, key=lambda one: (order.get(one.decision.reason, -1), one.score))


def make_plan(
    journal: Journal,
    campaign_id: str,
    *,
    at: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_person: Callable[[Planned], None] | None = None,
) -> Plan:
    """The plan of *campaign_id* at *at* (now, by default); changes nothing.

    *progress* is told (people done, people); *on_person* sees everyone. An instant before the
    journal's last event is refused: the standing of then is not kept, a replay derives it.
    """
    at = instant_of(journal, at)
    statements = statements_in_force(journal)
    prepared = prepare_all(statements, campaign_in_force(journal, campaign_id))
    tallies = {name: Counter[tuple[Verdict, str]]() for name in prepared}
    chosen = Counter[str]()
    people, total = 0, journal.count() if progress else 0
    messages, zone = list(prepared.values()), statements.brand.time_zone
    with journal.population() as (position, everyone):
        for planned in survey(everyone, messages, at, zone, journal.keys.brand.draw):
            people += 1
            for one in planned.before:
                tallies[one.message_id][one.decision.verdict, one.decision.reason] += 1
            chosen.update(
                one.message_id for one in planned.after if one.decision.verdict is Verdict.DELIVER
            )
            if on_person:
                on_person(planned)
            if progress and people % 256 == 0:
                progress(people, total)
    if progress:
        progress(people, people)
    counts = {name: counts_of(tally) for name, tally in tallies.items()}
    deliverable = sum(each.deliver for each in counts.values())
    return Plan(
        campaign=campaign_id,
        at=at,
        position=position,
        people=people,
        messages=counts,
        chosen={name: chosen[name] for name in prepared},
        unchosen=deliverable - chosen.total(),
    )


def instant_of(journal: Journal, at: Instant | None) -> Instant:
    """The instant to plan at, now by default; raises `InputError` for one in the past."""
    last = journal.state().last_at
    at = max(journal.clock(), last) if at is None else at
    if at < last:
        raise InputError(
            "instant of a plan lies before the journal's last event: plan at a later one, or "
            "replay what was decided then with `reciprocity audit`"
        )
    return at


def counts_of(tally: Counter[tuple[Verdict, str]]) -> MessageCounts:
    """How often each (verdict, reason) was met, as a plan tells it."""
    by_verdict: dict[Verdict, dict[str, int]] = {Verdict.WAIT: {}, Verdict.REFUSE: {}}
    for (verdict, reason), count in sorted(tally.items()):
        by_verdict.setdefault(verdict, {})[reason] = count
    return MessageCounts(
        deliver=tally[Verdict.DELIVER, ""],
        wait=by_verdict[Verdict.WAIT],
        refuse=by_verdict[Verdict.REFUSE],
    )


def state_plan(journal: Journal, plan: Plan, actor: str) -> None:
    """Put *plan* on record: from the position and versions it names, anyone derives it again."""
    forced = statements_in_force(journal)
    body = CampaignStated(
        campaign=plan.campaign,
        actor=actor,
        stated=(forced.brand_at, forced.rulebook_at, forced.laws_at),
        body=msgspec.Raw(canonical(plan)),
    )
    journal.append([Entry(kind="campaign.planned", body=body)])
