"""A prompt in a real Chromium, without a network: for those who have it as text, not on a site.

playwright drives the browser. It is no requirement of this package: whoever decides about messages
needs no browser, so it is looked for when a prompt is to be looked at, and said if it is missing.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from reciprocity.errors import Unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

__all__ = ["HEIGHT", "WIDTHS", "opened", "shown", "started"]

WIDTHS: Final = (390, 1280)
"""A telephone and a desk: a prompt has to be fair on both."""
HEIGHT: Final = 800
_AT: Final = "https://prompt.example/"


@contextmanager
def opened(html: str, *, width: int, height: int = HEIGHT) -> Iterator["Page"]:
    """The page *html* in a Chromium of its own: `started` and `shown` in one."""
    with started() as browser, shown(browser, html, width=width, height=height) as page:
        yield page


@contextmanager
def started() -> Iterator["Browser"]:
    """A Chromium without a window: the system's own, or the one that playwright installed.

    Raises `Unavailable` without playwright or Chromium.
    """
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415  (no requirement: see above)
    except ImportError as error:
        raise Unavailable(
            "playwright: not installed, and a prompt is looked at in a browser; "
            "install it: python -m pip install playwright && playwright install chromium"
        ) from error
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
    with sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=arguments
            )
        except Error as error:
            raise Unavailable(
                "Chromium: not found or not started; install it: playwright install chromium"
            ) from error
        with browser:
            yield browser


@contextmanager
def shown(browser: "Browser", html: str, *, width: int, height: int = HEIGHT) -> Iterator["Page"]:
    """The page *html* in a fresh profile, in a window of *width* times *height* CSS pixels.

    It is served as if from a site of its own; whatever it asks for beyond that goes nowhere, and
    is seen by `check_rendered` all the same.
    """

    def answer(route: "Route") -> None:
        if route.request.url == _AT:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        else:
            route.abort()

    with browser.new_context(viewport={"width": width, "height": height}) as context:
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(_AT)
        yield page
