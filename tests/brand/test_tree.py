"""What is above and below a purpose or a topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.brand import ancestors, descendants, load, topic_ancestors, topic_descendants
from reciprocity.brand.tree import above, below
from reciprocity.model import Topic
from tests.brand.shop import shop

NODES = st.sampled_from("abcdef")
TREES = st.dictionaries(NODES, NODES | st.none()).map(
    lambda parents: {name: Topic(title=name, parent=parent) for name, parent in parents.items()}
)


@pytest.fixture
def statement(tmp_path):
    return load(shop(tmp_path)).statement


def test_a_purpose_knows_what_is_above_and_below(statement):
    assert ancestors(statement, "offers") == ("marketing",)
    assert descendants(statement, "marketing") == ("news", "offers")
    assert ancestors(statement, "marketing") == descendants(statement, "offers") == ()


def test_a_topic_knows_what_is_above_and_below(statement):
    assert topic_ancestors(statement, "vegetables") == ("garden",)
    assert topic_descendants(statement, "kitchen") == ("bread",)


def test_what_is_in_no_tree_has_nothing_above_or_below(statement):
    for unknown in ("purchases", "nothing", "*"):
        assert ancestors(statement, unknown) == descendants(statement, unknown) == ()


def test_the_nearest_is_first_above_and_parents_come_first_below():
    tree = {"c": Topic(title="C", parent="b"), "b": Topic(title="B", parent="z")}
    tree["z"] = Topic(title="Z")
    tree["d"] = Topic(title="D", parent="z")
    assert above(tree, "c") == ("b", "z")
    assert below(tree, "z") == ("b", "d", "c")


@given(TREES, NODES)
def test_even_in_a_circle_the_way_ends_and_no_node_is_its_own(tree, node):
    for way in (above(tree, node), below(tree, node)):
        assert node not in way
        assert len(set(way)) == len(way)


@given(TREES, NODES, NODES)
def test_above_and_below_say_the_same(tree, one, other):
    if one in tree and other in tree:
        assert (one in above(tree, other)) == (other in below(tree, one))
