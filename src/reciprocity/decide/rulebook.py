"""The rulebook: what may stop a message, as text anyone can read, in the order that counts.

Rules only ever refuse. The first that matches is the reason: refusals first, then the brand's own
restrictions, then rules that say *wait* and name the fact that holds the instant. A rulebook is
stated in the log as it stands here, so that any later release can judge by it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.decide.facts import TERMS
from reciprocity.decide.language import parse
from reciprocity.decide.tree import Node, Term, TermType, atoms_of
from reciprocity.errors import InputError
from reciprocity.model import Attribute, Basis
from reciprocity.model import Rule as BrandRule

__all__ = [
    "FACTS_INCOMPLETE",
    "REASONS",
    "Reason",
    "RuleKind",
    "RuleLine",
    "Rulebook",
    "attribute_terms",
    "first_rulebook",
    "read_rules",
]

FACTS_INCOMPLETE: Final = "facts_incomplete"
CONSENT_ONLY: Final = (Basis.CONSENT,)
EVERY_BASIS: Final = tuple(Basis)


class RuleKind(StrEnum):
    """How a rule stops a message: for good, by the brand's own wish, or for a time."""

    REFUSE = "refuse"
    RESTRICT = "restrict"
    WAIT = "wait"


class RuleLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule: stops messages of *bases* for *reason* when the condition *when* holds.

    A waiting rule names in *until* the fact with the instant at which to decide anew; where that
    is 0, or not before the message closes, waiting is in vain and the message is refused.
    """

    reason: str
    kind: RuleKind
    bases: tuple[Basis, ...]
    when: str
    until: str = ""


class Rulebook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rules in order, with the facts and attributes that they may name.

    *atoms* are the comparisons that name an attribute, each in its one spelling; bit *i* of the
    recorded mask is atom *i*. The atoms of a message's audience follow those of the rulebook.
    """

    version: str
    facts: tuple[Term, ...]
    attributes: tuple[Term, ...] = ()
    atoms: tuple[str, ...] = ()
    rules: tuple[RuleLine, ...]


class Reason(Struct, frozen=True, kw_only=True):
    """A published reason: which bases it can stop, its condition, what it tells a person."""

    name: str
    kind: RuleKind
    meaning: str
    bases: tuple[Basis, ...] = EVERY_BASIS
    when: str = ""
    until: str = ""


_REFUSE, _WAIT = RuleKind.REFUSE, RuleKind.WAIT


def _refusal(name: str, when: str, meaning: str, bases: tuple[Basis, ...] = EVERY_BASIS) -> Reason:
    return Reason(name=name, kind=_REFUSE, bases=bases, when=when, meaning=meaning)


def _waiting(name: str, when: str, until: str, meaning: str) -> Reason:
    return Reason(
        name=name, kind=_WAIT, bases=CONSENT_ONLY, when=when, until=until, meaning=meaning
    )


_REFUSALS: Final = (
    _refusal("unknown_person", "NOT person_known", "we do not know this person"),
    _refusal("erased", "person_erased", "the person is erased, or asked to be"),
    _refusal("suppressed", "point_suppressed", "the address is never to be written to"),
    _refusal(
        "unreachable",
        "NOT point_active OR point_bounced OR (basis = 'consent' AND NOT point_confirmed)",
        "there is no address, it takes no messages, or (for an offer) it was never confirmed",
    ),
    _refusal("objected", "objected", "the person objected to this use", CONSENT_ONLY),
    _refusal("never_asked", "consent_state = 'never_asked'", "nobody asked", CONSENT_ONLY),
    _refusal("pending", "consent_state = 'pending'", "a yes was never confirmed", CONSENT_ONLY),
    _refusal("refused", "consent_state = 'refused'", "the person said no", CONSENT_ONLY),
    _refusal("withdrawn", "consent_state = 'withdrawn'", "the yes was taken back", CONSENT_ONLY),
    _refusal("expired", "consent_state = 'expired'", "the yes is too old", CONSENT_ONLY),
    _refusal(
        "unverified", "consent_state = 'unverified'", "an imported yes without evidence",
        CONSENT_ONLY,
    ),
    _refusal(
        "too_young", "stated_age < minimum_age", "the person is not stated to be old enough",
        CONSENT_ONLY,
    ),
    _refusal("law_forbids", "NOT law_allows", "a law forbids this use of this channel"),
    _refusal(
        "attribute_not_shared",
        "NOT attributes_shared OR NOT attributes_known",
        "something the message depends on was not shared for this purpose, or is not known",
    ),
    _refusal(
        "topic_refused", "topics_named AND topic_lowest < 0",
        "the person rated a topic of the message, or one above it, as not for them", CONSENT_ONLY,
    ),
    _refusal(
        "not_relevant", "topics_named AND topic_score <= 0",
        "the person showed no interest in any topic of the message", CONSENT_ONLY,
    ),
    _refusal("outside_audience", "NOT in_audience", "the message is meant for others"),
    _refusal("sent_this_message", "message_attempts > 0", "the person got this message already"),
    _refusal(
        "sent_in_occasion", "occasion_attempts >= occasion_limit",
        "the person got as many messages as this occasion allows",
    ),
    _refusal("message_closed", "NOT message_open", "the message is not open yet, or over"),
)  # fmt: skip

_QUIET: Final = (
    "(quiet_from < quiet_until AND minute_of_day >= quiet_from AND minute_of_day < quiet_until) "
    "OR (quiet_from > quiet_until AND (minute_of_day >= quiet_from OR minute_of_day < quiet_until))"
)

_WAITS: Final = (
    _waiting("paused", "pause_active", "pause_until", "the person asked for a pause"),
    _waiting(
        "cap_reached", "cap_7_used >= cap_7_most OR cap_30_used >= cap_30_most", "cap_free_at",
        "the person got as many messages in 7 or 30 days as they, or the brand, allow",
    ),
    _waiting("quiet_time", _QUIET, "quiet_ends_at", "it is quiet time in the person's own day"),
)  # fmt: skip

REASONS: Final[tuple[Reason, ...]] = (
    _refusal(FACTS_INCOMPLETE, "", "a fact was missing or of another type, so nothing was sent"),
    *_REFUSALS,
    Reason(name="brand:*", kind=RuleKind.RESTRICT, meaning="the brand's own rule of that name"),
    *_WAITS,
    _refusal("outranked", "", "another message of the occasion mattered more to the person"),
    _refusal("held_out", "", "kept back at random to measure what messages do (not in use yet)"),
)
"""Every reason there is, in the order in which they count."""


def first_rulebook(brand: BrandStatement) -> Rulebook:
    """The built-in rules in their published order, with the brand's own before those that wait.

    A rule of the brand that names an attribute stops consent-based messages only: attributes are
    shared purpose by purpose, so a message that a contract or a law demands would stop for
    everyone who did not share them for that. One that names facts alone stops messages of every
    basis. Raises `InputError` for a rule outside the language, ill-typed, or naming a sensitive
    attribute.
    """
    terms = attribute_terms(brand.attributes)
    own = tuple(_restriction(rule, {term.name: term for term in (*TERMS, *terms)}) for rule in
                brand.rules)  # fmt: skip
    lines = (*map(_line, _REFUSALS), *(line for line, _ in own), *map(_line, _WAITS))
    atoms = dict.fromkeys(atom for _, node in own for atom in atoms_of(node))
    named = {atom.name for atom in atoms}
    return Rulebook(
        version="1",
        facts=TERMS,
        attributes=tuple(term for term in terms if term.name in named),
        atoms=tuple(atom.text for atom in atoms),
        rules=lines,
    )


def attribute_terms(attributes: Mapping[str, Attribute]) -> tuple[Term, ...]:
    """What rules and audiences may name: the attributes; sensitive ones are marked to be refused.

    Raises `InputError` for an attribute with the name of a fact: a rule would mean two things.
    """
    facts = {term.name for term in TERMS}
    if clash := facts & attributes.keys():
        raise InputError(
            f"attribute {min(clash)!r} has the name of a fact: rename the attribute in brand.toml"
        )
    return tuple(
        Term(
            name=name,
            type=TermType(told.type.value),
            source="sensitive" if told.sensitive else "attribute",
            values=told.values,
        )
        for name, told in sorted(attributes.items())
    )


def read_rules(rulebook: Rulebook) -> tuple[tuple[RuleLine, Node], ...]:
    """The rules with their typed trees; a rulebook from a log is trusted no more than a new one.

    Raises `InputError` if the facts are not the first of those published, a rule does not parse, a
    reason comes twice, a waiting rule names no instant, kinds are out of order, or *atoms* are not
    those of the rules.
    """
    if rulebook.facts != TERMS[: len(rulebook.facts)]:
        raise InputError(
            f"rulebook {rulebook.version!r} names facts unknown to this release: "
            "it was stated by a newer one; upgrade before judging by it"
        )
    terms = {term.name: term for term in (*rulebook.facts, *rulebook.attributes)}
    if len(terms) != len(rulebook.facts) + len(rulebook.attributes):
        raise InputError(f"rulebook {rulebook.version!r} names a fact or an attribute twice")
    read = tuple((line, parse(line.when, terms, f"rule {line.reason}")) for line in rulebook.rules)
    _refuse_disorder(rulebook, terms)
    found = dict.fromkeys(atom.text for _, node in read for atom in atoms_of(node))
    if tuple(found) != rulebook.atoms:
        raise InputError(
            f"rulebook {rulebook.version!r} lists {len(rulebook.atoms)} atoms, "
            f"its rules have {len(found)}, in this order: {', '.join(found) or 'none'}"
        )
    return read


def _refuse_disorder(rulebook: Rulebook, terms: Mapping[str, Term]) -> None:
    """Raise for reasons that come twice, kinds out of order, and waits without an instant."""
    order = list(RuleKind)
    seen: set[str] = set()
    last = 0
    for line in rulebook.rules:
        if line.reason in seen:
            raise InputError(f"rule {line.reason} comes twice: give each its own reason")
        if order.index(line.kind) < last:
            raise InputError(f"rule {line.reason} comes too late: refuse, restrict, then wait")
        until = terms.get(line.until)
        is_wait = line.kind is RuleKind.WAIT
        if is_wait != bool(line.until) or (
            until is not None and until.type is not TermType.INSTANT
        ) or (is_wait and until is None):  # fmt: skip
            raise InputError(
                f"rule {line.reason} names {line.until!r} as its instant: a waiting rule needs a "
                "fact that is an instant, any other rule none"
            )
        seen.add(line.reason)
        last = order.index(line.kind)


def _line(reason: Reason) -> RuleLine:
    return RuleLine(
        reason=reason.name, kind=reason.kind, bases=reason.bases, when=reason.when,
        until=reason.until,
    )  # fmt: skip


def _restriction(rule: BrandRule, terms: Mapping[str, Term]) -> tuple[RuleLine, Node]:
    """The brand's *rule* as a line of the rulebook."""
    reason = f"brand:{rule.reason}"
    node = parse(rule.when, terms, f"rule {reason}")
    bases = CONSENT_ONLY if atoms_of(node) else EVERY_BASIS
    return RuleLine(reason=reason, kind=RuleKind.RESTRICT, bases=bases, when=rule.when), node
