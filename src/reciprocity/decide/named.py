"""Which attributes a condition names: what `check` asks before anything is in force."""

from reciprocity.brand import BrandStatement
from reciprocity.decide.facts import TERMS
from reciprocity.decide.language import parse
from reciprocity.decide.rulebook import attribute_terms
from reciprocity.decide.tree import atoms_of, check_atoms, names_of

__all__ = ["attributes_named"]


def attributes_named(statement: BrandStatement, condition: str) -> frozenset[str]:
    """The attributes that *condition* names, the sensitive ones too.

    Raises `InputError` when it is outside the closed language or names what is not declared.
    """
    attributes = {term.name: term for term in attribute_terms(statement.attributes)}
    terms = attributes | {term.name: term for term in TERMS}
    node = parse(condition, terms, "condition")
    check_atoms(atoms_of(node), "condition")
    return frozenset(names_of(node) & attributes.keys())
