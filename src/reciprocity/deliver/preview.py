"""The live preview of the preference centre: "of 11 messages, 4 would have reached you".

The campaigns of the last days are gone through once more for one person, under changed choices;
nothing is sent and nothing is written. Without changes the preview equals what really happened.

What history cannot tell is read strictly:

- When nobody looked at the outbox, nothing in it is supposed to have been sent: what was due and
  has no record is `not_sent`. If a sender was killed before it reached the person, it does not
  reach them in supposition either.
- A value of an attribute that was corrected or taken back later is unknown before that, unless an
  attempt of the time recorded what was seen, or the changes share it anew.
- An outbox that was lost is not noticed: what had waited in it may be supposed to come.

Where an attempt is only supposed, nothing is known of its outcome: it counts as having reached.
A contact point that really bounced stays bounced from then on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from reciprocity.decide.prepare import DAY_MS
from reciprocity.decide.statements import statements_in_force
from reciprocity.deliver.course import NOT_SENT, Fate
from reciprocity.deliver.planned import Timeline
from reciprocity.deliver.rerun import Rerun
from reciprocity.deliver.suppose import Changes, supposed
from reciprocity.deliver.values import Values
from reciprocity.errors import InputError
from reciprocity.journal.journal import Journal
from reciprocity.model import Instant, Verdict

__all__ = ["Changes", "Fate", "Preview", "Previewed", "Previews", "Totals", "preview"]

MOST_DAYS: Final = 366
_NO_CHANGES: Final = Changes()
_NOTHING: Final = Fate(verdict=Verdict.REFUSE, reason=NOT_SENT)


class Previewed(Struct, frozen=True, kw_only=True):
    """One message of the time: *would* under the changes, *did* in reality.

    *title* is the campaign's, *subject* the message's template, with nobody's attributes in it.
    """

    campaign: str
    title: str
    message: str
    subject: str
    channel: str
    would: Fate
    did: Fate


class Totals(Struct, frozen=True, kw_only=True):
    """Of *messages*, how many reach the person, and how many do not by the reason."""

    messages: int
    would_reach: int
    did_reach: int
    would_not: dict[str, int]
    did_not: dict[str, int]


class Preview(Struct, frozen=True, kw_only=True):
    """Every message that could have reached anybody from *since* on and before *until* is over.

    Messages are in the order in which they were first planned. Those that need no consent (an
    order, a recall) are among them, and stay as they were.
    """

    since: Instant
    until: Instant
    messages: tuple[Previewed, ...]
    totals: Totals


class Previews:
    """Previews from one journal: keeps what is the same for everyone. May be shared by threads."""

    def __init__(self, journal: Journal) -> None:
        """Of *journal*, to which nothing is ever written from here."""
        self._journal, self._timeline = journal, Timeline(journal)

    def preview(
        self,
        slot: int,
        changes: Changes = _NO_CHANGES,
        *,
        until: Instant | None = None,
        days: int = 30,
    ) -> Preview:
        """What *changes* would have let through in the *days* before *until* (now, by default).

        *changes* are laid over what the person in *slot* wished at each instant, as though just
        said: what they do not speak of stays as it was at the time. Messages supposed to be
        delivered count towards the caps and limits of later ones; real ones count only in so far
        as they are supposed too, went before the time began, or need no consent.

        Raises `InputError` for a person who is unknown or erased, for changes that the brand in
        force does not allow, and for a time that is not over yet.
        """
        journal = self._journal
        size, now = self._timeline.catch_up(), max(journal.clock(), journal.state().last_at)
        until = now if until is None else until
        if not 0 <= until <= now or not 1 <= days <= MOST_DAYS:
            raise InputError(
                f"preview looks back on 1 to {MOST_DAYS} days that are over: name a time before now"
            )
        kept, since = journal.kept(slot), until - days * DAY_MS
        history = [told for told in journal.history(slot) if told.position < size]
        if kept is None or kept.standing.erased or not history:
            raise InputError("person is unknown or erased: there is nothing to look back on")
        wishes = kept.standing.wishes
        changed = changes != _NO_CHANGES
        acts = supposed(changes, statements_in_force(journal), wishes, since) if changed else ()
        shared = {name for names in changes.shared.values() for name in names}
        rerun = Rerun(
            self._timeline, slot, Values(journal.profile(slot), history, shared), acts,
            draw=journal.keys.brand.draw, since=since, until=until,
        )  # fmt: skip
        rerun.run(history)
        messages = tuple(self._told(rerun))
        return Preview(since=since, until=until, messages=messages, totals=_totals(messages))

    def _told(self, rerun: Rerun) -> Iterator[Previewed]:
        for occasion, name in dict.fromkeys((*rerun.did.fates, *rerun.would.fates)):
            key = occasion, name
            if key not in rerun.stated:  # held without ever having been planned for
                continue
            campaign = self._timeline.campaign(rerun.stated[key])
            message = campaign.messages[name]
            yield Previewed(
                campaign=occasion,
                title=campaign.title,
                message=name,
                subject=message.subject,
                channel=message.channel,
                would=rerun.would.fates.get(key, _NOTHING),
                did=rerun.did.fates.get(key, _NOTHING),
            )


def preview(
    journal: Journal,
    slot: int,
    changes: Changes = _NO_CHANGES,
    *,
    until: Instant | None = None,
    days: int = 30,
) -> Preview:
    """See `Previews.preview`; whoever answers often keeps a `Previews`, which reads less."""
    return Previews(journal).preview(slot, changes, until=until, days=days)


def _totals(messages: Iterable[Previewed]) -> Totals:
    would, did = [each.would for each in messages], [each.did for each in messages]
    return Totals(
        messages=len(would),
        would_reach=sum(each.reached for each in would),
        did_reach=sum(each.reached for each in did),
        would_not=_reasons(would),
        did_not=_reasons(did),
    )


def _reasons(fates: Iterable[Fate]) -> dict[str, int]:
    """Those that did not reach, by reason; one that left in vain by what became of it."""
    found = Counter(each.reason or each.outcome for each in fates if not each.reached)
    return dict(sorted(found.items()))
