"""`python docs/build.py SITE`: every page of the documentation as plain HTML, offline, no script.

Two libraries that are here anyway do the work (markdown-it-py and minijinja), so there is no
site generator to keep up with: docs/decisions/0004-no-site-generator.md. The tests read pages,
links and anchors through the same functions.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from minijinja import Environment

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
CAPTIONED = {"a": "href", "img": "src"}


def pages() -> list[Path]:
    """Every Markdown page that people read: those beside README.md, then `docs/`."""
    return sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def parse(page: Path) -> list[Token]:
    """The page's tokens; each heading carries the id that links name."""
    tokens = MARKDOWN.parse(page.read_text(encoding="utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrs["id"] = slug(inline.content)
    return tokens


def slug(heading: str) -> str:
    """The id of a heading, as code hosts make it.

    >>> slug("What would change our mind?")
    'what-would-change-our-mind'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """What a link to *page* may name behind its `#`."""
    return {str(token.attrs["id"]) for token in parse(page) if "id" in token.attrs}


def references(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    """Each link or picture, and where it points."""
    for token in tokens:
        for child in token.children or ():
            if (name := CAPTIONED.get(child.tag)) and name in child.attrs:
                yield child, str(child.attrs[name])


def is_local(target: str) -> bool:
    """Does *target* point into this repository?"""
    return not re.match(r"[a-z]+:", target)


def resolve(page: Path, target: str) -> tuple[Path, str]:
    """The file that a local *target* on *page* names, and the anchor, "" for none."""
    path, _, anchor = unquote(target).partition("#")
    return (Path(normpath(page.parent / path)) if path else page), anchor


def build(site: Path) -> int:
    """Write all pages, and the files they link to, below *site*; the number of pages."""
    template = (ROOT / "docs" / "page.html.j2").read_text(encoding="utf-8")
    environment = Environment(templates={"page.html": template})
    shutil.rmtree(site, ignore_errors=True)
    for page in pages():
        tokens = parse(page)
        for token, target in references(tokens):
            if is_local(target):
                _follow(token, target, page, site)
        out = site / page.relative_to(ROOT).with_suffix(".html")
        out.parent.mkdir(parents=True, exist_ok=True)
        html = environment.render_template(
            "page.html",
            title=next(t.content for t in tokens if t.type == "inline"),
            root="../" * (len(page.relative_to(ROOT).parts) - 1),
            body=MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}),
        )
        out.write_text(html, encoding="utf-8")
    shutil.copy(site / "README.html", site / "index.html")
    return len(pages())


def _follow(token: Token, target: str, page: Path, site: Path) -> None:
    """Make the link of *token* hold in the site: name the HTML page, or bring the file along."""
    file, _ = resolve(page, target)
    if file.suffix == ".md":
        token.attrs["href"] = re.sub(r"\.md(?=#|$)", ".html", target)
    elif file.is_file():
        copy = site / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    print(f"{build(folder)} pages in {folder}/")
