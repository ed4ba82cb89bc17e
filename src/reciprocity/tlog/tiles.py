"""The log as files: tiles of 256 hashes and bundles of 256 entries (C2SP tlog-tiles).

A full tile never changes, so a writer stores it once, when its 256th hash appears (`Edge.extend`
says which tiles appear and what is in them). A partial tile is never stored: it follows from the
leaves and from the full tiles one level below (`derived_tiles`). Read through a `TileReader`, the
tiles give any proof at any size.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from typing import Self

from reciprocity.errors import ProofError
from reciprocity.tlog.merkle import HASH_BYTES, MAX_SIZE, Frontier, Growth, Node

__all__ = [
    "ENTRY_BYTES",
    "TILE_BYTES",
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "Edge",
    "ReadTile",
    "Tile",
    "TilePath",
    "TileReader",
    "derived_tiles",
    "encode_entries",
    "full_tiles",
    "parse_entries",
    "parse_tile",
    "partial_tiles",
    "tile_root",
    "tile_width",
]

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
ENTRY_BYTES = 2**16 - 1
"""The longest entry a bundle can hold: its length is two bytes."""

_NODE = b"\x01"
_MAX_LEVEL = 63
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)

ReadTile = Callable[[int, int, int], bytes]
"""Given level, index and width, the `width * 32` bytes of a tile; must raise when it has none."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One full tile: its 8,192 bytes, and the hash that stands for it one level above."""

    level: int
    index: int
    hashes: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class TilePath:
    """Where a tile, or with level None an entry bundle, is published under the log's prefix.

    >>> TilePath(0, 1234067).encode()
    'tile/0/x001/x234/067'
    >>> TilePath(None, 273, 112).encode()
    'tile/entries/273.p/112'
    >>> TilePath.parse("tile/2/000.p/1")
    TilePath(level=2, index=0, width=1)
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def encode(self) -> str:
        """The path, relative, as C2SP tlog-tiles writes it; refuses what has none."""
        known = self.level is None or 0 <= self.level <= _MAX_LEVEL
        if not (known and 0 <= self.index <= MAX_SIZE and 1 <= self.width <= TILE_WIDTH):
            message = f"tile path: no tile {self.index} of width {self.width} at level {self.level}"
            raise ProofError(message)
        *upper, last = [f"{int(three):03}" for three in f"{self.index:,}".split(",")]
        folders = "".join(f"x{three}/" for three in upper)
        level = "entries" if self.level is None else str(self.level)
        suffix = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{folders}{last}{suffix}"

    @classmethod
    def parse(cls, path: str) -> Self:
        """The place that *path* names; refuses any spelling `encode` would not give."""
        found = _PATH.fullmatch(path)
        if found is None:
            message = "tile path: not of the form tile/<level>/<index>[.p/<width>]"
            raise ProofError(message)
        level = None if found["level"] == "entries" else int(found["level"])
        index = int(found["index"].replace("x", "").replace("/", ""))
        place = cls(level, index, int(found["width"] or TILE_WIDTH))
        if place.encode() != path:
            message = "tile path: a number is not written in its one canonical way"
            raise ProofError(message)
        return place


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes a tile has in a tree of *size* leaves: 256 is full, 0 is not there.

    >>> [tile_width(level, 0, 70_000) for level in range(4)], tile_width(0, 273, 70_000)
    ([256, 256, 1, 0], 112)
    """
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def full_tiles(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """The (level, index) of each tile that becomes full as the tree grows between the sizes.

    >>> full_tiles(0, 70_000)[272:]
    [(0, 272), (1, 0)]
    >>> full_tiles(256, 511)
    []
    """
    found: list[tuple[int, int]] = []
    level = 0
    while new_size >> (shift := TILE_HEIGHT * (level + 1)):
        found += [(level, index) for index in range(old_size >> shift, new_size >> shift)]
        level += 1
    return found


def partial_tiles(size: int) -> list[tuple[int, int, int]]:
    """The (level, index, width) of each partial tile of a tree of *size* leaves.

    >>> partial_tiles(70_000)
    [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    >>> partial_tiles(256)
    [(1, 0, 1)]
    """
    found = []
    level = 0
    while nodes := size >> TILE_HEIGHT * level:
        if nodes % TILE_WIDTH:
            found.append((level, nodes // TILE_WIDTH, nodes % TILE_WIDTH))
        level += 1
    return found


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """The *width* hashes in a tile's bytes; refuses a tile of any other length."""
    _check_tile(data, width)
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]


def tile_root(tile: bytes) -> bytes:
    """The hash one level above that stands for a full *tile*."""
    _check_tile(tile, TILE_WIDTH)
    return _row_above(_rows(tile)[-1])


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle: each entry after its length in two bytes, big-endian.

    >>> encode_entries([b"", b"ab"]).hex(" ", 2)
    '0000 0002 6162'
    """
    if not 1 <= len(entries) <= TILE_WIDTH or max(map(len, entries)) > ENTRY_BYTES:
        message = f"entry bundle: holds 1 to {TILE_WIDTH} entries of at most {ENTRY_BYTES} bytes"
        raise ProofError(message)
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def parse_entries(data: bytes, width: int) -> list[bytes]:
    """The *width* entries of a bundle; refuses one that holds more, less or a part of one."""
    entries: list[bytes] = []
    start = 0
    while start < len(data) and len(entries) < width:
        stop = start + 2 + int.from_bytes(data[start : start + 2], "big")
        entries.append(data[start + 2 : stop])
        start = stop
    if start != len(data) or len(entries) != width or not 1 <= width <= TILE_WIDTH:
        message = f"entry bundle: {len(data)} bytes do not hold exactly {width} entries"
        raise ProofError(message)
    return entries


class Edge:
    """The right edge of a tiled tree: its frontier, and what its partial tiles hold so far.

    The appender keeps one. It extends a `copy`, writes the tiles in the transaction that writes the
    leaves, and keeps the copy only once the commit is durable; a transaction that fails leaves
    the edge as it was.

    >>> edge = Edge()
    >>> growth, tiles = edge.extend([bytes(32)] * 300)
    >>> edge.size, [(tile.level, tile.index, len(tile.hashes)) for tile in tiles]
    (300, [(0, 0, 8192)])
    """

    __slots__ = ("_partial", "frontier")

    def __init__(self, frontier: Frontier | None = None, held: Iterable[bytes] = ()) -> None:
        """The edge of a tree, by default of the empty one; `load` gives that of a stored one."""
        self.frontier = frontier or Frontier()
        self._partial = list(held)

    @classmethod
    def load(cls, size: int, read_tile: ReadTile) -> Self:
        """The edge of the stored tree of *size* leaves: reads its partial tiles, nothing else."""
        rows: list[bytes] = []
        for level, index, width in partial_tiles(size):
            rows += [b""] * (level - len(rows))
            rows.append(read_tile(level, index, width))
        reader = TileReader(lambda level, _index, _width: rows[level], size)
        return cls(Frontier.load(size, reader), rows)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self.frontier.size

    def root(self) -> bytes:
        """The root of the tree."""
        return self.frontier.root()

    def partial_tiles(self) -> list[bytes]:
        """The hashes of the partial tile at each level, from 0 up; empty where there is none."""
        return list(self._partial)

    def copy(self) -> Self:
        """The same edge, free to grow apart."""
        return type(self)(self.frontier.copy(), self._partial)

    def extend(self, leaf_hashes: Iterable[bytes]) -> tuple[Growth, list[Tile]]:
        """Add leaves; what the tree gained, and the tiles that became full by it.

        The tiles are those of `full_tiles`, in its order. Nothing is hashed that the tree itself
        did not need.
        """
        growth = self.frontier.extend(leaf_hashes)
        tiles: list[Tile] = []
        for level, row in enumerate(growth.rows[::TILE_HEIGHT]):
            if level == len(self._partial):
                self._partial.append(b"")
            held = self._partial[level] + b"".join(row)
            above = TILE_HEIGHT * (level + 1)
            roots = growth.rows[above] if above < len(growth.rows) else []
            tiles += [
                Tile(level, index, held[start : start + TILE_BYTES], root)
                for index, start, root in zip(
                    range(growth.old_size >> above, growth.size >> above),
                    range(0, len(held), TILE_BYTES),
                    roots,
                    strict=False,
                )
            ]
            self._partial[level] = held[len(roots) * TILE_BYTES :]
        return growth, tiles


class TileReader:
    """Any complete node of the tree of *size* leaves, read through its tiles.

    The tiles are believed: whoever did not write them holds every proof made from them, and
    `root_at(size, reader)`, against a signed checkpoint. The *keep* tiles used last stay expanded,
    16 KB each: a million leaves have 4,000, and a proof that finds its three here costs a tenth of
    one that does not. `at` shares them with readers of other sizes. Threads may share a reader when
    *read_tile* lets them.
    """

    __slots__ = ("_expand", "size")

    def __init__(self, read_tile: ReadTile, size: int, *, keep: int = 1024) -> None:
        """Read the tree of *size* leaves through *read_tile*."""
        self.size = size
        self._expand = lru_cache(maxsize=keep)(partial(_expand, read_tile))

    def at(self, size: int) -> Self:
        """A reader of the same log at another *size*, with the same tiles kept."""
        reader = copy(self)
        reader.size = size
        return reader

    def read_nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        """The hashes of *nodes*; refuses one that is not complete at this size."""
        found = []
        for height, index in nodes:
            level, rise = height // TILE_HEIGHT, height % TILE_HEIGHT
            fall = TILE_HEIGHT - rise
            tile = index >> fall
            width = (self.size >> TILE_HEIGHT * level) - tile * TILE_WIDTH
            start = HASH_BYTES * (index - (tile << fall))
            # Asked only for a tile that exists: a reader must never fetch beyond its checkpoint.
            rows = self._expand(level, tile, min(width, TILE_WIDTH)) if width > 0 else None
            one = rows[rise][start : start + HASH_BYTES] if rows else b""
            if not one:
                message = f"node {index} of height {height}: not complete at {self.size} leaves"
                raise ProofError(message)
            found.append(one)
        return found


def derived_tiles(
    leaf_hashes: Callable[[int, int], list[bytes]],
    full_tile: Callable[[int, int], bytes],
    tile_roots: Callable[[int, int, int], list[bytes]] | None = None,
) -> ReadTile:
    """A reader of every tile at every size, over a store that keeps only full tiles and leaves.

    *leaf_hashes*(start, stop) gives leaf hashes, *full_tile*(level, index) a stored tile, and
    *tile_roots*(level, start, stop) the roots kept beside the full tiles of a level. Without the
    last, a partial tile above level 0 is hashed anew from up to 255 full tiles: about 40 ms.
    """

    def read_tile(level: int, index: int, width: int) -> bytes:
        if width == TILE_WIDTH:
            return full_tile(level, index)
        start, stop = index * TILE_WIDTH, index * TILE_WIDTH + width
        if level == 0:
            hashes = leaf_hashes(start, stop)
        elif tile_roots is not None:
            hashes = tile_roots(level - 1, start, stop)
        else:
            hashes = [tile_root(full_tile(level - 1, below)) for below in range(start, stop)]
        return b"".join(hashes)

    return read_tile


def _expand(read_tile: ReadTile, level: int, index: int, width: int) -> list[bytes]:
    tile = read_tile(level, index, width)
    _check_tile(tile, width)
    return _rows(tile)


def _rows(tile: bytes) -> list[bytes]:
    """The nodes inside *tile*, a row for each of its eight heights, its own hashes first."""
    rows = [tile]
    for _ in range(TILE_HEIGHT - 1):
        rows.append(_row_above(rows[-1]))
    return rows


def _row_above(row: bytes) -> bytes:
    starts = range(0, len(row) - 2 * HASH_BYTES + 1, 2 * HASH_BYTES)
    return b"".join([sha256(_NODE + row[at : at + 2 * HASH_BYTES]).digest() for at in starts])


def _check_tile(tile: bytes, width: int) -> None:
    if len(tile) != width * HASH_BYTES:
        message = f"tile: {len(tile)} bytes, expected {width * HASH_BYTES} for width {width}"
        raise ProofError(message)
