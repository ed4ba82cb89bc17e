"""Rules as SQL: the same text for the engines that a brand's analysts use.

The rules' own words go in unchanged, so this shares nothing with the Python but the text: SQLite
running it is the oracle of the tests. It fails closed as that does: a fact that is NULL, or an enum
that is none of its words, refuses before any rule is asked.
"""

import re
from typing import Final

from sqlglot import transpile

from reciprocity.decide.rulebook import (
    EVERY_BASIS,
    FACTS_INCOMPLETE,
    Rulebook,
    RuleLine,
    read_rules,
)
from reciprocity.decide.tree import Term, TermType
from reciprocity.errors import InputError
from reciprocity.model import Basis

__all__ = ["DIALECTS", "to_sql"]

DIALECTS: Final = ("bigquery", "duckdb", "postgres", "snowflake", "spark", "sqlite")
"""The dialects that rules are printed in."""
_TABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,2}")
_CLOSES: Final = "message_closes"
_KNOWN: Final = "attributes_known"


def to_sql(rulebook: Rulebook, dialect: str = "sqlite", table: str = "facts") -> str:
    """A SELECT of `id, verdict, reason, until` from *table*, by the very text of the rules.

    The table has a column for each fact and each attribute that rules name: booleans, integers,
    days as the dialect has them, and enums by their published words. Raises `InputError` for a
    rulebook that does not hold together, for a dialect that is not of `DIALECTS`, and for a *table*
    that is no plain name, or several with dots between.
    """
    if _TABLE.fullmatch(table) is None:
        raise InputError(f"table {table[:64]!r} is no name: expected such as facts or dw.facts")
    if dialect not in DIALECTS:
        raise InputError(f"dialect {dialect[:32]!r} is none of {', '.join(DIALECTS)}")
    read_rules(rulebook)
    whens, reasons, untils = [], [], []
    for number, (name, wrong) in enumerate(_incomplete(rulebook), 1):
        whens.append(f"WHEN {wrong} THEN -{number}")
        reasons.append(f"WHEN -{number} THEN '{FACTS_INCOMPLETE}:{name}'")
    for number, line in enumerate(rulebook.rules, 1):
        whens.append(f"WHEN {_condition(line)} THEN {number}")
        reason = line.reason.replace("'", "''")
        reasons.append(f"WHEN {number} THEN '{reason}'")
        if line.until:
            untils.append(
                f"WHEN matched = {number} AND 0 < {line.until} AND {line.until} < {_CLOSES} "
                f"THEN {line.until}"
            )
    until = f"CASE {' '.join(untils)} ELSE 0 END" if untils else "0"
    sql = (  # nothing but the rules' own text, which was parsed, and numbers
        f"WITH judged AS (SELECT *, CASE {' '.join(whens)} ELSE 0 END AS matched FROM {table}), "  # noqa: S608
        f"timed AS (SELECT *, {until} AS wait_until FROM judged) "
        "SELECT id, CASE WHEN matched = 0 THEN 'deliver' WHEN wait_until > 0 THEN 'wait' "
        f"ELSE 'refuse' END AS verdict, CASE matched {' '.join(reasons)} ELSE '' END AS reason, "
        "wait_until AS until FROM timed"
    )
    if dialect == "sqlite":
        return sql
    return transpile(sql, read="sqlite", write=dialect, pretty=True)[0]


def _incomplete(rulebook: Rulebook) -> list[tuple[str, str]]:
    """Each fact with the condition that it cannot be judged by; then values said to be known."""
    told = [(term.name, _wrong(term)) for term in rulebook.facts]
    if rulebook.attributes:
        missing = " OR ".join(f'"{term.name}" IS NULL' for term in rulebook.attributes)
        told.append((_KNOWN, f"{_KNOWN} AND ({missing})"))
    return told


def _wrong(term: Term) -> str:
    if term.type is not TermType.ENUM:
        return f"{term.name} IS NULL"
    words = ", ".join(f"'{value}'" for value in term.values)
    return f"{term.name} IS NULL OR NOT {term.name} IN ({words})"


def _condition(line: RuleLine) -> str:
    if line.bases == EVERY_BASIS:
        return f"({line.when})"
    listed = ", ".join(f"'{Basis(basis)}'" for basis in line.bases)
    return f"basis IN ({listed}) AND ({line.when})"
