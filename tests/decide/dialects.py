"""The rules as each dialect prints them, kept to be read: `python -m tests.decide.dialects`."""

from __future__ import annotations

from pathlib import Path

from reciprocity.decide.rulebook import first_rulebook
from reciprocity.decide.sql import DIALECTS, to_sql
from tests.decide.samples import with_rules

FOLDER = Path(__file__).parents[1] / "vectors" / "rules"


def printed() -> dict[str, str]:
    """The first rulebook, with rules of a brand's own that name attributes, by dialect."""
    brand = with_rules(
        ("large", "recency > 6 AND NOT newbie"),
        ("web", "channel IN ('Web', 'it''s') AND stated_age < 21"),
        ("new", "joined >= '2024-01-01' OR \"zip-code\" <> 'Rural'"),
    )
    return {name: to_sql(first_rulebook(brand), name) + "\n" for name in DIALECTS}


def main() -> None:
    """Write them all anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, sql in printed().items():
        (FOLDER / f"{name}.sql").write_text(sql)


if __name__ == "__main__":
    main()
