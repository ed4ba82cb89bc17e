"""The demo's last step: its pages, served until told to end, and a link to each of them."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from reciprocity.brand import PAGE_LINK
from reciprocity.cli.demo.people import Made, chosen
from reciprocity.collect.proposition import asked_on_site
from reciprocity.deliver.link import Link
from reciprocity.deliver.run import send_own
from reciprocity.errors import InputError, Unavailable
from reciprocity.http.serve import run
from reciprocity.platform import Reciprocity

__all__ = ["page_links", "serve_pages"]

PORT: Final = 8080
_ENTRY: Final = re.compile(r"/e/[\w.-]+")


def serve_pages(
    console: Console, home: Path, people: Sequence[Made], left: Collection[str]
) -> None:
    """Serve the brand in *home*, on its port or on any free one, until told to end."""

    def announce(url: str) -> None:
        with Reciprocity.open(home) as shop:
            links = page_links(shop, people, left)
        console.print("\nIts pages are being served. Open one:\n", style="bold")
        for what, path in links:
            console.print(f"  {what}\n  {url}{path}\n", soft_wrap=True)
        console.print("Stop with Ctrl-C.")

    try:
        run(home, port=PORT, announce=announce)
    except Unavailable:
        run(home, port=0, announce=announce)


def page_links(
    shop: Reciprocity, people: Sequence[Made], left: Collection[str]
) -> list[tuple[str, str]]:
    """What there is to look at, and its path: one who stayed is asked for a link, as by mail.

    Raises `InputError` where nobody stayed.
    """
    stayed = next(
        (one.customer for one in people if chosen(one) and one.customer not in left), None
    )
    if stayed is None:
        raise InputError("demo has nobody who stayed: give it more --people")
    slot = shop.find(f"id:{stayed}")
    token = shop.links.make(Link(slot, 1, "offers", "email"))
    return [
        (f"the page of customer {stayed}: works once, for 15 minutes", _entry(shop, slot)),
        *((f"where people are asked: {told.title}", f"/join/{name}")
          for name, told in shop.statement.propositions.items()
          if not asked_on_site(shop.statement, name)),
        ("how everybody asks for their own (the mail lies in the Maildir)", "/enter"),
        ("the link in every message that can only mean less", f"/p/{token}"),
        ("the link in every message that stops it", f"/u/{token}"),
        ("the five promises, and how they stand", "/promises"),
        ("the page that checks proofs, yours to keep", "/verify"),
        ("the public log's checkpoint", "/log/checkpoint"),
    ]  # fmt: skip


def _entry(shop: Reciprocity, slot: int) -> str:
    """The way into the page of the person in *slot*, out of the mail that they were sent."""
    mails = shop.brand.folder / "maildir" / "new"
    before = set(mails.iterdir())
    send_own(shop.post, slot, f"{PAGE_LINK}-email", "demo")
    for mail in set(mails.iterdir()) - before:
        found = _ENTRY.search(mail.read_text(encoding="utf-8").replace("=\n", ""))
        if found:
            return found[0]
    return "/enter"
