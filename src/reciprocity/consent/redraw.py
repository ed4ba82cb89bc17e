"""A brand file drawn anew: whose no it would no longer heed, and whose yes it would make wider.

An objection, or a no, covers what stands below its purpose when it is decided. A brand file that
takes a purpose out from below one of those above it would so undo what only the person may undo.
A yes to a behaviour is one to the events and fields that were kept, and for how long, when it was
said. Whoever puts a brand file in force asks here first.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from reciprocity.brand import BrandStatement, ancestors
from reciprocity.consent.state import Wishes
from reciprocity.model import ANYWHERE, EVERYTHING, OBSERVE, Basis, Behaviour, ConsentState, Id

__all__ = ["freed", "left_behind", "said_less", "unheeded", "widened", "without_asking"]

_AGAINST: Final = frozenset({ConsentState.REFUSED, ConsentState.WITHDRAWN})
_FOR: Final = frozenset({ConsentState.GIVEN, ConsentState.PENDING})


def left_behind(before: Iterable[BrandStatement], after: BrandStatement) -> dict[Id, frozenset[Id]]:
    """For each purpose of *after* what it stood below and would not any more; none left out empty.

    *before* are the statements until now, the newest first: a purpose that was away for a while is
    held against the newest that had it.
    """
    stood = _newest(before, lambda statement: statement.purposes)
    left = {
        name: frozenset(ancestors(stood[name], name)) - {*ancestors(after, name)}
        for name in sorted(after.purposes.keys() & stood.keys())
    }
    return {name: gone for name, gone in left.items() if gone}


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


def widened(before: Iterable[BrandStatement], after: BrandStatement) -> dict[Id, str]:
    """What each behaviour of *after* would keep that it does not by the newest statement with it.

    *before* as in `left_behind`. In words, for whoever is to be told; those that would keep no
    more are left out.
    """
    stood = _newest(before, lambda statement: statement.behaviours)
    found = {
        name: ", ".join(_more(stood[name].behaviours[name], told))
        for name, told in after.behaviours.items()
        if name in stood
    }
    return {name: more for name, more in found.items() if more}


def _newest(
    before: Iterable[BrandStatement], declared: Callable[[BrandStatement], Iterable[Id]]
) -> dict[Id, BrandStatement]:
    """For each id that was ever *declared* the newest statement with it."""
    stood: dict[Id, BrandStatement] = {}
    for statement in before:
        for name in declared(statement):
            stood.setdefault(name, statement)
    return stood


def _more(was: Behaviour, told: Behaviour) -> Iterator[str]:
    for what, names in (
        ("event", [one for one in told.events if one not in was.events]),
        ("field", [one for one in told.fields if one not in was.fields]),
    ):
        yield from (f"{what} {name!r}" for name in names)
    if told.keep_days > was.keep_days:
        yield f"{told.keep_days} days and not {was.keep_days}"


def said_less(wishes: Wishes, wider: Iterable[Id]) -> list[Id]:
    """Those behaviours in *wider* to which this person's yes stands, or waits."""
    stands = (wishes.answers, wishes.requests)
    answers = ((name, each.get(f"{name}/{OBSERVE}")) for name in wider for each in stands)
    found = (name for name, yes in answers if yes is not None and yes.state in _FOR)
    return list(dict.fromkeys(found))


def without_asking(
    before: Iterable[BrandStatement], after: BrandStatement
) -> dict[Id, frozenset[Id]]:
    """The purposes that rested on consent and would not any more, each with all that was above it.

    *before* as in `left_behind`.
    """
    stood = _newest(before, lambda statement: statement.purposes)
    return {
        name: frozenset(ancestors(stood[name], name))
        for name, told in sorted(after.purposes.items())
        if told.basis is not Basis.CONSENT
        and name in stood
        and stood[name].purposes[name].basis is Basis.CONSENT
    }


def unheeded(wishes: Wishes, unasked: Mapping[Id, Collection[Id]]) -> list[Id]:
    """The purposes in *unasked* to which, or above which, this person said no or objected."""
    noes = {key.rsplit("/", 1)[0] for key, no in wishes.answers.items() if no.state in _AGAINST}
    noes |= {key.rsplit("/", 1)[0] for key in wishes.objections}
    return [
        name for name, above in unasked.items() if not noes.isdisjoint({name, *above, EVERYTHING})
    ]


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
