"""One real Chromium for the session, and our own static files on 127.0.0.1 for it."""

from __future__ import annotations

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.prove.verify.conftest import given  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

STATIC = Path(__file__).resolve().parents[2] / "src" / "reciprocity" / "static"


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing about it; scripts as scripts."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of our static files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(STATIC)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that `playwright install` brought; fails if there is none."""
    found = shutil.which("chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in a fresh profile; what it logs as an error fails the test."""
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert errors == []


@pytest.fixture(scope="module")
def verifier(browser: Browser, site: str) -> Iterator[Page]:
    """A page that has our verifier loaded as `window.verify`."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/verify.js")  # any page of that origin will do: modules load from there
    page.evaluate("async site => { window.verify = await import(`${site}/verify.js`); }", site)
    yield page
    context.close()


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where pictures of the pages go, to be looked at; no test reads them."""
    folder = Path(__file__).parents[2] / ".screenshots"
    folder.mkdir(exist_ok=True)
    return folder
