"""Arrange: what several messages ask alike is asked once, whatever language it is printed in."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Arranged", "Asked", "arrange"]


class Asked(NamedTuple):
    """A step as it is printed: the condition, what it answers, and the instant to wait for."""

    text: str
    answer: str
    until: str


class Arranged(NamedTuple):
    """The chains of some messages, taken apart.

    *shared* are the first steps, the same for all; *own* each message's further refusals, *waits*
    what may make it wait. *often* are conditions that more than one message has of its own.
    """

    shared: Sequence[Asked]
    own: tuple[Sequence[Asked], ...]
    waits: tuple[Sequence[Asked], ...]
    often: frozenset[str]


def arrange(chains: Sequence[Sequence[Asked]]) -> Arranged:
    """*chains*, at least one, each refusing before it waits.

    >>> a, b, c = Asked("a", "R0", ""), Asked("b", "R1", ""), Asked("c", "W2", "t")
    >>> told = arrange([(a, b, c), (a, c)])
    >>> told.shared == (a,), told.own == ((b,), ()), told.waits == ((c,), (c,))
    (True, True, True)
    """
    ends = [sum(not asked.until for asked in chain) for chain in chains]
    first = chains[0][: ends[0]]
    alike = 0
    while alike < len(first) and all(
        end > alike and chain[alike] == first[alike]
        for chain, end in zip(chains, ends, strict=True)
    ):
        alike += 1
    own = tuple(chain[alike:end] for chain, end in zip(chains, ends, strict=True))
    count = Counter(text for chain in own for text in {asked.text for asked in chain})
    return Arranged(
        shared=first[:alike],
        own=own,
        waits=tuple(chain[end:] for chain, end in zip(chains, ends, strict=True)),
        often=frozenset(text for text, times in count.items() if times > 1),
    )
