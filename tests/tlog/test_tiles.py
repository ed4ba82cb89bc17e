"""Tiles, paths and bundles against C2SP tlog-tiles, and their cost in tiles read."""

import functools
import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reciprocity.errors import ProofError
from reciprocity.tlog.merkle import (
    Frontier,
    check_inclusion,
    hash_leaves,
    prove_consistency,
    prove_inclusion,
    root_at,
)
from reciprocity.tlog.tiles import (
    TILE_BYTES,
    Edge,
    TilePath,
    TileReader,
    derived_tiles,
    encode_entries,
    full_tiles,
    parse_entries,
    parse_tile,
    partial_tiles,
    tile_root,
    tile_width,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/tlog/tiles.json").read_bytes())
SIZE = 70_000


class Store:
    """What the journal keeps: leaf hashes, full tiles and their roots. Counts what is read."""

    def __init__(self) -> None:
        self.leaves = hash_leaves(str(index).encode() for index in range(SIZE))
        edge = Edge()
        self.growth, tiles = edge.extend(self.leaves)
        self.tiles = {(tile.level, tile.index): tile for tile in tiles}
        self.reads: list[tuple[int, int, int]] = []
        self._derived = derived_tiles(
            lambda start, stop: self.leaves[start:stop],
            lambda level, index: self.tiles[level, index].hashes,
            lambda level, start, stop: [
                self.tiles[level, index].root for index in range(start, stop)
            ],
        )

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        self.reads.append((level, index, width))
        return self._derived(level, index, width)


@functools.cache
def store() -> Store:
    return Store()


def test_the_tree_of_the_vectors_has_its_tiles_and_its_root() -> None:
    tree = VECTORS["tree"]
    assert tree["size"] == SIZE
    assert root_at(SIZE, TileReader(store().read_tile, SIZE)).hex() == tree["root"]
    for case in tree["tiles"]:
        tile = store().read_tile(case["level"], case["index"], case["width"])
        assert len(parse_tile(tile, case["width"])) == case["width"]
        assert sha256(tile).hexdigest() == case["sha256"]


@pytest.mark.parametrize("case", VECTORS["sizes"], ids=lambda case: str(case["size"]))
def test_partial_tiles_are_those_of_the_vectors(case: dict) -> None:
    size = case["size"]
    assert [list(one) for one in partial_tiles(size)] == case["partial"]
    for level, index, width in partial_tiles(size):
        assert tile_width(level, index, size) == width
        assert tile_width(level, index + 1, size) == 0
    for level, index in full_tiles(0, size):
        assert tile_width(level, index, size) == 256


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3000), max_size=6), st.integers(0, SIZE - 18_000))
def test_growing_in_any_batches_yields_each_full_tile_once_with_its_root(
    counts: list[int], start: int
) -> None:
    edge = Edge.load(start, store().read_tile)
    for count in counts:
        size = edge.size
        growth, tiles = edge.extend(store().leaves[size : size + count])
        assert [(tile.level, tile.index) for tile in tiles] == full_tiles(size, size + count)
        for tile in tiles:
            assert tile == store().tiles[tile.level, tile.index]
            assert tile.root == tile_root(tile.hashes)
        assert growth.size == edge.size == size + count
    assert edge.root() == root_at(edge.size, store().growth)


def test_level_2_appears_when_65536_leaves_are_complete() -> None:
    edge = Edge.load(65_535, store().read_tile)
    _, tiles = edge.extend(store().leaves[65_535:65_536])
    assert [(tile.level, tile.index) for tile in tiles] == [(0, 255), (1, 0)]
    assert edge.frontier.hashes == [tiles[1].root]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 65_535, 65_536, 65_537, SIZE])
def test_a_loaded_edge_goes_on_like_the_one_that_was_never_lost(size: int) -> None:
    store().reads.clear()
    edge = Edge.load(size, store().read_tile)
    assert store().reads == partial_tiles(size)
    assert edge.root() == root_at(size, store().growth)
    copy = edge.copy()
    _, tiles = copy.extend([bytes(32)] * 300)
    _, again = edge.extend([bytes(32)] * 300)
    assert tiles == again
    assert copy.root() == edge.root()


def test_a_failed_commit_leaves_the_edge_as_it_was() -> None:
    edge = Edge.load(1000, store().read_tile)
    root = edge.root()
    edge.copy().extend([bytes(32)] * 1000)
    assert (edge.size, edge.root()) == (1000, root)
    _, tiles = edge.extend(store().leaves[1000:1024])
    assert tiles == [store().tiles[0, 3]]


@settings(max_examples=60)
@given(st.integers(1, SIZE), st.data())
def test_proofs_read_through_tiles_are_those_of_the_whole_tree(
    size: int, data: st.DataObject
) -> None:
    reader = TileReader(store().read_tile, size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    proof = prove_inclusion(index, size, reader)
    assert proof == prove_inclusion(index, size, store().growth)
    check_inclusion(proof, index, store().leaves[index], size, root_at(size, reader))
    assert prove_consistency(old, size, reader) == prove_consistency(old, size, store().growth)
    assert Frontier.load(size, reader).root() == root_at(size, store().growth)


@settings(max_examples=40)
@given(st.integers(1, SIZE), st.data())
def test_a_proof_reads_two_tiles_a_level_at_most_and_none_beyond_the_size(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    store().reads.clear()
    prove_inclusion(index, size, TileReader(store().read_tile, size))
    levels = [level for level, _, _ in store().reads]
    assert all(levels.count(level) <= 2 for level in levels)
    for level, tile, width in store().reads:
        assert width == tile_width(level, tile, size)


def test_a_tile_read_once_is_kept_and_shared_with_readers_of_other_sizes() -> None:
    store().reads.clear()
    reader = TileReader(store().read_tile, SIZE)
    prove_inclusion(5, SIZE, reader)
    count = len(store().reads)
    prove_inclusion(6, SIZE, reader)
    assert len(store().reads) == count
    prove_inclusion(7, 256, reader.at(256))
    assert len(store().reads) == count
    assert (reader.size, reader.at(256).size) == (SIZE, 256)


def test_partial_tiles_follow_from_full_tiles_alone() -> None:
    bare = derived_tiles(
        lambda start, stop: store().leaves[start:stop],
        lambda level, index: store().tiles[level, index].hashes,
    )
    for level, index, width in [*partial_tiles(SIZE), (1, 0, 3), (0, 5, 256), (1, 0, 256)]:
        assert bare(level, index, width) == store().read_tile(level, index, width)


def test_a_node_beyond_the_size_is_refused_and_not_looked_for() -> None:
    store().reads.clear()
    reader = TileReader(store().read_tile, 300)
    for node in [(0, 300), (0, 512), (2, 75), (8, 1), (9, 0), (60, 0)]:
        with pytest.raises(ProofError, match="not complete at 300"):
            reader.read_nodes([node])
    assert all(width == tile_width(level, tile, 300) for level, tile, width in store().reads)


@pytest.mark.parametrize("data", [b"", bytes(TILE_BYTES - 1), bytes(TILE_BYTES + 32)])
def test_a_tile_of_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(ProofError, match="tile: "):
        parse_tile(data, 256)
    with pytest.raises(ProofError, match="tile: "):
        tile_root(data)
    with pytest.raises(ProofError, match="tile: "):
        root_at(256 * 256, TileReader(lambda _level, _index, _width: data, 256 * 256))


@pytest.mark.parametrize("case", VECTORS["paths"], ids=lambda case: case["path"])
def test_paths_are_those_of_the_vectors(case: dict) -> None:
    place = TilePath(case["level"], case["index"], case["width"])
    assert place.encode() == case["path"]
    assert TilePath.parse(case["path"]) == place


@pytest.mark.parametrize("path", VECTORS["paths_refused"])
def test_any_other_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(ProofError, match="tile path"):
        TilePath.parse(path)


@pytest.mark.parametrize(
    "place",
    [TilePath(64, 0), TilePath(-1, 0), TilePath(0, -1), TilePath(0, 2**53), TilePath(0, 0, 0)],
)
def test_a_place_that_does_not_exist_has_no_path(place: TilePath) -> None:
    with pytest.raises(ProofError, match="tile path"):
        place.encode()


near_paths = st.from_regex(
    r"tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,2}[0-9]{3}(\.p/[0-9]{1,3})?", fullmatch=True
)


@given(st.one_of(near_paths, st.text()))
def test_a_path_is_refused_or_encodes_to_itself(path: str) -> None:
    try:
        place = TilePath.parse(path)
    except ProofError:
        return
    assert place.encode() == path


@pytest.mark.parametrize("case", VECTORS["entries"], ids=lambda case: case["bundle"][:20])
def test_bundles_are_those_of_the_vectors(case: dict) -> None:
    entries = [bytes.fromhex(entry) for entry in case["entries"]]
    bundle = bytes.fromhex(case["bundle"])
    assert encode_entries(entries) == bundle
    assert parse_entries(bundle, len(entries)) == entries


@pytest.mark.parametrize("case", VECTORS["entries_refused"], ids=lambda case: case["why"])
def test_a_bundle_that_does_not_fit_is_refused(case: dict) -> None:
    with pytest.raises(ProofError, match="entry bundle"):
        parse_entries(bytes.fromhex(case["bundle"]), case["width"])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert parse_entries(encode_entries(entries), len(entries)) == entries


@given(st.binary(max_size=40), st.integers(0, 5))
def test_a_bundle_is_refused_or_encodes_to_itself(data: bytes, width: int) -> None:
    try:
        entries = parse_entries(data, width)
    except ProofError:
        return
    assert encode_entries(entries) == data


@pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(65_536)]])
def test_a_bundle_that_cannot_be_published_is_not_made(entries: list[bytes]) -> None:
    with pytest.raises(ProofError, match="entry bundle"):
        encode_entries(entries)
