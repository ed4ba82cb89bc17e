"""Dialect: the few things that engines spell differently; all else is SQL they share."""

from typing import Final, NamedTuple

__all__ = ["DUCKDB", "SPARK", "Dialect", "quoted"]


class Dialect(NamedTuple):
    """How an engine writes *xor* of two integers, *element*s of lists, and *draw*s.

    An index is from 0, and outside of the list is NULL. A draw is of `slot` and `name`, for an
    occasion.
    """

    xor: str
    element: str
    draw: str


_HASHED: Final = (
    "sha256($outer || unhex(sha256($inner || "
    "encode('{occasion}' || chr(10) || slot || chr(10) || name))))"
)
DUCKDB: Final = Dialect(
    xor="xor({}, {})",
    element="[{values}][{index} + 1]",
    draw=f"(CAST('0x' || {_HASHED}[1:8] AS BIGINT) >> 1)",
)
"""HMAC-SHA256 (RFC 2104) worked out from its two pads, `$inner` and `$outer`."""
SPARK: Final = Dialect(
    xor="({} ^ {})", element="get(array({values}), {index})", draw="draw('{occasion}', slot, name)"
)
"""`draw` is a function of ours: a key in a query would stand in the cluster's own pages."""


def quoted(text: str) -> str:
    """*text* as it stands between quotes."""
    return text.replace("'", "''")
