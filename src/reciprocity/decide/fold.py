"""Fold: what is left of a condition once some of its facts are known to be constants.

A message settles many facts for everybody (its basis, its limit, that it names topics), so the
rules about them need not be asked of each person again.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Final

from reciprocity.decide.tree import All, Always, Among, Compare, Node, Not, Some, Truth

__all__ = ["folded"]

_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def folded(node: Node, known: Mapping[str, int]) -> Node:
    """*node* where the facts in *known* have these values; it says the same of all others.

    >>> folded(All((Truth("topics_named"), Compare("topic_score", "<=", 0))), {"topics_named": 1})
    Compare(left='topic_score', operator='<=', right=0)
    """
    match node:
        case Truth(name) if name in known:
            return Always(bool(known[name]))
        case Among(name, values) if name in known:
            return Always(known[name] in values)
        case Compare(left, sign, right):
            left, right = (known.get(side, side) if isinstance(side, str) else side
                           for side in (left, right))  # fmt: skip
            if isinstance(left, str) or isinstance(right, str):
                return Compare(left, sign, right)
            return Always(_COMPARE[sign](left, right))
        case Not(part):
            inner = folded(part, known)
            return Always(not inner.value) if isinstance(inner, Always) else Not(inner)
        case All(parts):
            return _joined(All, [folded(part, known) for part in parts])
        case Some(parts):
            return _joined(Some, [folded(part, known) for part in parts])
        case _:
            return node


def _joined(kind: type[All | Some], parts: list[Node]) -> Node:
    """AND is decided by one FALSE, OR by one TRUE; what decides nothing is left out."""
    decisive = kind is Some
    if Always(decisive) in parts:
        return Always(decisive)
    open_parts = tuple(part for part in parts if not isinstance(part, Always))
    if len(open_parts) > 1:
        return kind(open_parts)
    return open_parts[0] if open_parts else Always(not decisive)
