"""Audiences: the attributes of a person become atoms, and atoms become yes or no.

An atom is one comparison that names an attribute. Its truth is recorded with an attempt, as a bit,
so that a replay can judge the audience again without keeping anybody's attributes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, cast

from reciprocity.decide.compile import PYTHON, Printer, run
from reciprocity.decide.tree import Atom, Node, Term, TermType, atoms_of, names_of
from reciprocity.errors import InputError

__all__ = ["Observe", "compile_audience", "compile_observer", "day_number"]

Observe = Callable[[Mapping[str, object]], tuple[int, int]]
"""From attributes to two masks: which of them are known, and which atoms hold."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_KNOWN: Final = {
    TermType.INTEGER: "type(x) is int",
    TermType.BOOLEAN: "x is True or x is False",
    TermType.ENUM: "type(x) is str and x in w{0}",
    TermType.DAY: "x is not None",
}


def compile_observer(attributes: Sequence[Term], atoms: Sequence[Atom]) -> Observe:
    """A function that reads *attributes* and answers which are known, and which atoms hold.

    Attribute *i* of *attributes* is bit *i* of the first mask. Atom *i* of *atoms* becomes bit *i*
    of the second, and stays 0 if it names none of *attributes*. A value that
    is missing or not of its attribute's type is unknown, and makes its atoms false; since an atom
    may stand under a NOT, that alone would not be safe, so the rules refuse whenever an attribute
    is not known.
    """
    names: dict[str, object] = {"day_number": day_number}
    lines = ["def observe(attributes):", " known = 0", " mask = 0"]
    for number, term in enumerate(attributes):
        names[f"n{number}"], names[f"w{number}"] = term.name, frozenset(term.values)
        lines.append(f" x = attributes.get(n{number})")
        if term.type is TermType.DAY:
            lines.append(" x = day_number(x)")
        lines += [f" if {_KNOWN[term.type].format(number)}:", f"  known |= {1 << number}"]
        for bit, atom in enumerate(atoms):
            if atom.name == term.name:
                names[f"k{bit}"] = _constant(atom, term)
                operator = "in" if atom.operator == "IN" else PYTHON[atom.operator]
                lines.append(f"  if x {operator} k{bit}: mask |= {1 << bit}")
    lines.append(" return known, mask")
    return cast("Observe", run("\n".join(lines), names)["observe"])


def compile_audience(node: Node, atoms: Sequence[str]) -> Callable[[int], bool]:
    """A function from the mask of atoms to whether the audience holds; *node* names no fact.

    *atoms* lists the rulebook's atoms and then the message's, as the mask does. Raises
    `InputError` for a fact: what facts may stop is for rules.
    """
    foreign = names_of(node) - {atom.name for atom in atoms_of(node)}
    if foreign:
        raise InputError(
            f"audience names the fact {min(foreign)!r}: it may name attributes only; "
            "write a rule about facts"
        )
    source = f"def audience(a):\n return {Printer([], atoms).text(node)}"
    return cast("Callable[[int], bool]", run(source, {})["audience"])


def day_number(value: object) -> int | None:
    """A day, as 'YYYY-MM-DD' or days since 1970, as days since 1970; None if it is neither.

    >>> day_number("1970-01-03"), day_number(2), day_number("soon"), day_number(True)
    (2, 2, None, None)
    """
    if type(value) is int:
        return value
    if type(value) is not str:
        return None
    try:
        return date.fromisoformat(value).toordinal() - _EPOCH
    except ValueError:
        return None


def _constant(atom: Atom, term: Term) -> object:
    """What an attribute is compared with, as the observer holds values."""
    values = [day_number(value) if term.type is TermType.DAY else value for value in atom.values]
    return frozenset(values) if atom.operator == "IN" else values[0]
