"""Sending a campaign from its plan to its last letter, and what must be woken later.

One sender at a time for a brand: a lock on a file, which the system gives back when its holder
dies. What a killed sender left behind is settled first: an attempt past its hand-over without an
outcome is `unknown`, said so, and never repeated.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.brand import OWN, campaign_body, own_campaign
from reciprocity.decide.one import Judged
from reciprocity.decide.prepare import Prepared, Statements
from reciprocity.decide.rulebook import Rulebook
from reciprocity.decide.statements import (
    CampaignInForce,
    campaign_in_force,
    prepare_all,
    statements_in_force,
)
from reciprocity.deliver.campaign import (
    Plan,
    Planned,
    furthest,
    is_on_site,
    make_plan,
    state_plan,
)
from reciprocity.deliver.channel import Transport
from reciprocity.deliver.email.dkim import DkimKey
from reciprocity.deliver.letters import Letters
from reciprocity.deliver.link import Entries, Links
from reciprocity.deliver.outbox import Outbox, Queued
from reciprocity.deliver.send import Sender
from reciprocity.errors import Conflict, InputError, Unavailable
from reciprocity.events import CampaignStated, Outcome
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.lease import lease
from reciprocity.model import Verdict

__all__ = [
    "Post",
    "SendReport",
    "send_campaign",
    "send_own",
    "send_waiting",
    "settle",
    "sole_sender",
    "to_queue",
]

_RENEW_MS: Final = 30 * 86_400_000


class SendReport(Struct, frozen=True, kw_only=True):
    """What a run of `send` came to, a person a count.

    *refused* has the reason of the message that got furthest; *cancelled* are letters stopped at
    the door, whose people were then decided anew; *unknown* are hand-overs, of this
    run or of one that was killed, of which nobody can say whether they happened.
    """

    campaign: str
    delivered: int
    waiting: int
    refused: dict[str, int]
    cancelled: int
    failed: int
    unknown: int


class Post(Struct, frozen=True, kw_only=True):
    """What sending needs besides the journal: queue, links, ways out, and where links lead."""

    journal: Journal
    outbox: Outbox
    links: Links
    transports: Mapping[str, Transport]
    signers: Mapping[str, DkimKey]
    base_url: str


@contextmanager
def sole_sender(folder: Path) -> Iterator[None]:
    """Nobody else sends for the brand in *folder* inside; raises `Unavailable` if somebody does."""
    with lease(folder / "send.lock") as held:
        if not held:
            raise Unavailable(
                "another process is sending for this brand: wait until it is done; nothing was sent"
            )
        yield


def settle(journal: Journal) -> dict[str, int]:
    """Say `unknown` of every attempt past its hand-over without an outcome; counts by occasion."""
    at, found = journal.clock(), Counter[str]()
    entries = []
    for kept in journal.everyone():
        for sent in kept.standing.sent:
            if not sent.outcome and sent.handover_by < at:
                body = Outcome(attempt=sent.version, reason="no_outcome")
                slot = kept.standing.slot
                entries.append([Entry(kind="delivery.unknown", body=body, slot=slot)])
                found[sent.occasion] += 1
    if entries:
        journal.append_many(entries)
    return dict(found)


def send_campaign(
    post: Post,
    campaign_id: str,
    *,
    actor: str,
    on_plan: Callable[[int, int], None] | None = None,
    on_sent: Callable[[int, int], None] | None = None,
) -> SendReport:
    """Plan *campaign_id* now, queue what was chosen, and send all that is due.

    *on_plan* and *on_sent* are told (done, of all). Raises `InputError` before anything is queued
    when a message cannot be written or its channel has no transport, `Unavailable` when another
    process is sending.
    """
    journal = post.journal
    with sole_sender(journal.folder):
        unknown = settle(journal).get(campaign_id, 0)
        statements, stated = statements_in_force(journal), campaign_in_force(journal, campaign_id)
        if is_on_site(statements.brand, stated.campaign):
            raise InputError(
                f"campaign {campaign_id} is for a site: its pages ask for it, so there is nothing "
                "to send; `reciprocity plan` says whom it may be shown to"
            )
        sender = _sender(post, statements, stated)
        refused = Counter[str]()
        queued = post.outbox.messages(campaign_id)
        plan, rows, stale = _queue(
            journal, campaign_id, statements.rulebook, refused, queued, on_plan
        )
        state_plan(journal, plan, actor)
        post.outbox.put(rows)
        post.outbox.settle(stale)
        sender = _drain(post, sender, campaign_id, on_sent)
        return _report(post, sender, campaign_id, refused, unknown)


def send_waiting(post: Post, on_sent: Callable[[int, int], None] | None = None) -> list[SendReport]:
    """Send whatever is due of every occasion that has something queued: what `tick` calls.

    An occasion of which all that is left is `unknown` is reported too. One that cannot be sent,
    because its messages no longer go with the brand file, stops none of the others; then the
    first such `InputError` is raised when they are done. A mail that a person asked for and that
    the brand file in force has no more is held back, like any message its campaign lost.
    """
    with sole_sender(post.journal.folder):
        unknown, reports = settle(post.journal), []
        trouble: InputError | None = None
        for occasion in sorted({*post.outbox.occasions(), *unknown}):
            try:
                stated = _stands(post.journal, occasion)
                sender = _sender(post, statements_in_force(post.journal), stated, occasion)
                sender = _drain(post, sender, occasion, on_sent)
            except InputError as error:
                trouble = trouble or error
                continue
            reports.append(_report(post, sender, occasion, Counter(), unknown.get(occasion, 0)))
        if trouble is not None:
            raise trouble
        return reports


def send_own(post: Post, slot: int, message: str, occurrence: str) -> SendReport:
    """Send one mail that the person in *slot* asked for just now; each *occurrence* only once.

    *message* is one of the campaign `own`, which is stated anew when it is about to end. It waits
    for no other sender: nobody else has its occasion, and were it so, the journal lets an attempt
    happen once. What the rules hold against it (erased, suppressed, no address) is in the report.
    """
    journal = post.journal
    stated = _own_in_force(journal)
    occasion = f"{OWN}/{occurrence}"
    sender = _sender(post, statements_in_force(journal), stated, occasion)
    post.outbox.put([Queued(occasion, slot, message, 0, 0)])
    sender = _drain(post, sender, occasion, None)
    return _report(post, sender, occasion, Counter(), 0)


def _stands(journal: Journal, occasion: str) -> CampaignInForce:
    """The campaign of *occasion*; `apply` keeps all in step but `own`, which is so when used."""
    campaign_id = occasion.partition("/")[0]
    return _own_in_force(journal) if campaign_id == OWN else campaign_in_force(journal, campaign_id)


def _own_in_force(journal: Journal) -> CampaignInForce:
    """The campaign `own`, stated (again) if the brand file's words changed or its year runs out."""
    brand, at = statements_in_force(journal).brand, journal.clock()
    wanted = own_campaign(brand, at)
    known = journal.in_force(f"campaign:{OWN}")
    if known is not None:
        stands = campaign_in_force(journal, OWN)
        if at + _RENEW_MS < stands.campaign.closes and (
            stands.campaign.messages == wanted.messages
        ):
            return stands
    body = CampaignStated(campaign=OWN, actor="system", body=msgspec.Raw(campaign_body(wanted)))
    journal.append([Entry(kind="campaign.stated", body=body, in_force=f"campaign:{OWN}")])
    return campaign_in_force(journal, OWN)


def _sender(
    post: Post, statements: Statements, stated: CampaignInForce, occasion: str = ""
) -> Sender:
    messages = prepare_all(statements, stated, occasion)
    journal = post.journal
    letters = Letters(
        statements.brand, post.links, post.signers, post.base_url, journal.state().origin,
        Entries(post.links, journal.digest),
    )  # fmt: skip
    for prepared in messages.values():
        letters.check(prepared)
        if prepared.message.channel not in post.transports:
            raise InputError(
                f"channel {prepared.message.channel!r} has no transport: add "
                f"[transports.{prepared.message.channel}] to brand.toml"
            )
    at = (statements.brand_at, statements.rulebook_at, statements.laws_at, stated.position)
    return Sender(journal, post.outbox, letters, post.transports, messages, at)


def _queue(
    journal: Journal,
    campaign_id: str,
    rulebook: Rulebook,
    refused: Counter[str],
    queued: Mapping[int, set[str]],
    on_plan: Callable[[int, int], None] | None,
) -> tuple[Plan, list[Queued], list[Queued]]:
    """The plan, rows to queue, and queued rows that made room for another message.

    A message that is *queued* already and refused by now makes room, or is to be said so.
    """
    order = {rule.reason: number for number, rule in enumerate(rulebook.rules)}
    rows: list[Queued] = []
    stale: list[Queued] = []

    def on_person(planned: Planned) -> None:
        mine = queued.get(planned.slot, set())
        chosen = to_queue(planned, mine)
        rows.extend(
            Queued(campaign_id, planned.slot, one.message_id, one.decision.until, one.draw)
            for one in chosen
        )
        old = mine - {one.message_id for one in chosen}
        (stale if chosen else rows).extend(
            Queued(campaign_id, planned.slot, name, 0, 0) for name in sorted(old)
        )
        if not chosen and planned.before and not mine:
            refused[furthest(planned.before, order).decision.reason] += 1

    plan = make_plan(journal, campaign_id, progress=on_plan, on_person=on_person)
    return plan, rows, stale


def to_queue(planned: Planned, queued: Collection[str]) -> list[Judged]:
    """The messages to queue for one person: those chosen, or the best of those that only wait.

    Where a message is *queued* already that may still come, the choice stands and only its time
    is new: a pause may have been taken back.
    """
    standing = [
        one
        for one in planned.before
        if one.message_id in queued and one.decision.verdict is not Verdict.REFUSE
    ]
    if standing:
        return standing
    chosen = [one for one in planned.after if one.decision.verdict is Verdict.DELIVER]
    waits = [one for one in planned.after if one.decision.verdict is Verdict.WAIT]
    if not chosen and waits:
        return [max(waits, key=lambda one: (one.score, one.message_id))]
    return chosen


def _drain(
    post: Post, sender: Sender, occasion: str, on_sent: Callable[[int, int], None] | None
) -> Sender:
    """Send all that is due; if the brand applies something meanwhile, go on under that."""
    done, total = 0, post.outbox.count(occasion)
    while True:
        try:
            took = sender.batch(occasion)
        except Conflict:
            stated = _stands(post.journal, occasion)
            renewed = _sender(post, statements_in_force(post.journal), stated, occasion)
            renewed.tally, renewed.refused = sender.tally, sender.refused
            renewed.stops = sender.stops
            sender = renewed
            continue
        if not took:
            return sender
        done += took
        if on_sent:
            on_sent(min(done, total), total)


def _report(
    post: Post, sender: Sender, occasion: str, refused: Counter[str], unknown: int
) -> SendReport:
    tally = sender.tally
    return SendReport(
        campaign=occasion,
        delivered=tally.delivered,
        waiting=post.outbox.count(occasion),
        refused=dict(sorted((refused + sender.refused).items())),
        cancelled=tally.cancelled,
        failed=tally.failed,
        unknown=tally.unknown + unknown,
    )


def prepared_for(journal: Journal, campaign_id: str) -> dict[str, Prepared]:
    """Every message of a campaign in force, prepared: what `why` asks about."""
    stated = campaign_in_force(journal, campaign_id)
    return prepare_all(statements_in_force(journal), stated)
