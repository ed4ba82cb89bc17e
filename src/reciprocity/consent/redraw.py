"""A tree of purposes drawn anew: whom it would free from a no that they said further up.

An objection, or a no, covers what stands below its purpose when it is decided. A brand file that
takes a purpose out from below one of those above it would so undo what only the person may undo;
whoever puts it in force asks here first.
"""

from collections.abc import Collection, Iterable, Mapping

from reciprocity.brand import BrandStatement, ancestors
from reciprocity.consent.state import Wishes
from reciprocity.model import ANYWHERE, EVERYTHING, ConsentState, Id

__all__ = ["freed", "left_behind"]

_AGAINST = frozenset({ConsentState.REFUSED, ConsentState.WITHDRAWN})
_FOR = frozenset({ConsentState.GIVEN, ConsentState.PENDING})


def left_behind(before: Iterable[BrandStatement], after: BrandStatement) -> dict[Id, frozenset[Id]]:
    """For each purpose of *after* what it stood below and would not any more; none left out empty.

    *before* are the statements until now, the newest first: a purpose that was away for a while is
    held against the newest that had it.
    """
    stood: dict[Id, tuple[Id, ...]] = {}
    for statement in before:
        for purpose in after.purposes.keys() & statement.purposes.keys() - stood.keys():
            stood[purpose] = ancestors(statement, purpose)
        if len(stood) == len(after.purposes):
            break
    left = {name: frozenset(was) - {*ancestors(after, name)} for name, was in stood.items()}
    return {name: gone for name, gone in sorted(left.items()) if gone}


def freed(wishes: Wishes, left: Mapping[Id, Collection[Id]]) -> list[Id]:
    """The purposes in *left* that a no of this person would cover no longer.

    That is an objection to a purpose left behind, unless one to the purpose itself, or to
    everything, stands on the same channels; and a no, to one left behind, that came after their
    yes and so holds it back.
    """
    return [
        name for name, gone in left.items()
        if _objected(wishes, name, gone) or _held_back(wishes, name, gone)
    ]  # fmt: skip


def _objected(wishes: Wishes, name: Id, gone: Collection[Id]) -> bool:
    return any(
        above in gone
        and wishes.objections.keys().isdisjoint(
            f"{other}/{where}" for other in (name, EVERYTHING) for where in (channel, ANYWHERE)
        )
        for above, channel in (key.rsplit("/", 1) for key in wishes.objections)
    )


def _held_back(wishes: Wishes, name: Id, gone: Collection[Id]) -> bool:
    for key, yes in wishes.answers.items():
        purpose, channel = key.rsplit("/", 1)
        if purpose != name or yes.state not in _FOR:
            continue
        for above in gone:
            no = wishes.answers.get(f"{above}/{channel}")
            if no is not None and no.state in _AGAINST and no.version > yes.version:
                return True
    return False
