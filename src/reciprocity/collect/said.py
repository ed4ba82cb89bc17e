"""What a row says apart from who it is about: found once for all rows whose cells are alike.

A file of millions says few different things: the same answers, topics, evidence and language come
again and again. So they are worked out once for each combination of the cells they depend on.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.brand.plausible import is_language, is_time_zone
from reciprocity.collect import mapping as told
from reciprocity.collect.conditions import Conditions
from reciprocity.consent.draft import validity_days, withdrawn_rows
from reciprocity.consent.laws import DAY_MS, OBSERVED
from reciprocity.consent.state import Wishes
from reciprocity.errors import InputError
from reciprocity.events import ConsentRow, Evidence, Objection, PointSet, TopicLevel
from reciprocity.model import Basis, ConsentState, Instant

__all__ = ["Said", "Sayings", "read_instant"]

MOST_KEPT: Final = 8_192
MOST_TEXT: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_REASON: Final = "import"


class Said(Struct, frozen=True, kw_only=True, gc=False):
    """What rows of one combination say.

    *takes* and *objections* take away, *gives* gives; *takes_away* says whether anything does.
    *topics* and *shared* are all that the row claims; *topics_now* and *shared_now* the part that
    a yes in this very row covers, which is all that may be taken of a person not known before.
    *unknown* are the columns whose cell is a word that no condition knows; *doubtful* says that one
    of these words may take something away. *problem* is why
    nothing but what takes away can be taken.
    """

    takes: tuple[ConsentRow, ...] = ()
    objections: tuple[Objection, ...] = ()
    gives: tuple[ConsentRow, ...] = ()
    evidence: Evidence | None = None
    happened_at: Instant = 0
    takes_away: bool
    topics: dict[str, TopicLevel]
    topics_now: dict[str, TopicLevel] | None
    shared: dict[str, tuple[str, ...]]
    shared_now: dict[str, tuple[str, ...]] | None
    points: dict[str, PointSet]
    language: str = ""
    time_zone: str = ""
    unknown: tuple[str, ...] = ()
    doubtful: bool = False
    problem: str = ""


class Sayings:
    """The mapping made ready for one file: from the cells of a row to what they say."""

    def __init__(
        self,
        mapping: told.Mapping,
        statement: BrandStatement,
        laws: Sequence[LawPack],
        columns: Sequence[str],
        now: Instant,
    ) -> None:
        """Make *mapping*, which fits *statement* and *columns*, ready; no instant is past *now*."""
        self._mapping, self._statement, self._now = mapping, statement, now
        self._days = {
            rule.purpose: validity_days(statement, laws, rule.purpose) for rule in mapping.consent
        }
        self._places = {name: place for place, name in enumerate(columns)}
        self._conditions = Conditions(mapping, self._places)
        self._holds = self._conditions.hold
        used = self._conditions.columns | _sources(mapping)
        self._used = [self._places[name] for name in sorted(used)]
        self._kept: dict[tuple[str, ...], Said] = {}

    def __call__(self, cells: Sequence[str]) -> Said:
        """What a row of *cells* says."""
        key = tuple([cells[place] for place in self._used])
        said = self._kept.get(key)
        if said is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            said = self._kept[key] = self._work_out(cells)
        return said

    def _work_out(self, cells: Sequence[str]) -> Said:
        mapping = self._mapping
        evidence, language, time_zone = None, "", ""
        unknown = self._conditions.unknown(cells)
        problem = doubt = self._conditions.doubt(cells, unknown)
        try:
            evidence = self._evidence(cells)
            language = self._plain(cells, mapping.language, "language", is_language)
            time_zone = self._plain(cells, mapping.time_zone, "time_zone", is_time_zone)
        except InputError as error:
            problem = problem or str(error)
        takes, gives = self._consent(cells, evidence.when if evidence else 0)
        yes = {row.purpose for row in gives}
        topics = {rule.topic: TopicLevel(level=rule.level, source=rule.source)
                  for rule in mapping.topics if self._holds(cells, rule.condition)}  # fmt: skip
        shared = self._shared()
        points = {channel: self._point(cells, channel) for channel in mapping.points}
        objections = tuple(
            Objection(purpose=rule.purpose, channel=rule.channel)
            for rule in mapping.objections
            if self._holds(cells, rule.condition)
        )
        return Said(
            takes=takes,
            objections=objections,
            takes_away=bool(takes or objections or any(p.bounced for p in points.values())),
            gives=gives,
            evidence=evidence,
            happened_at=evidence.when if evidence else 0,
            topics=topics,
            topics_now=covered_topics(topics, yes.__contains__) or None,
            shared=shared,
            shared_now=covered_purposes(shared, self._statement, yes.__contains__) or None,
            points=points,
            language=language,
            time_zone=time_zone,
            unknown=unknown,
            doubtful=bool(doubt),
            problem=problem,
        )

    # -- single cells --

    def _cell(self, cells: Sequence[str], column: str) -> str:
        return cells[self._places[column]].strip()

    def _plain(
        self,
        cells: Sequence[str],
        source: str | told.Constant,
        key: str,
        fits: Callable[[str], bool] = lambda text: len(text) <= MOST_TEXT,
    ) -> str:
        """The text of *source*, from its column or the same for all; empty for an empty cell."""
        if isinstance(source, told.Constant):
            return source.value
        text = self._cell(cells, source) if source else ""
        if text and not fits(text):
            raise InputError(f"column {source!r}: no {key.replace('_', ' ')} that is known here")
        return text

    # -- what is said --

    def _evidence(self, cells: Sequence[str]) -> Evidence | None:
        source = self._mapping.evidence
        if source is None:
            return None
        when = source.when
        moment = when if isinstance(when, told.Moment) else told.Moment(column=when)
        text = self._cell(cells, moment.column) if moment.column else moment.value
        at = read_instant(text, moment.format, moment.column) if text else 0
        if at > self._now:
            where = f"column {moment.column!r}" if moment.column else "evidence.when"
            raise InputError(f"{where}: an instant in the future; nobody can have said yes then")
        return Evidence(
            when=at,
            how=self._plain(cells, source.how, "evidence"),
            text=self._plain(cells, source.text, "evidence"),
        )

    def _consent(
        self, cells: Sequence[str], when: Instant
    ) -> tuple[tuple[ConsentRow, ...], tuple[ConsentRow, ...]]:
        """What is taken away and what is given; where a row says both, the no holds."""
        takes: dict[tuple[str, str], ConsentRow] = {}
        gives: dict[tuple[str, str], ConsentRow] = {}
        for rule in self._mapping.consent:
            if not self._holds(cells, rule.condition):
                continue
            if rule.state == "given":
                gives[rule.purpose, rule.channel] = ConsentRow(
                    purpose=rule.purpose, channel=rule.channel, state=ConsentState.GIVEN,
                    until=(when or self._now) + self._days[rule.purpose] * DAY_MS, reason=_REASON,
                )  # fmt: skip
            else:
                for row in self._taken(rule):
                    takes.setdefault((row.purpose, row.channel), row)
        given = tuple(row for key, row in gives.items() if key not in takes)
        return tuple(takes.values()), given

    def _taken(self, rule: told.ConsentRule) -> tuple[ConsentRow, ...]:
        """A refusal is of what was asked; a withdrawal reaches every purpose below it."""
        if rule.state == "refused":
            return (
                ConsentRow(purpose=rule.purpose, channel=rule.channel,
                           state=ConsentState.REFUSED, reason=_REASON),
            )  # fmt: skip
        hit = withdrawn_rows(self._statement, Wishes(), (rule.purpose,), (rule.channel,))
        return tuple(replace(row, reason=_REASON) if row.reason == "asked" else row for row in hit)

    def _shared(self) -> dict[str, tuple[str, ...]]:
        mine = {each.attribute for each in self._mapping.attributes}
        purposes = self._statement.purposes
        return {
            purpose: tuple(sorted(mine.intersection(purposes[purpose].attributes)))
            for purpose in self._mapping.shared_for
        }

    def _point(self, cells: Sequence[str], channel: str) -> PointSet:
        point = self._mapping.points[channel]
        confirmed = point.confirmed
        return PointSet(
            channel=channel,
            confirmed=confirmed if isinstance(confirmed, bool) else self._holds(cells, confirmed),
            bounced=point.bounced is not None and self._holds(cells, point.bounced),
        )


def covered_topics(
    topics: Mapping[str, TopicLevel], has_yes: Callable[[str], bool]
) -> dict[str, TopicLevel]:
    """Those of *topics* that were declared, or observed of a behaviour with a yes to looking."""
    return {
        topic: level
        for topic, level in topics.items()
        if not level.source.startswith(OBSERVED) or has_yes(level.source[len(OBSERVED) :])
    }


def covered_purposes(
    shared: Mapping[str, tuple[str, ...]], statement: BrandStatement, has_yes: Callable[[str], bool]
) -> dict[str, tuple[str, ...]]:
    """Of what is *shared*, the purposes with a yes, or that need none."""
    return {
        purpose: names
        for purpose, names in shared.items()
        if statement.purposes[purpose].basis is not Basis.CONSENT or has_yes(purpose)
    }


def read_instant(text: str, written: str, column: str) -> Instant:
    """The instant *text* in ms: days since 1970, or ISO 8601, where no offset means UTC.

    >>> read_instant("1970-01-02", "iso8601", ""), read_instant("1", "epoch_days", "")
    (86400000, 86400000)
    """
    try:
        if written == "epoch_days":
            days = int(text) if text.isascii() and text.isdigit() else -1
            at = days * DAY_MS if days < 1_000_000 else -1  # noqa: PLR2004  (the year 4707)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            at = (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        at = -1
    if at < 0:
        where = f"column {column!r}" if column else "evidence.when"
        expected = {"epoch_days": "days since 1970"}.get(written, "ISO 8601, such as 2026-03-01")
        raise InputError(f"{where}: no instant since 1970; expected {expected}")
    return at


def _sources(mapping: told.Mapping) -> set[str]:
    """The columns beside those of conditions that decide what is said."""
    sources: list[object] = [mapping.language, mapping.time_zone]
    if mapping.evidence is not None:
        when = mapping.evidence.when
        sources += [mapping.evidence.how, mapping.evidence.text,
                    when.column if isinstance(when, told.Moment) else when]  # fmt: skip
    return {source for source in sources if source and isinstance(source, str)}
