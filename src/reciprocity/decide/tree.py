"""What a condition is once it is read: a small typed tree, from which everything is printed."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reciprocity.errors import InputError

__all__ = [
    "All",
    "Always",
    "Among",
    "Atom",
    "Compare",
    "Node",
    "Not",
    "Some",
    "Term",
    "TermType",
    "Truth",
    "atoms_of",
    "check_atoms",
    "names_of",
]

MOST_ATOMS: Final = 53
"""Their truth is recorded as one integer, which every reader of JSON must keep as it is."""


class TermType(StrEnum):
    """What a name in a rule stands for; an *instant* is an integer of milliseconds."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    INSTANT = "instant"
    ENUM = "enum"
    DAY = "day"


class Term(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name that rules may use: a fact, or (*source* `attribute`) an attribute of the brand.

    Attributes of source `sensitive` are listed only to be refused by name. *values* are the
    published values of an enum; a fact's code is its position among them.
    """

    name: str
    type: TermType
    source: str
    values: tuple[str, ...] = ()


class Always(Struct, frozen=True):
    """TRUE or FALSE."""

    value: bool


class Truth(Struct, frozen=True):
    """A boolean fact by itself."""

    name: str


class Compare(Struct, frozen=True):
    """Two numbers compared: each a fact's name, an integer, or an enum's code."""

    left: str | int
    operator: str
    right: str | int


class Among(Struct, frozen=True):
    """A fact that is one of some integers or codes."""

    name: str
    values: tuple[int, ...]


class Atom(Struct, frozen=True):
    """A comparison that names an attribute: an *atom*, recorded as true or false.

    *text* is its one spelling. Values are integers, booleans or, for enums and days, text.
    """

    name: str
    operator: str
    values: tuple[int | str, ...]
    text: str


class Not(Struct, frozen=True):
    """The contrary of a condition."""

    part: "Node"


class All(Struct, frozen=True):
    """Conditions joined by AND."""

    parts: tuple["Node", ...]


class Some(Struct, frozen=True):
    """Conditions joined by OR."""

    parts: tuple["Node", ...]


Node = Always | Truth | Compare | Among | Atom | Not | All | Some


def names_of(node: Node) -> frozenset[str]:
    """The facts and attributes that *node* names."""
    match node:
        case Truth(name) | Among(name, _) | Atom(name, _, _, _):
            return frozenset((name,))
        case Compare(left, _, right):
            return frozenset(side for side in (left, right) if isinstance(side, str))
        case Not(part):
            return names_of(part)
        case All(parts) | Some(parts):
            return frozenset().union(*map(names_of, parts))
        case _:
            return frozenset()


def atoms_of(node: Node) -> tuple[Atom, ...]:
    """The distinct atoms of *node*, in the order of the text."""
    match node:
        case Atom():
            return (node,)
        case Not(part):
            return atoms_of(part)
        case All(parts) | Some(parts):
            return tuple(dict.fromkeys(atom for part in parts for atom in atoms_of(part)))
        case _:
            return ()


def check_atoms(atoms: Sequence[Atom], where: str) -> None:
    """Raise `InputError` if *atoms* are more than one mask can hold, for whoever wrote *where*."""
    if len(atoms) > MOST_ATOMS:
        raise InputError(
            f"{where} compares attributes in {len(atoms)} ways, expected at most {MOST_ATOMS}: "
            "write a simpler condition"
        )
