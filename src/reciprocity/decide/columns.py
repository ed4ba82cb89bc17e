"""Columns: what decisions need of a person, each value once, however many messages ask for it.

The facts of a message are a few of these values and what the message itself settles (`lower`).
Values come from the very functions that `gather` makes facts with.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from reciprocity.consent.state import Point, Wishes
from reciprocity.decide.audience import compile_observer
from reciprocity.decide.facts import CONSENT_CODES
from reciprocity.decide.gather import (
    caps,
    consent_state,
    minute_of_day,
    objected,
    pause_until,
    quiet_ends_at,
    quiet_of,
    topic_level,
)
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.tree import Atom, Term
from reciprocity.journal.standing import Standing

__all__ = ["Column", "Layout", "layout_of"]

_ABSENT: Final = Point(version=0)
_FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "person": ("person_erased", "stated_age", "zone_offset", "minute_of_day"),
    "point": ("point_active", "point_confirmed", "point_bounced", "point_suppressed"),
    "pause": ("pause_active", "pause_until"),
    "caps": ("cap_7_used", "cap_7_most", "cap_30_used", "cap_30_most", "cap_free_at"),
    "quiet": ("quiet_from", "quiet_until", "quiet_ends_at"),
    "ground": ("objected", "consent_state"),
    "topic": ("topic_score",),
    "shared": ("attributes_shared",),
    "known": ("attributes_known",),
    "atom": ("in_audience",),
}
"""Each group of columns with the facts that its values are, or go into."""
_BOOLEANS: Final = frozenset((
    "person_erased", "point_active", "point_confirmed", "point_bounced", "point_suppressed",
    "pause_active", "objected", "attributes_shared", "attributes_known", "in_audience",
))  # fmt: skip


class Column(NamedTuple):
    """One value of a person: that of *fact* for *of*, a channel, ground, topic, attribute, atom."""

    fact: str
    of: str = ""

    @property
    def boolean(self) -> bool:
        """Is it a yes or no, not an integer?"""
        return self.fact in _BOOLEANS


Read = Callable[[Wishes, Standing, Mapping[str, object], int, int], tuple[int, ...]]
"""From wishes, standing, attributes, instant and zone offset to the values of some columns."""


class Layout(NamedTuple):
    """The columns of some messages in order, and how each run of them is read of a person."""

    columns: tuple[Column, ...]
    reads: tuple[Read, ...]

    def values(
        self, standing: Standing, attributes: Mapping[str, object], at: int, offset: int
    ) -> tuple[int, ...]:
        """A value for each column: of a person who is known and not erased, at *at*.

        *offset* are minutes that the person's clock is ahead of UTC.
        """
        found: list[int] = []
        wishes = standing.wishes
        for read in self.reads:
            found += read(wishes, standing, attributes, at, offset)
        return tuple(found)


def layout_of(messages: Sequence[Prepared]) -> Layout:
    """The columns that *messages*, at least one and all of one brand file, are decided by."""
    columns: list[Column] = []
    reads: list[Read] = []

    def take(group: str, names: Iterable[str], read: Read) -> None:
        columns.extend(Column(fact, name) for name in names for fact in _FACTS[group])
        reads.append(read)

    take("person", ("",), _person(messages[0].everyone_at_least))
    channels = {one.message.channel: one for one in messages}
    for name, one in channels.items():
        take("point", (name,), _point(name))
        take("pause", (name,), _pause(name))
        take("caps", (name,), _caps(one))
        take("quiet", (name,), _quiet(one))
    for key, one in {one.ground.key: one for one in messages}.items():
        take("ground", (key,), _ground(one))
    topics = dict.fromkeys(name for one in messages for name, _ in one.topics)
    if topics:
        take("topic", topics, _topics(tuple(topics), messages[0]))
    shared = dict.fromkeys(
        (one.message.purpose, name) for one in messages for name in sorted(one.named)
    )
    if shared:
        take("shared", map("/".join, shared), _shared(tuple(shared)))
    _attributes(messages, columns, reads)
    return Layout(tuple(columns), tuple(reads))


def _attributes(messages: Sequence[Prepared], columns: list[Column], reads: list[Read]) -> None:
    """Whether each attribute is known, and each atom's truth: one column each."""
    terms = {term.name: term for one in messages for term in one.attributes}
    if not terms:
        return
    atoms = tuple(
        atom
        for atom in dict.fromkeys(atom for one in messages for atom in one.atoms_read)
        if atom.name in terms
    )
    columns += [Column("attributes_known", name) for name in terms]
    columns += [Column("in_audience", atom.text) for atom in atoms]
    reads.append(_observed(tuple(terms.values()), atoms))


def _person(least: int) -> Read:
    def read(
        wishes: Wishes, standing: Standing, _: Mapping[str, object], at: int, offset: int
    ) -> tuple[int, ...]:
        leaving = standing.erased or wishes.erase_at != 0
        return leaving, max(wishes.age_at_least, least), offset, minute_of_day(at, offset)

    return read


def _point(channel: str) -> Read:
    def read(wishes: Wishes, *_: object) -> tuple[int, ...]:
        point = wishes.points.get(channel, _ABSENT)
        return point is not _ABSENT, point.confirmed, point.bounced, point.suppressed

    return read


def _pause(channel: str) -> Read:
    def read(
        wishes: Wishes, _standing: Standing, _: Mapping[str, object], at: int, _offset: int
    ) -> tuple[int, ...]:
        until = pause_until(wishes, channel)
        return until > at, until

    return read


def _caps(one: Prepared) -> Read:
    def read(
        wishes: Wishes, standing: Standing, _: Mapping[str, object], at: int, _offset: int
    ) -> tuple[int, ...]:
        return caps(one, wishes, standing.sent, at)

    return read


def _quiet(one: Prepared) -> Read:
    def read(
        wishes: Wishes, _: Standing, _attributes: Mapping[str, object], at: int, offset: int
    ) -> tuple[int, ...]:
        start, end = quiet_of(one, wishes)
        return start, end, quiet_ends_at(at, minute_of_day(at, offset), start, end)

    return read


def _ground(one: Prepared) -> Read:
    ground = one.ground

    def read(
        wishes: Wishes, _: Standing, _attributes: Mapping[str, object], at: int, _offset: int
    ) -> tuple[int, ...]:
        return objected(wishes, ground), CONSENT_CODES[consent_state(wishes, ground, at)]

    return read


def _topics(names: tuple[str, ...], one: Prepared) -> Read:
    def read(
        wishes: Wishes, _: Standing, _attributes: Mapping[str, object], at: int, _offset: int
    ) -> tuple[int, ...]:
        return tuple([topic_level(one, wishes, name, at) for name in names])

    return read


def _shared(pairs: tuple[tuple[str, str], ...]) -> Read:
    def read(wishes: Wishes, *_: object) -> tuple[int, ...]:
        shared = wishes.shared
        return tuple([name in shared.get(purpose, ()) for purpose, name in pairs])

    return read


def _observed(terms: tuple[Term, ...], atoms: tuple[Atom, ...]) -> Read:
    observe = compile_observer(terms, atoms)
    known_bits = [1 << bit for bit in range(len(terms))]
    atom_bits = [1 << bit for bit in range(len(atoms))]

    def read(
        _wishes: Wishes, _: Standing, attributes: Mapping[str, object], *_times: int
    ) -> tuple[int, ...]:
        known, mask = observe(attributes)
        return tuple(
            [known & bit != 0 for bit in known_bits] + [mask & bit != 0 for bit in atom_bits]
        )

    return read
