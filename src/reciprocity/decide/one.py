"""One person, all live messages: what is decided of each, and the facts that decided it."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from reciprocity.decide.facts import POSITIONS, Facts, shown
from reciprocity.decide.gather import gather
from reciprocity.decide.language import parse
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.rulebook import REASONS, Rulebook, RuleLine
from reciprocity.decide.tree import names_of
from reciprocity.journal.standing import Standing
from reciprocity.model import Decision

__all__ = ["Judged", "Named", "Why", "decide_one", "meaning_of", "why"]

_SCORE = POSITIONS["topic_score"]


class Judged(Struct, frozen=True, kw_only=True):
    """What was decided of one message, with all that an attempt must record of it.

    *draw* is the tie-breaker of `choose`, 0 until it was drawn.
    """

    prepared: Prepared
    decision: Decision
    facts: Facts
    score: int
    atoms: int
    draw: int = 0

    @property
    def message_id(self) -> str:
        """The id of the message that was judged."""
        return self.prepared.message_id


def decide_one(
    messages: Iterable[Prepared],
    standing: Standing | None,
    attributes: Mapping[str, object],
    at: int,
    offset_minutes: int | None,
) -> list[Judged]:
    """Decide every one of *messages* for one person at *at*; none is weighed against another.

    *attributes* are the values the person shared, by name (those shared for each message's
    purpose: pass a mapping per purpose where they differ). Whoever sends passes on to `choose`.
    """
    judged = []
    for prepared in messages:
        facts, atoms = gather(prepared, standing, attributes, at, offset_minutes)
        judged.append(
            Judged(
                prepared=prepared,
                decision=prepared.compiled.decide(facts, atoms),
                facts=facts,
                score=facts[_SCORE],
                atoms=atoms,
            )
        )
    return judged


class Named(Struct, frozen=True, kw_only=True):
    """A fact that a rule names, or an atom, with its value as people read it."""

    name: str
    value: str


class Why(Struct, frozen=True, kw_only=True):
    """Why a decision came out as it did: the rule's text and what it saw.

    For `deliver` there is no rule, and *facts* are all that any rule would have looked at. Atoms
    are named by their text; the attribute's value is not told.
    """

    message: str
    decision: Decision
    meaning: str
    rule: str
    facts: tuple[Named, ...]


def why(judged: Judged) -> Why:
    """The rule that decided *judged* and the facts it names, for an operator or the person."""
    rulebook, reason = judged.prepared.compiled.rulebook, judged.decision.reason
    line = next((rule for rule in rulebook.rules if rule.reason == reason), None)
    lines = () if line is None and reason else (line,) if line else rulebook.rules
    return Why(
        message=judged.message_id,
        decision=judged.decision,
        meaning=meaning_of(reason),
        rule=line.when if line else "",
        facts=_named(judged, rulebook, lines),
    )


def _named(judged: Judged, rulebook: Rulebook, lines: Sequence[RuleLine]) -> tuple[Named, ...]:
    """The facts and atoms that *lines* name, in their published order."""
    attributes = {term.name for term in rulebook.attributes}
    terms = {term.name: term for term in (*rulebook.facts, *rulebook.attributes)}
    names: set[str] = set()
    for line in lines:
        names |= names_of(parse(line.when, terms, f"rule {line.reason}"))
        names |= {line.until} if line.until else set()
    facts = [
        Named(name=term.name, value=shown(term, value))
        for term, value in zip(rulebook.facts, judged.facts, strict=False)
        if term.name in names
    ]
    audience = "in_audience" in names
    atoms = [
        Named(name=text, value="yes" if judged.atoms >> bit & 1 else "no")
        for bit, text in enumerate(judged.prepared.atoms)
        if (audience and bit >= len(rulebook.atoms)) or _names_any(text, names & attributes)
    ]
    return (*facts, *atoms)


def _names_any(text: str, attributes: set[str]) -> bool:
    return text.split(" ", 1)[0].strip('"') in attributes


def meaning_of(reason: str) -> str:
    """What *reason* tells a person; `NAME:...` has the meaning of its family."""
    if not reason:
        return "nothing stops this message"
    family = reason.partition(":")[0]
    names = {reason, family, f"{family}:*"}
    return next((each.meaning for each in REASONS if each.name in names), reason)
