"""The code blocks of a page that a comment before them makes a promise about."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from docs.build import parse

MARK = re.compile(r"<!-- (run|file: (?P<file>\S+)) -->")


class Block(NamedTuple):
    """A fenced block; *file* is the file it must equal, "" if it is to be run."""

    language: str
    text: str
    file: str
    line: int


def marked(page: Path) -> list[Block]:
    """The marked blocks of *page* in their order; a mark without a block is an error."""
    return list(_marked(page))


def _marked(page: Path) -> Iterator[Block]:
    for before, token in pairwise(parse(page)):
        mark = MARK.fullmatch(before.content.strip()) if before.type == "html_block" else None
        if mark is None:
            continue
        line = before.map[0] + 1 if before.map else 0
        if token.type != "fence":
            raise ValueError(f"{page.name}:{line}: no code block follows the mark")
        yield Block(token.info.strip(), token.content, mark["file"] or "", line)
