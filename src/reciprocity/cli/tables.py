"""Reports as tables and sentences: plan, send, audit, rules, why."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from reciprocity.cli.screen import bar, counted, day, hour, moment, plain_table, share
from reciprocity.decide.facts import FACTS
from reciprocity.decide.one import Why, meaning_of
from reciprocity.decide.rulebook import REASONS, Rulebook
from reciprocity.decide.tree import TermType
from reciprocity.deliver.campaign import MessageCounts, Plan
from reciprocity.deliver.run import SendReport
from reciprocity.listen.feedback import Said
from reciprocity.listen.funnel import Funnel
from reciprocity.model import Verdict
from reciprocity.platform import PromisesKept
from reciprocity.platform.campaigns import Listed
from reciprocity.platform.difference import Difference, Outcome
from reciprocity.prove.figures import Audit, Breach
from reciprocity.prove.published import Published

__all__ = [
    "audit_table",
    "audit_words",
    "audits_table",
    "breaches_table",
    "campaigns_table",
    "diff_table",
    "diff_words",
    "events_table",
    "feedback_table",
    "funnel_table",
    "in_order",
    "plan_head",
    "plan_table",
    "plan_words",
    "promises_table",
    "rules_table",
    "send_table",
    "why_table",
    "why_words",
]

_ORDER: Final = {reason.name: number for number, reason in enumerate(REASONS)}
_INSTANTS: Final = {fact.name for fact in FACTS if fact.type is TermType.INSTANT}
_MINUTES: Final = {"minute_of_day", "quiet_from", "quiet_until"}
_COLOURS: Final = {Verdict.DELIVER: "green", Verdict.WAIT: "yellow", Verdict.REFUSE: ""}


def in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """*counts* by reason, in the published order of reasons.

    >>> in_order({"quiet_time": 1, "brand:vip": 2, "refused": 3})
    [('refused', 3), ('brand:vip', 2), ('quiet_time', 1)]
    """
    return sorted(counts.items(), key=lambda one: (_place(one[0]), one[0]))


def _place(reason: str) -> int:
    family = reason.partition(":")[0]
    return _ORDER.get(reason, _ORDER.get(family, _ORDER.get(f"{family}:*", len(_ORDER))))


def plan_head(plan: Plan) -> str:
    """What is planned, for whom and as of when."""
    return (
        f"Campaign {plan.campaign} for {counted(plan.people, 'person', 'people')}, "
        f"as of {moment(plan.at)} and {counted(plan.position, 'event')}"
    )


def plan_table(plan: Plan) -> Table:
    """What each message of *plan* would meet, before choice: a row an outcome."""
    table = plain_table(
        "message", "outcome", "reason", "people", "share", "", numbers=("people", "share")
    )  # fmt: skip
    for name, counts in plan.messages.items():
        first = name
        for verdict, reason, count in _outcomes(counts):
            table.add_row(
                first,
                Text(verdict, style=_COLOURS[verdict]),
                reason,
                f"{count:,}",
                share(count, plan.people),
                Text(bar(count, plan.people), style=_COLOURS[verdict]),
            )
            first = ""
        table.add_section()
    return table


def _outcomes(counts: MessageCounts) -> Iterable[tuple[Verdict, str, int]]:
    yield Verdict.DELIVER, "", counts.deliver
    for verdict, reasons in ((Verdict.WAIT, counts.wait), (Verdict.REFUSE, counts.refuse)):
        for reason, count in in_order(reasons):
            yield verdict, reason, count


def plan_words(plan: Plan, *, then: bool = False, on_site: bool = False) -> str:
    """What the choice among messages comes to.

    *then* is for a plan of another instant than now, *on_site* for a campaign that pages show.
    """
    if not plan.messages:
        return (
            f"Campaign {plan.campaign} is ended and has no message: brand.toml has it no more, or "
            f"a restore ended it (`reciprocity gap resume {plan.campaign}`)."
        )
    chosen = ", ".join(f"{name} {count:,}" for name, count in plan.chosen.items())
    total = counted(sum(plan.chosen.values()), "message")
    when = "then" if then else "now"
    said = f"Pages would show {total} {when}" if on_site else f"{total} would be sent {when}"
    return (
        f"{said}, to nobody more than the campaign allows: {chosen}.\n"
        f"{counted(plan.unchosen, 'message')} would stand back for what matters more to the person."
    )


def diff_table(found: Difference) -> Table:
    """Who would be treated otherwise: a row a message, an outcome now and another one then."""
    table = plain_table(
        "message", "now", "then", "people", "share", "", numbers=("people", "share")
    )  # fmt: skip
    for one in found.moved:
        table.add_row(
            one.message,
            _outcome(one.before),
            _outcome(one.after),
            f"{one.people:,}",
            share(one.people, found.people),
            bar(one.people, found.people),
        )
    return table


def _outcome(told: Outcome) -> Text:
    verdict, reason = told
    return Text(f"{verdict}: {reason}" if reason else str(verdict), style=_COLOURS[verdict])


def diff_words(found: Difference) -> str:
    """What a new brand file comes to, in a sentence or two."""
    gains = sum(one.people for one in found.moved if one.after[0] is Verdict.DELIVER)
    losses = sum(one.people for one in found.moved if one.before[0] is Verdict.DELIVER)
    said = (
        f"Of {counted(found.people, 'person', 'people')}, as of {moment(found.at)}: "
        f"{counted(gains, 'message')} could be delivered that cannot now, {losses:,} could be no "
        "more. Nothing was changed."
    )
    lines = [said]
    if found.gone:
        lines.append(f"Only now: {', '.join(found.gone)}.")
    if found.added:
        lines.append(f"Only then: {', '.join(found.added)}.")
    return "\n".join(lines)


def send_table(report: SendReport) -> Table:
    """What a run of `send` came to: each person under one word, and letters stopped at the door."""
    table = plain_table(
        "outcome", "reason", "people", numbers=("people",), title=f"Campaign {report.campaign}"
    )
    table.add_row(Text("delivered", style="green"), "", f"{report.delivered:,}")
    table.add_row(Text("waiting", style="yellow"), "", f"{report.waiting:,}")
    for reason, count in in_order(report.refused):
        table.add_row("refused", reason, f"{count:,}")
    again = "at the door; decided anew, counted above" if report.cancelled else ""
    for what, why, count in (
        ("cancelled", again, report.cancelled), ("failed", "", report.failed),
    ):  # fmt: skip
        table.add_row(what, why, f"{count:,}")
    style = "red" if report.unknown else ""
    table.add_row(Text("unknown", style=style), "", f"{report.unknown:,}")
    return table


def audit_table(audit: Audit) -> Table:
    """The figures of an audit."""
    table = plain_table("audit", "", numbers=("",))
    if audit.since:
        table.add_row("of what is new since event", f"{audit.since:,}")
    latency = audit.withdrawal_to_last_send_ms
    style = "red" if audit.breaches else "green"
    table.add_row("deliveries replayed", f"{audit.deliveries:,}")
    table.add_row("deliveries to people erased since", f"{audit.erased:,}")
    table.add_row("breaches", Text(f"{len(audit.breaches):,}", style=style))
    table.add_row("near misses", f"{audit.near_misses:,}")
    table.add_row("withdrawals", f"{audit.withdrawals:,}")
    table.add_row("withdrawal to last possible send, median", f"{latency.p50:,} ms")
    table.add_row("... of 99 in 100", f"{latency.p99:,} ms")
    table.add_row("... at most", f"{latency.max:,} ms")
    table.add_row("events in the log", f"{audit.checkpoint.size:,}")
    return table


def audit_words(audit: Audit) -> str:
    """Under which signed checkpoint it was audited."""
    return f"under the log's checkpoint of root {audit.checkpoint.root}"


def audits_table(published: Sequence[Published]) -> Table:
    """Each published audit: when, what it was of, what it came to; nights missed before it."""
    table = plain_table(
        "audit", "published", "mode", "events", "deliveries", "erased", "breaches", "new",
        "near misses", "withdrawals", "at most", "missed",
        numbers=("audit", "events", "deliveries", "erased", "breaches", "new", "near misses",
                 "withdrawals", "at most", "missed"),
    )  # fmt: skip
    for one in published:
        said, latency = one.said, one.said.withdrawal_to_last_send_ms
        numbers = (
            said.size, said.deliveries, said.erased, sum(said.breaches.values()),
            one.new_breaches, said.near_misses, said.withdrawals,
        )  # fmt: skip
        missed = Text(str(said.missed or ""), style="red")
        table.add_row(
            str(said.number), moment(one.at), said.mode, *(f"{each:,}" for each in numbers),
            f"{latency.max:,} ms", missed,
        )  # fmt: skip
    return table


def breaches_table(breaches: Iterable[Breach]) -> Table:
    """Each breach with person, message and reason."""
    table = plain_table(
        "position", "breach", "person", "message", "reason", "decided",
        numbers=("position",), title="Breaches",
    )  # fmt: skip
    for one in breaches:
        table.add_row(
            str(one.position), one.kind, one.person, one.message, one.reason, moment(one.decided_at)
        )
    return table


def rules_table(rulebook: Rulebook) -> Table:
    """Every rule in its order."""
    table = plain_table("", "kind", "reason", "bases", "stops a message when", numbers=("",))
    for order, rule in enumerate(rulebook.rules, start=1):
        until = f" (until {rule.until})" if rule.until else ""
        table.add_row(str(order), rule.kind, rule.reason, " ".join(rule.bases), rule.when + until)
    return table


def campaigns_table(found: Sequence[Listed], at: int) -> Table:
    """Campaigns and their messages, a line each; where a campaign stands at *at*."""
    columns = ("campaign", "stands", "sent", "waiting", "message", "purpose", "subject")
    table = plain_table(*columns, numbers=("waiting",))
    for one in found:
        name = one.campaign + ("" if one.applied else " *")
        head = (name, _stands(one, at), moment(one.sent_at) or "not yet", f"{one.waiting:,}")
        if not one.messages:
            table.add_row(*head)
        for told in one.messages:
            purpose = f"{told.purpose} by {told.channel}"
            table.add_row(*head, told.message, purpose, told.subject)
            head = ("", "", "", "")
    return table


def _stands(one: Listed, at: int) -> str:
    if not one.in_force:
        return "not in force"
    if at < one.opens:
        return f"opens {day(one.opens)}"
    return f"open until {day(one.closes)}" if at < one.closes else f"closed {day(one.closes)}"


def funnel_table(requests: Sequence[Funnel]) -> Table:
    """What became of requests for a yes, with a bar of those confirmed."""
    names = ("asked", "mailed", "confirmed", "taken back", "run out", "waiting")
    table = plain_table("purpose", "channel", *names, "share confirmed", numbers=names)
    for one in requests:
        counts = (one.asked, one.mailed, one.confirmed, one.taken_back, one.ran_out, one.waits)
        shown = f"{bar(one.confirmed, one.asked)} {share(one.confirmed, one.asked)}"
        table.add_row(one.purpose, one.channel, *(f"{count:,}" for count in counts), shown)
    return table


def promises_table(found: Sequence[PromisesKept]) -> Table:
    """How promises stand, with a bar of those kept among those that are due."""
    names = ("people", "not kept", "kept", "wanted less", "first period")
    table = plain_table("proposition", "promise", *names, "share kept", numbers=names)
    for one in found:
        promise = f"{one.measure} {one.amount} in {one.period_days} days"
        counts = (one.people, len(one.short), one.kept, one.own_wish, one.running)
        due = one.kept + len(one.short)
        shown = f"{bar(one.kept, due)} {share(one.kept, due)}"
        table.add_row(one.proposition, promise, *(f"{count:,}" for count in counts), shown)
    return table


def feedback_table(messages: Sequence[Said]) -> Table:
    """What people said of messages, with a bar of those useful among all who said a word."""
    names = ("delivered", "useful", "not for me")
    table = plain_table("message", "occasion", *names, "share useful", numbers=names)
    for one in messages:
        said = one.useful + one.not_for_me
        counts = (one.delivered, one.useful, one.not_for_me)
        shown = f"{bar(one.useful, said)} {share(one.useful, said)}"
        table.add_row(one.message, one.occasion, *(f"{count:,}" for count in counts), shown)
    return table


def why_words(found: Why) -> str:
    """The decision in a sentence."""
    decision = found.decision
    if decision.verdict is Verdict.DELIVER:
        return f"{found.message}: deliver ({found.meaning}), unless another message matters more"
    until = f" until {moment(decision.until)}" if decision.until else ""
    rule = f"\nrule: {found.rule}" if found.rule else ""
    said = f"{found.message}: {decision.verdict}{until}, {decision.reason}"
    return f"{said}: {meaning_of(decision.reason)}{rule}"


def why_table(found: Why) -> Table:
    """The facts that decided."""
    table = plain_table("fact", "value")
    for fact in found.facts:
        table.add_row(fact.name, _read(fact.name, fact.value))
    return table


def _read(name: str, value: str) -> str:
    """The *value* of the fact *name* as people read it: instants and minutes of the day, too."""
    if name in _INSTANTS:
        return moment(int(value)) or ("never" if name == "cap_free_at" else "none")
    return hour(int(value)) if name in _MINUTES else value


def events_table(events: Iterable[Mapping[str, object]]) -> Table:
    """A person's verified events: when, what, and what it was about."""
    table = plain_table("version", "recorded", "event", "about", numbers=("version",))
    for event in events:
        body = event["body"] if isinstance(event["body"], dict) else {}
        said = body.get("consent")  # in an attempt the number of the event that said yes
        rows = said if isinstance(said, list) else []
        about = [f"{row['purpose']}/{row['channel']} {row['state']}" for row in rows]
        about += [str(body[name]) for name in ("message", "reason", "method") if name in body]
        at = event["at"] if isinstance(event["at"], int) else 0
        table.add_row(str(event["version"]), moment(at), str(event["kind"]), ", ".join(about))
    return table
