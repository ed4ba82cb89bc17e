"""What is new in a row, given what stands: the event to append, if any.

The laws decide (`consent/laws.py`): a row is put to them as an act, and only what changed by it is
written. A row that changes nothing gives no event, so importing a file twice changes nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reciprocity.brand import BrandStatement
from reciprocity.collect.rows import Called, Wanted
from reciprocity.collect.said import covered_purposes, covered_topics
from reciprocity.consent.fold import apply_act
from reciprocity.consent.laws import answer_key
from reciprocity.consent.state import Wishes
from reciprocity.events import Act, ConsentRow, Objection, PointSet
from reciprocity.journal.entry import Entry
from reciprocity.journal.standing import Standing
from reciprocity.model import ConsentState, Instant, Profile
from reciprocity.vault.people import canonical_address
from reciprocity.vault.profile import Value, told_at, told_in, with_attributes

__all__ = ["Drafts", "Known"]

KIND: Final = "person.imported"
METHOD: Final = "import"


class Known(Struct, frozen=True, kw_only=True, gc=False):
    """A person as they stand, with what the vault holds of them."""

    standing: Standing
    profile: Profile


class Drafts:
    """Drafts the events of one import, all in the name of *actor* and with one *source*."""

    def __init__(
        self,
        statement: BrandStatement,
        *,
        actor: str,
        source: str,
        now: Instant,
        digest: Callable[[str, str], bytes],
        by_import: Callable[[int, int], bool],
    ) -> None:
        """*by_import* tells of (slot, version) whether an import wrote that event."""
        self._statement, self._now = statement, now
        self._digest, self._by_import = digest, by_import
        self._actor, self._source = actor, source

    # -- people not known before --

    def first(self, wanted: Wanted) -> Entry:
        """The event by which the row's person becomes known, with all that it says of them."""
        said, called = wanted.said, wanted.called
        points = said.points
        act = Act(
            actor=self._actor,
            method=METHOD,
            source=self._source,
            evidence=said.evidence if said.gives else None,
            consent=said.takes + said.gives,
            objections=said.objections,
            topics=said.topics_now,
            language=said.language,
            time_zone=said.time_zone,
            points=tuple([points[channel] for channel in called.addresses]),
            shared=said.shared_now,
        )
        addresses = {channel: address.written for channel, address in called.addresses.items()}
        return Entry(
            kind=KIND,
            body=act,
            happened_at=said.happened_at,
            new=called.digests,
            profile=Profile(
                external_id=called.external_id, points=addresses, attributes=wanted.attributes
            ),
        )

    def first_refusal(
        self, wanted: Wanted, digests: tuple[tuple[str, bytes], ...] | None = None
    ) -> Entry:
        """As `first`, of what takes away alone, for whoever is found by *digests* (default all)."""
        digests = wanted.called.digests if digests is None else digests
        external_id = wanted.called.external_id if any(not each for each, _ in digests) else ""
        return Entry(
            kind=KIND,
            body=self._act(consent=wanted.said.takes, objections=wanted.said.objections),
            happened_at=0 if wanted.problem else wanted.said.happened_at,
            new=digests,
            profile=Profile(external_id=external_id),
        )

    # -- people known already --

    def refusal(self, wanted: Wanted, known: Known) -> Entry | None:
        """What the row takes away from a known person that still stands; None if nothing does."""
        said, wishes = wanted.said, known.standing.wishes
        points = tuple(
            PointSet(channel=channel, point=wishes.points[channel].version, bounced=True)
            for channel, point in said.points.items()
            if point.bounced and self._same(channel, wanted.called, known)
        )
        happened_at = 0 if wanted.problem else said.happened_at
        act = self._act(consent=said.takes, objections=said.objections, points=points)
        told = self._told(act, known, happened_at)
        if not (told.consent or told.objections or told.points):
            return None
        return self._entry(told, known, happened_at)

    def change(self, wanted: Wanted, known: Known) -> Entry | None:
        """What the row says of a known person that does not stand yet; None if all of it does."""
        said, wishes, profile = wanted.said, known.standing.wishes, known.profile
        has_yes = _yes(wishes, said.gives)
        points, addresses = self._points(wanted, known)
        act = self._act(
            consent=said.takes + said.gives,
            evidence=said.evidence,
            objections=said.objections,
            topics=covered_topics(said.topics, has_yes),
            language=said.language,
            time_zone=said.time_zone,
            points=points,
            shared=covered_purposes(said.shared, self._statement, has_yes),
        )
        told = self._told(act, known, said.happened_at)
        version = known.standing.version + 1
        after = with_attributes(profile, self._attributes(wanted, known), version)
        names = told_at(after, profile, version)
        after = replace(
            after,
            external_id=profile.external_id or wanted.called.external_id,
            points={**profile.points, **addresses},
        )
        if after == profile and told == self._act():
            return None
        return self._entry(
            replace(told, told=names),
            known,
            said.happened_at,
            profile=None if after == profile else after,
            index=self._index(wanted.called, known, addresses),
            unindex=self._unindex(known, addresses),
        )

    # -- parts --

    def _act(self, **parts: object) -> Act:
        return replace(Act(actor=self._actor, method=METHOD, source=self._source), **parts)

    def _entry(self, act: Act, known: Known, happened_at: Instant, **parts: object) -> Entry:
        entry = Entry(
            kind=KIND,
            body=act,
            slot=known.standing.slot,
            expect=known.standing.version,
            happened_at=happened_at,
        )
        return replace(entry, **parts)

    def _told(self, act: Act, known: Known, happened_at: Instant) -> Act:
        """Of *act* what changes something, once the laws had their say."""
        before, version = known.standing.wishes, known.standing.version + 1
        after = apply_act(before, KIND, act, self._now, happened_at, version)
        if after == before:
            return self._act()
        consent = tuple(row for row in act.consent if _moved(row, before.answers, after.answers)
                        or _moved(row, before.requests, after.requests))  # fmt: skip
        topics = {name: level for name, level in (act.topics or {}).items()
                  if before.topics.get(name) != after.topics.get(name)}  # fmt: skip
        shared = {purpose: names for purpose, names in (act.shared or {}).items()
                  if before.shared.get(purpose) != after.shared.get(purpose)}  # fmt: skip
        gives = any(row.state is ConsentState.GIVEN for row in consent)
        return self._act(
            consent=consent,
            evidence=act.evidence if gives else None,
            objections=tuple(
                each for each in act.objections
                if _moved(each, before.objections, after.objections)
            ),
            topics=topics or None,
            language=act.language if after.language != before.language else "",
            time_zone=act.time_zone if after.time_zone != before.time_zone else "",
            points=tuple(
                point for point in act.points
                if before.points.get(point.channel) != after.points.get(point.channel)
            ),
            shared=shared or None,
        )  # fmt: skip

    def _attributes(self, wanted: Wanted, known: Known) -> dict[str, Value]:
        """The row's values, but for those that somebody else than an import told or took back."""
        profile, slot = known.profile, known.standing.slot
        return {
            name: value
            for name, value in wanted.attributes.items()
            if profile.attributes.get(name) != value
            and (not (at := told_in(profile, name)) or self._by_import(slot, at))
        }

    def _points(self, wanted: Wanted, known: Known) -> tuple[tuple[PointSet, ...], dict[str, str]]:
        """News of the addresses, and the addresses that are new.

        An address that the person gave themselves stays, and so does its absence where they took
        it away: a file cannot know better where somebody wants to be reached.
        """
        told: list[PointSet] = []
        new: dict[str, str] = {}
        for channel, address in wanted.called.addresses.items():
            point = wanted.said.points[channel]
            active = known.standing.wishes.points.get(channel)
            if self._same(channel, wanted.called, known) and active is not None:
                told.append(replace(point, point=active.version))
            elif active is None and channel in known.profile.points:
                continue
            elif active is None or self._by_import(known.standing.slot, active.version):
                told.append(point)
                new[channel] = address.written
        return tuple(told), new

    def _same(self, channel: str, called: Called, known: Known) -> bool:
        """Is the address in force on *channel* the one that the row names?"""
        stands, address = known.profile.points.get(channel), called.addresses.get(channel)
        if stands is None or address is None or channel not in known.standing.wishes.points:
            return False
        return canonical_address(self._kind(channel), stands) == address.canonical

    def _kind(self, channel: str) -> str:
        return self._statement.channels[channel].kind

    def _index(
        self, called: Called, known: Known, addresses: Mapping[str, str]
    ) -> tuple[tuple[str, bytes], ...]:
        """By what else the person is found from now on."""
        named = called.external_id and not known.profile.external_id
        return tuple(
            (channel, digest)
            for channel, digest in called.digests
            if channel in addresses or (not channel and named)
        )

    def _unindex(self, known: Known, addresses: Mapping[str, str]) -> tuple[bytes, ...]:
        """By what the person is no longer found: old addresses that no channel uses any more."""
        if not addresses:
            return ()
        before = known.profile.points
        still = self._spellings({**before, **addresses})
        return tuple(self._digest(*each) for each in sorted(self._spellings(before) - still))

    def _spellings(self, points: Mapping[str, str]) -> set[tuple[str, str]]:
        """Each address once, as the index knows it: its channel's kind, its canonical spelling."""
        return {
            (self._kind(channel), canonical_address(self._kind(channel), text))
            for channel, text in points.items()
            if channel in self._statement.channels
        }


def _yes(wishes: Wishes, gives: tuple[ConsentRow, ...]) -> Callable[[str], bool]:
    """Is there a yes to a purpose or a behaviour, in what stands or in what is given now?"""
    found = {row.purpose for row in gives}
    found.update(
        key.rsplit("/", 1)[0]
        for key, answer in wishes.answers.items()
        if answer.state is ConsentState.GIVEN
    )
    return found.__contains__


def _moved(
    row: ConsentRow | Objection, before: Mapping[str, object], after: Mapping[str, object]
) -> bool:
    key = answer_key(row.purpose, row.channel)
    return before.get(key) != after.get(key)
