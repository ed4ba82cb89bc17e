"""Two people who are known here found to be one: both records brought to the strictest wishes."""

from typing import Final

from msgspec.structs import replace

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.consent.draft import Drafted, Saying
from reciprocity.consent.join import METHOD, join
from reciprocity.errors import Conflict, InputError
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal

__all__ = ["join_people"]

_TRIES: Final = 8


def join_people(
    journal: Journal,
    brand: BrandStatement,
    laws: tuple[LawPack, ...],
    stays: int,
    other: int,
    *,
    actor: str,
) -> list[Appended]:
    """Bring the people in slots *stays* and *other* to the strictest wishes of both, in one act.

    Empty where both are as strict already: it can be said again and again. Both records stay, each
    found by what it was found by; nothing is granted, and nobody is erased. Raises `InputError` if
    the two are the same, or one of them asked to be erased; `Conflict` for one who is not known.
    """
    if stays == other:
        raise InputError("people to merge are one record already: name two")
    for _ in range(_TRIES):
        kept = journal.kept_many((stays, other))
        if len(kept) != len({stays, other}) or any(one.standing.erased for one in kept.values()):
            raise Conflict("person to merge is not known here, or erased")
        one, two = kept[stays].standing, kept[other].standing
        if one.wishes.erase_at or two.wishes.erase_at:
            raise InputError("person to merge asked to be erased: let that be done first")
        at = max(journal.clock(), journal.state().last_at)
        saying = Saying(brand=brand, laws=laws, actor=actor, method=METHOD, at=at)
        entries = [
            *_entries(join(saying, one.wishes, two.wishes), stays, one.version),
            *_entries(join(saying, two.wishes, one.wishes), other, two.version),
        ]
        if not entries:
            return []
        try:
            return journal.append(entries)
        except Conflict:
            continue  # one of the two said something meanwhile: look again
    raise Conflict("people's histories kept moving on: try again in a moment")


def _entries(drafts: list[Drafted], slot: int, version: int) -> list[Entry]:
    first = [Entry(kind=kind, body=body, slot=slot) for kind, body in drafts]
    return [replace(entry, expect=version + number) for number, entry in enumerate(first)]
