"""A shop's front page that shows each customer what they asked to see, and nothing else.

    python examples/web_app/app.py SHOP    then open http://127.0.0.1:8000/?customer=C-1041

SHOP is a brand's folder with messages for a place `front` of its site. Whoever is signed in is
known here by their customer number; a real shop takes it from its session. The page asks what may
be shown, and shows it only with the words that come once that is on record.
"""

import sys
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from wsgiref.simple_server import make_server

from reciprocity import Decision, InputError, Reciprocity

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]
PLACE = "front"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>The shop</title>
<h1>The shop</h1>{body}"""


def application(shop: Reciprocity) -> Callable[[Environ, Start], Iterable[bytes]]:
    """A WSGI application; *shop* may be shared by all its threads."""

    def answer(environ: Environ, start: Start) -> Iterable[bytes]:
        customer = parse_qs(environ.get("QUERY_STRING", "")).get("customer", [""])[0]
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [PAGE.format(body=front(shop, customer)).encode()]

    return answer


def front(shop: Reciprocity, customer: str) -> str:
    """What stands at the place for *customer*; empty for whoever did not say yes to that."""
    best = next(iter(shop.decide(f"id:{customer}", place=PLACE)), None)
    if best is None or best.decision.verdict != "deliver":
        return ""
    try:
        person = shop.find(f"id:{customer}")
        told = shop.on_site.show(person, PLACE, best.campaign, best.message, uuid4().hex)
    except InputError:
        return ""
    if isinstance(told, Decision):  # they said something in this very moment
        return ""
    return (
        f"<h2>{escape(told.subject)}</h2><p>{escape(told.text)}</p>"
        f'<p><a href="{escape(told.why)}">Why this message</a> '
        f'<a href="{escape(told.stop)}">Take it back</a></p>'
    )


if __name__ == "__main__":
    with (
        Reciprocity.open(sys.argv[1]) as opened,
        make_server("127.0.0.1", 8000, application(opened)) as server,
    ):
        print("http://127.0.0.1:8000/")
        server.serve_forever()
