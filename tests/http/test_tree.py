"""A brand's markup on a page: what is listed comes through, and nothing that could act."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.http.tree import node, tree_of

TAKEN = {"a", "b", "blockquote", "br", "div", "em", "figcaption", "figure", "h2", "h3", "h4", "i",
         "img", "li", "ol", "p", "small", "span", "strong", "ul"}  # fmt: skip
MARKS = {"href", "src", "alt", "width", "height", "lang", "dir", "title"}


@pytest.mark.parametrize(
    ("html", "tree"),
    [
        ("Rye & wheat", ["Rye & wheat"]),
        ("&lt;b&gt;", ["<b>"]),
        ("<p>One<p>Two", [node("p", None, "One", node("p", None, "Two"))]),
        ("<br>x", [node("br"), "x"]),
        ("<br/>x", [node("br"), "x"]),
        ("<p>a</div>b</p>c", [node("p", None, "a", "b"), "c"]),
        ("<h1>Loud</h1>", ["Loud"]),
        ("<form><input value=1>in</form>", ["in"]),
        ("<script>x</script>a<style>y</style>", ["a"]),
        ("<script>x", []),
        ("<!-- no -->a<!doctype html>", ["a"]),
        ("<p style='x' class=y id=z onclick=w lang=de>a", [node("p", {"lang": "de"}, "a")]),
        ("<a href='https://shop.example/x'>a</a>",
         [node("a", {"href": "https://shop.example/x"}, "a")]),
        ("<a href='/rye'>a</a>", [node("a", {"href": "/rye"}, "a")]),
        ("<a href=' JaVaScRiPt:x()'>a</a>", [node("a", None, "a")]),
        ("<a href='java\tscript:x()'>a</a>", [node("a", None, "a")]),
        ("<a href='data:text/html,x'>a</a>", [node("a", None, "a")]),
        ("<a href='//elsewhere.example'>a</a>", [node("a", None, "a")]),
        ("<img src='https://shop.example/a.png' alt='A' onerror=x>",
         [node("img", {"src": "https://shop.example/a.png", "alt": "A"})]),
    ],
)  # fmt: skip
def test_what_is_taken(html, tree):
    assert list(tree_of(html)) == tree


@given(st.text(st.sampled_from("<>/='\" abpscriptstyledivahrefonclick:&;!-\t\n")))
def test_nothing_else_ever_comes_through(html):
    rest = list(tree_of(html))
    while rest:
        one = rest.pop()
        if isinstance(one, str):
            continue
        name, marks, *children = one
        assert name in TAKEN
        assert set(marks) <= MARKS
        assert not any(mark.strip().lower().startswith("javascript") for mark in marks.values())
        rest += children
