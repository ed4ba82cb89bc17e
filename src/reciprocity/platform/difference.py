"""What another brand file would change, for everyone, before it is applied.

Each person is decided twice for each message that both files have: by what is in force, or another
file, and by the new one, at the same instant and from the same standing. Nothing is written.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from reciprocity.brand import law_packs, load
from reciprocity.decide.live import Live
from reciprocity.decide.one import Judged, decide_one
from reciprocity.decide.prepare import Prepared, Statements
from reciprocity.decide.rulebook import first_rulebook
from reciprocity.decide.statements import CampaignInForce, prepare_all
from reciprocity.decide.zones import zone_offset
from reciprocity.journal.cache import Kept
from reciprocity.journal.journal import Journal
from reciprocity.model import Id, Verdict

__all__ = ["Difference", "Moved", "Outcome", "Side", "difference", "side_in_force", "side_of_file"]

Outcome = tuple[Verdict, str]
"""A verdict and its reason, which is empty for `deliver`."""
Side = Mapping[Id, Prepared]
"""One of the two: its messages by their ids, as they would be decided."""


class Moved(Struct, frozen=True, kw_only=True):
    """How many *people* a message would meet with another outcome, and which."""

    message: Id
    before: Outcome
    after: Outcome
    people: int


class Difference(Struct, frozen=True, kw_only=True):
    """What changes for *people* at *at*, most people first.

    *before* and *after* count every message's outcomes; *gone* and *added* are the messages that
    only one of the files has, of which nobody is decided.
    """

    at: int
    people: int
    moved: tuple[Moved, ...]
    before: dict[Id, dict[str, int]]
    after: dict[Id, dict[str, int]]
    gone: tuple[Id, ...]
    added: tuple[Id, ...]


def side_in_force(journal: Journal) -> Side:
    """What is in force."""
    return {one.prepared.message_id: one.prepared for one in Live(journal).now().messages}


def side_of_file(folder: Path) -> Side:
    """What the brand file in *folder* would put in force; `InputError` for one with faults."""
    brand = load(folder)
    statements = Statements(
        brand=brand.statement,
        rulebook=first_rulebook(brand.statement),
        laws=law_packs(brand.statement.laws),
    )
    found: dict[Id, Prepared] = {}
    for name, campaign in brand.campaigns.items():
        stated = CampaignInForce(campaign_id=name, campaign=campaign, position=-1)
        found |= prepare_all(statements, stated)
    return found


def difference(
    journal: Journal,
    before: Side,
    after: Side,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Difference:
    """Everyone decided by both sides; *progress* is told (people done, people)."""
    at, total = max(journal.clock(), journal.state().last_at), journal.count()
    both = [name for name in before if name in after]
    sides = [[side[name] for name in both] for side in (before, after)]
    counts: tuple[Counter[tuple[Id, Outcome]], ...] = (Counter(), Counter())
    moved, people = Counter[tuple[Id, Outcome, Outcome]](), 0
    with journal.population() as (_, everyone):
        for kept in everyone:
            if kept.standing.erased:
                continue
            people += 1
            told = [_outcomes(side, kept, at) for side in sides]
            for name, old, new in zip(both, *told, strict=True):
                counts[0][name, old] += 1
                counts[1][name, new] += 1
                if old != new:
                    moved[name, old, new] += 1
            if people % 256 == 0:
                progress(people, total)
    progress(people, people)
    return Difference(
        at=at,
        people=people,
        moved=tuple(
            Moved(message=name, before=old, after=new, people=count)
            for (name, old, new), count in sorted(moved.items(), key=lambda row: (-row[1], row[0]))
        ),
        before=_counted(counts[0], both),
        after=_counted(counts[1], both),
        gone=tuple(name for name in before if name not in after),
        added=tuple(name for name in after if name not in before),
    )


def _outcomes(messages: list[Prepared], kept: Kept, at: int) -> list[Outcome]:
    offset = zone_offset(kept.standing.wishes.time_zone, at)
    return [_outcome(one) for one in decide_one(messages, kept.standing, kept.clear, at, offset)]


def _outcome(judged: Judged) -> Outcome:
    return judged.decision.verdict, judged.decision.reason


def _counted(counts: Counter[tuple[Id, Outcome]], messages: list[Id]) -> dict[Id, dict[str, int]]:
    """By message and by reason, `deliver` for none."""
    found: dict[Id, dict[str, int]] = {name: {} for name in messages}
    for (name, (_, reason)), count in sorted(counts.items()):
        found[name][reason or str(Verdict.DELIVER)] = count
    return found
