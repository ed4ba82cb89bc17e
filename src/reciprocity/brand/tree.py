"""The trees a brand declares: what is above and below a purpose or a topic.

Pure and total: an id that is in no tree has nothing above or below it, and a circle (which a brand
file may not have) ends where it closes.
"""

from collections.abc import Mapping

from reciprocity.brand.declared import BrandStatement
from reciprocity.model import Id, Purpose, Topic

__all__ = ["ancestors", "descendants", "topic_ancestors", "topic_descendants"]


def ancestors(statement: BrandStatement, purpose_id: str) -> tuple[Id, ...]:
    """The purposes above *purpose_id*, nearest first."""
    return above(statement.purposes, purpose_id)


def descendants(statement: BrandStatement, purpose_id: str) -> tuple[Id, ...]:
    """The purposes below *purpose_id*, each after the one it stands under, else by name."""
    return below(statement.purposes, purpose_id)


def topic_ancestors(statement: BrandStatement, topic_id: str) -> tuple[Id, ...]:
    """The topics above *topic_id*, nearest first."""
    return above(statement.topics, topic_id)


def topic_descendants(statement: BrandStatement, topic_id: str) -> tuple[Id, ...]:
    """The topics below *topic_id*, each after the one it stands under, else by name."""
    return below(statement.topics, topic_id)


def above(tree: Mapping[str, Purpose] | Mapping[str, Topic], node: str) -> tuple[Id, ...]:
    """What is above *node* in *tree*, nearest first.

    >>> above({"a": Topic(title="A"), "b": Topic(title="B", parent="a")}, "b")
    ('a',)
    """
    found: dict[Id, None] = {}
    parent = tree[node].parent if node in tree else None
    while parent is not None and parent in tree and parent != node and parent not in found:
        found[parent] = None
        parent = tree[parent].parent
    return tuple(found)


def below(tree: Mapping[str, Purpose] | Mapping[str, Topic], node: str) -> tuple[Id, ...]:
    """What is below *node* in *tree*: parents before children, else by name.

    >>> below({"a": Topic(title="A"), "b": Topic(title="B", parent="a")}, "a")
    ('b',)
    """
    found: list[Id] = []
    level = [node]
    while level:
        level = sorted(
            name
            for name, told in tree.items()
            if told.parent in level and name != node and name not in found
        )
        found.extend(level)
    return tuple(found)
