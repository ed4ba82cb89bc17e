"""What must hold of a proposition: it asks for what can be asked, and can keep what it promises."""

from reciprocity.brand.draft import Draft, refer
from reciprocity.brand.layout import ChannelTable
from reciprocity.brand.reader import Findings, join
from reciprocity.model import Basis, Measure, Proposition

__all__ = ["check_propositions"]


def check_propositions(draft: Draft, findings: Findings) -> None:
    """What is asked is declared and rests on consent; nothing is asked that nothing uses."""
    for name, told in draft.propositions.items():
        key = join("propositions", name)
        for purpose in told.purposes:
            refer(findings, f"{key}.purposes", "purposes", purpose)
            declared = draft.purposes.get(purpose)
            if declared is not None and (
                declared.basis is not Basis.CONSENT or not declared.channels
            ):
                findings.add(f"{key}.purposes", f"{purpose!r} is nothing to say yes to")
        for behaviour in told.behaviours:
            refer(findings, f"{key}.behaviours", "behaviours", behaviour)
        for topic in told.topics:
            refer(findings, f"{key}.topics", "topics", topic)
        used = {
            each
            for purpose in told.purposes
            if purpose in draft.purposes
            for each in draft.purposes[purpose].attributes
        }
        for attribute in told.attributes:
            refer(findings, f"{key}.attributes", "attributes", attribute)
            if attribute in draft.attributes and attribute not in used:
                findings.add(f"{key}.attributes", f"{attribute!r} is used by none of its purposes")
        _check_promises(draft, told, key, findings)
        measures = [benefit.measure for benefit in told.gives]
        if len(set(measures)) < len(measures):
            findings.add(f"{key}.gives", "promises one measure twice: keep the one that is meant")


def _check_promises(draft: Draft, told: Proposition, key: str, findings: Findings) -> None:
    """What is promised as a limit is enforced as one: the channels' caps allow no more."""
    channels = {
        channel
        for purpose in told.purposes
        if purpose in draft.purposes
        for channel in draft.purposes[purpose].channels
        if channel in draft.channels
    }
    for benefit in told.gives:
        if benefit.measure is not Measure.AT_MOST:
            continue
        most = sum(_allowed(draft.channels[name], benefit.period_days) for name in channels)
        if most > benefit.amount:
            findings.add(
                f"{key}.gives",
                f"promises at most {benefit.amount} in {benefit.period_days} days, and the caps of "
                f"{', '.join(sorted(channels))} let {most} come: lower `cap_30_days` or "
                "`cap_7_days`, or promise less",
            )


def _allowed(channel: ChannelTable, days: int) -> int:
    """How many the caps of *channel* let come in any *days*."""
    return min(channel.cap_7_days * -(-days // 7), channel.cap_30_days * -(-days // 30))
