"""Prepare: all of a message that is the same for every person, worked out once.

Keys to look up, conditions compiled, the tree of purposes and topics walked, the strictest of the
laws taken. What is left for each person is a few look-ups (`gather`).
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.decide.audience import Observe, compile_audience, compile_observer
from reciprocity.decide.compile import Compiled, compile_rulebook
from reciprocity.decide.language import parse
from reciprocity.decide.rulebook import Rulebook, attribute_terms, read_rules
from reciprocity.decide.tree import Atom, Node, Term, atoms_of, check_atoms
from reciprocity.errors import InputError
from reciprocity.model import ANYWHERE, EVERYTHING, OBSERVE, Basis, Campaign, Message

__all__ = ["DAY_MS", "Ground", "Prepared", "Room", "Statements", "ground_of", "prepare"]

DAY_MS: Final = 86_400_000
_Declared = TypeVar("_Declared")


class Statements(Struct, frozen=True, kw_only=True):
    """What the brand has in force for a decision, and the positions from which it is in force."""

    brand: BrandStatement
    rulebook: Rulebook
    laws: tuple[LawPack, ...] = ()
    brand_at: int = 0
    rulebook_at: int = 0
    laws_at: int = 0


class Ground(Struct, frozen=True, kw_only=True):
    """Where a yes is found and how long one lasts: its key, those above it, objections' keys."""

    key: str
    above: tuple[str, ...]
    objections: frozenset[str]
    longest_ms: int


class Room(NamedTuple):
    """What a message takes room in: its *occasion*, and the *channel* whose caps it counts to.

    The channel is empty for a message that is not based on consent, which no cap counts.
    """

    occasion: str
    channel: str


class Prepared(Struct, frozen=True, kw_only=True):
    """A message ready to be decided for one person after the other.

    *topics* maps each topic of the message and each above one to its weight (0 if only above).
    *observed* maps `observed:BEHAVIOUR` to the ground on which such levels count. *named* are the
    attributes that must be shared for the purpose and known, *attributes* their types, *all_known*
    the mask of *observe* when they are.
    *atoms* are the rulebook's and then the audience's, in the order of the mask's bits.
    What ends in *_read* is the typed tree of what stands beside it compiled or as text.
    """

    message_id: str
    message: Message
    occasion: str
    basis: Basis
    ground: Ground
    compiled: Compiled
    observe: Observe
    all_known: int
    audience: Callable[[int], bool]
    audience_read: Node
    atoms: tuple[str, ...]
    atoms_read: tuple[Atom, ...]
    named: frozenset[str]
    attributes: tuple[Term, ...]
    topics: tuple[tuple[str, int], ...]
    observed: dict[str, Ground]
    everyone_at_least: int
    minimum_age: int
    room: Room
    law_allows: bool
    limit: int
    opens: int
    closes: int
    cap_7: int
    cap_30: int
    quiet: tuple[int, int]
    time_zone: str


def prepare(
    message_id: str, message: Message, occasion: str, campaign: Campaign, stated: Statements
) -> Prepared:
    """Work out what of a decision depends on the message alone.

    Raises `InputError` if the message names a purpose, channel, topic or attribute that is not in
    force, if its audience is outside the language, or if the rulebook does not hold together.
    """
    where, brand, laws = f"message {message_id}", stated.brand, stated.laws
    purpose = _declared(brand.purposes, message.purpose, "purpose", where)
    channel = _declared(brand.channels, message.channel, "channel", where)
    conditions = _conditions(message, purpose.basis, stated, where)
    return Prepared(
        message_id=message_id,
        message=message,
        occasion=occasion,
        basis=purpose.basis,
        ground=ground_of(message.purpose, message.channel, purpose.validity_days, stated),
        compiled=conditions.compiled,
        observe=conditions.observe,
        all_known=(1 << len(conditions.attributes)) - 1,
        audience=conditions.audience,
        audience_read=conditions.audience_read,
        atoms=tuple(atom.text for atom in conditions.atoms_read),
        atoms_read=conditions.atoms_read,
        named=frozenset(term.name for term in conditions.attributes),
        attributes=conditions.attributes,
        topics=_topics(message, brand, where),
        observed={
            f"observed:{name}": ground_of(name, OBSERVE, behaviour.validity_days, stated)
            for name, behaviour in brand.behaviours.items()
        },
        everyone_at_least=brand.everyone_at_least,
        minimum_age=max([purpose.minimum_age, *(pack.minimum_age for pack in laws)]),
        room=Room(occasion, message.channel if purpose.basis is Basis.CONSENT else ""),
        law_allows=all((channel.kind, purpose.basis) not in pack.forbids for pack in laws),
        limit=campaign.limit,
        opens=campaign.opens,
        closes=campaign.closes,
        cap_7=channel.cap_7_days,
        cap_30=channel.cap_30_days,
        quiet=(channel.quiet_from, channel.quiet_until),
        time_zone=brand.time_zone,
    )


class _Conditions(Struct, frozen=True, kw_only=True):
    compiled: Compiled
    observe: Observe
    audience: Callable[[int], bool]
    audience_read: Node
    atoms_read: tuple[Atom, ...]
    attributes: tuple[Term, ...]


def _conditions(message: Message, basis: Basis, stated: Statements, where: str) -> _Conditions:
    """The compiled rulebook and audience, and the attributes that both and the templates name.

    A message that needs no consent is stopped by no rule that names an attribute (see
    `first_rulebook`), so it neither reads nor needs the attributes of rules.
    """
    terms = {term.name: term for term in attribute_terms(stated.brand.attributes)}
    compiled, rule_atoms = _compiled(stated.rulebook)
    ruled = stated.rulebook.attributes if basis is Basis.CONSENT else ()
    for term in ruled:
        if terms.get(term.name) != term:
            raise InputError(
                f"rulebook names attribute {term.name!r} as the brand file in force does not: "
                "apply the brand file again, so that both are stated together"
            )
    audience = parse(message.audience or "TRUE", terms, f"audience of {where}")
    atoms = tuple(dict.fromkeys((*rule_atoms, *atoms_of(audience))))
    named = {term.name for term in ruled} | {atom.name for atom in atoms_of(audience)}
    for name in message.requires:
        if _declared(terms, name, "attribute", where).source == "sensitive":
            raise InputError(f"{where} requires {name!r}, a sensitive attribute: remove it")
        named.add(name)
    check_atoms(atoms, where)
    attributes = tuple(terms[name] for name in sorted(named))
    return _Conditions(
        compiled=compiled,
        observe=compile_observer(attributes, atoms),
        audience=compile_audience(audience, [atom.text for atom in atoms]),
        audience_read=audience,
        atoms_read=atoms,
        attributes=attributes,
    )


@lru_cache(maxsize=16)
def _compiled(rulebook: Rulebook) -> tuple[Compiled, tuple[Atom, ...]]:
    """The rulebook's functions and atoms; many messages share one rulebook."""
    atoms = dict.fromkeys(atom for _, node in read_rules(rulebook) for atom in atoms_of(node))
    return compile_rulebook(rulebook), tuple(atoms)


def ground_of(name: str, channel: str, validity_days: int, stated: Statements) -> Ground:
    """Where to look for a yes to purpose (or behaviour) *name* on *channel*."""
    above = _above(name, {key: told.parent for key, told in stated.brand.purposes.items()})
    longest = min([validity_days, *(pack.maximum_validity_days for pack in stated.laws)])
    return Ground(
        key=f"{name}/{channel}",
        above=tuple(f"{each}/{channel}" for each in above),
        objections=frozenset(
            f"{each}/{where}"
            for each in (name, *above, EVERYTHING)
            for where in (channel, ANYWHERE)
        ),
        longest_ms=longest * DAY_MS,
    )


def _topics(message: Message, brand: BrandStatement, where: str) -> tuple[tuple[str, int], ...]:
    """The message's topics with their weights, then those above them with weight 0."""
    weights = {}
    parents = {name: topic.parent for name, topic in brand.topics.items()}
    for name, weight in message.topics.items():
        _declared(brand.topics, name, "topic", where)
        weights[name] = weight
    for name in message.topics:
        for above in _above(name, parents):
            weights.setdefault(above, 0)
    return tuple(weights.items())


def _above(name: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """The names above *name*, nearest first; a circle, which no brand file may hold, ends it."""
    found: list[str] = []
    while (parent := parents.get(name)) is not None and parent not in found:
        found.append(parent)
        name = parent
    return tuple(found)


def _declared(declared: Mapping[str, _Declared], name: str, kind: str, where: str) -> _Declared:
    """What *name* stands for in the brand file in force; raises `InputError` if for nothing."""
    if (told := declared.get(name)) is None:
        raise InputError(
            f"{where} names {kind} {name[:64]!r}, which the brand file in force does not declare: "
            "declare it and apply the brand file, or name another"
        )
    return told
