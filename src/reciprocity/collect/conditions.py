"""The conditions of a mapping made ready: which of them hold, and which cells none of them knows.

A spelling that nobody thought of must not lose a withdrawal: a cell that may take something away,
and that no condition knows, puts its row in doubt until the mapping says what the cell means.
"""

import re
from collections.abc import Mapping as Places
from collections.abc import Sequence
from typing import Final

from reciprocity.collect.mapping import Condition, Mapping, conditions_of, word_of

__all__ = ["Conditions"]

_NO: Final = frozenset({"0", "no", "n", "false"})
"""Known in columns that only give. In one that takes away, a `no` may well be somebody's answer."""
_SHOWN: Final = re.compile(r"(?=.{1,12}$)[^\W\d_]+([-_/][^\W\d_]+)?[.!?]?|[+-]?\d{1,2}|[^\w@]{1,2}")


class Conditions:
    """All conditions of one mapping, over the columns of one file.

    Words are alike whatever their case and the white space around them.
    """

    def __init__(self, mapping: Mapping, places: Places[str, int]) -> None:
        """Make those of *mapping* ready; *places* tells where in a row each column is."""
        self._places = places
        self._words: dict[Condition, frozenset[str]] = {}
        self._known: dict[str, set[str]] = {}
        self._taking: set[str] = set()
        for _, condition, takes in conditions_of(mapping):
            words = frozenset(map(word_of, condition.values))
            self._words[condition] = words
            self._known.setdefault(condition.column, set()).update(
                words, map(word_of, condition.others)
            )
            if takes:
                self._taking.add(condition.column)
        for column in self._known.keys() - self._taking:
            self._known[column] |= _NO

    @property
    def columns(self) -> frozenset[str]:
        """Every column that a condition looks at."""
        return frozenset(self._known)

    def hold(self, cells: Sequence[str], condition: Condition | None) -> bool:
        """Does a row of *cells* fulfil *condition*? Without one, every row does."""
        if condition is None:
            return True
        return word_of(cells[self._places[condition.column]]) in self._words[condition]

    def unknown(self, cells: Sequence[str]) -> tuple[str, ...]:
        """The columns whose cell is not empty and is no word of any condition."""
        found = []
        for column, known in self._known.items():
            word = word_of(cells[self._places[column]])
            if word and word not in known:
                found.append(column)
        return tuple(found)

    def doubt(self, cells: Sequence[str], unknown: Sequence[str]) -> str:
        """Why a row with these *unknown* columns may give nothing; empty if it may.

        A cell is shown only if it is one short word, as flags are: one with an address, a day or
        a sentence in it is not repeated.
        """
        for column in unknown:
            if column in self._taking:
                cell = cells[self._places[column]].strip()
                shown = repr(cell) if _SHOWN.fullmatch(cell) else "its text"
                return (
                    f"column {column!r}: {shown} is in no condition, and may take something away; "
                    "add it to the `is` of a rule, or to `is_not` if it takes nothing away"
                )
        return ""
