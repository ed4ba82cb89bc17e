"""Putting a brand file in force: all that it says becomes statements of one act in the log.

What people said is heeded: a file that would undo a no, or make a yes wider, is refused
(`consent/redraw.py`), and so is one by which somebody could get a message twice (`release`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from reciprocity.brand import (
    Brand,
    BrandStatement,
    law_packs,
    notice_hash,
    statement_body,
    statement_hash,
)
from reciprocity.collect.proposition import notice_id, notices_of
from reciprocity.consent.redraw import (
    freed,
    left_behind,
    said_less,
    unheeded,
    widened,
    without_asking,
)
from reciprocity.decide.many.named_views import drop_views
from reciprocity.decide.rulebook import first_rulebook
from reciprocity.deliver.release import campaigns_to_state, resumed
from reciprocity.errors import InputError, Unavailable
from reciprocity.events import OperatorActed, Stated, canonical
from reciprocity.journal.cache import Kept
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Id

__all__ = ["put_in_force", "resume"]

_statement: Final = msgspec.json.Decoder(BrandStatement)
_LOOKS: Final = 5


def put_in_force(journal: Journal, brand: Brand, actor: str) -> list[str]:
    """State in *journal* what changed in *brand*; the names of it. See `Reciprocity.apply`.

    A campaign that ended changed, too: its name is among them, stated without messages.
    """
    statement, forced = brand.statement, journal.in_force
    _heed(journal, statement)
    wanted = {
        "brand": ("brand.applied", statement_body(statement)),
        "rulebook": ("rulebook.applied", canonical(first_rulebook(statement))),
        "laws": ("laws.applied", canonical(law_packs(statement.laws))),
    }
    entries = []
    for name, (kind, body) in wanted.items():
        if (known := forced(name)) is None or bytes(known[1]) != body:
            entries.append(_stated(kind, name, body))
    for called, notice in statement.notices.items():
        for language, text in notice.text.items():
            name = f"notice:{notice_hash(called, language, text)}"
            if forced(name) is None:
                body = canonical({"id": called, "language": language, "text": text})
                entries.append(_stated("notice.published", name, body))
    for terms in notices_of(statement, law_packs(statement.laws)):
        name = f"notice:{terms.notice}"
        if forced(name) is None:
            told = {"id": notice_id(terms.proposition), "language": terms.language,
                    "text": terms.text}  # fmt: skip
            entries.append(_stated("notice.published", name, canonical(told)))
    with campaigns_to_state(journal, brand.campaigns, actor) as stated:
        return _put(journal, [*entries, *stated], actor)


def resume(journal: Journal, brand: Brand, campaign: Id, actor: str) -> None:
    """Put *campaign* in force again after a restore: *actor* says that none of it had left.

    Raises `InputError` for one that the brand file does not have, or that does not wait for such
    a word.
    """
    told = brand.campaigns.get(campaign)
    if told is None:
        raise InputError(f"campaign {campaign[:64]!r} is not in brand.toml")
    journal.append(resumed(journal, campaign, told, actor))


def _put(journal: Journal, entries: list[Entry], actor: str) -> list[str]:
    """Append *entries*, and who did it, which is for auditors: the statements are public."""
    names = [entry.in_force for entry in entries]
    if entries:
        detail = msgspec.Raw(canonical({"names": names}))
        who = OperatorActed(actor=actor, act="apply", detail=detail)
        with _views_away(journal, names):
            journal.append([*entries, Entry(kind="operator.acted", body=who)])
    return names


class _Undone:
    """What a brand file would undo, and of how many people, as far as they were looked at."""

    def __init__(self, before: Sequence[BrandStatement], after: BrandStatement) -> None:
        self.left, self.wider = left_behind(before, after), widened(before, after)
        self.unasked = without_asking(before, after)
        self._freed, self._said_less = Counter[str](), Counter[str]()
        self._unheeded = Counter[str]()

    def look(self, people: Iterable[Kept]) -> None:
        """Count what *people* said that would be undone."""
        for kept in people:
            if not kept.standing.erased:
                wishes = kept.standing.wishes
                self._freed.update(freed(wishes, self.left))
                self._said_less.update(said_less(wishes, self.wider))
                self._unheeded.update(unheeded(wishes, self.unasked))

    def problems(self) -> tuple[str, ...]:
        """A line for each, in words."""
        return (
            *_of_noes(self.left, self._freed),
            *_of_yeses(self.wider, self._said_less),
            *(f"purpose {name} would rest on consent no longer, and people who said no to it, or "
              f"above it, or objected ({count}) could be written to: give what needs no consent "
              "an id of its own" for name, count in sorted(self._unheeded.items())),
        )  # fmt: skip


def _heed(journal: Journal, statement: BrandStatement) -> None:
    """Raise `InputError` if *statement* would undo somebody's no, or make their yes wider.

    Everybody is looked at, and whoever was written of meanwhile again, but only where a purpose
    leaves what it stood below or asks no longer, or a behaviour keeps more than it did. Raises
    `Unavailable` where people write faster than they can be looked at.
    """
    before = [
        _statement.decode(told.body.body)
        for told in reversed(journal.statements())
        if told.kind == "brand.applied" and isinstance(told.body, Stated)
    ]
    undone = _Undone(before, statement)
    if not (undone.left or undone.wider or undone.unasked):
        return
    seen = journal.state().size
    undone.look(journal.everyone())
    for _ in range(_LOOKS):
        if problems := undone.problems():
            raise InputError(problems[0], problems)
        size = journal.state().size
        if size == seen:
            return
        with journal.reading() as reader:
            moved = {row.slot for row in reader.rows(seen, size) if row.slot is not None}
        seen = size
        undone.look(journal.kept_many(sorted(moved)).values())
    raise Unavailable(
        "brand file takes something away that people may have said no to, and they write faster "
        "than they can be looked at: apply it in a quieter moment; nothing was done"
    )


def _of_noes(left: Mapping[str, frozenset[str]], people: Counter[str]) -> Iterator[str]:
    for name, count in sorted(people.items()):
        yield (
            f"purpose {name} would stand below {' and '.join(sorted(left[name]))} no longer, and "
            f"people whose no or objection there covers it ({count}) could be written to: keep it "
            "below, or give it an id of its own and ask them"
        )


def _of_yeses(wider: Mapping[str, str], people: Counter[str]) -> Iterator[str]:
    for name, count in sorted(people.items()):
        yield (
            f"behaviour {name} would keep more than people said yes to ({count} of them): "
            f"{wider[name]}; declare that as a behaviour of its own and ask them"
        )


@contextmanager
def _views_away(journal: Journal, names: Collection[str]) -> Iterator[None]:
    """Around the act: views rest on what was in force, and one may be made while it is done."""
    judged_anew = not {"brand", "laws"}.isdisjoint(names)
    if judged_anew:
        drop_views(journal.folder)
    yield
    if judged_anew:
        drop_views(journal.folder)


def _stated(kind: str, name: str, body: bytes) -> Entry:
    stated = Stated(name=name, hash=statement_hash(name, body), body=msgspec.Raw(body))
    return Entry(kind=kind, body=stated, in_force=name)
