"""Proofs checked in a real Chromium, by WebCrypto: one receipt, and a person's hundred events.

Beside it the same files by the verifier in Python, in the same run.
"""

import os
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from playwright.sync_api import sync_playwright

from benchmarks.table import Row, as_markdown
from reciprocity.prove.person import person_proof
from reciprocity.prove.verify import verify_person, verify_receipt
from tests.shop import Clock, add_people, new_shop, withdraw

__all__ = ["rows"]

STATIC = Path(__file__).parents[1] / "src" / "reciprocity" / "static"
PEOPLE = 20_000
EVENTS = 100
RUNS = 31
TIMED = """
async ([name, file, key, runs]) => {
  const { [name]: check } = await import("./verify.js");
  const times = [];
  for (let run = 0; run < runs; run += 1) {
    const begun = performance.now();
    await check(file, { keys: [key] });
    times.push(performance.now() - begun);
  }
  return times;
}
"""


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def rows() -> list[Row]:
    """In the browser and in Python: milliseconds, the median of some runs."""
    key, receipt, person = _files()
    browser = _in_browser(key, {"verifyReceipt": receipt, "verifyPerson": person})
    python = {
        "verifyReceipt": _median_ms(lambda: verify_receipt(receipt, [key])),
        "verifyPerson": _median_ms(lambda: verify_person(person, [key])),
    }
    bars = {"verifyReceipt": ("one proof", 10), "verifyPerson": (f"a person's {EVENTS} events", 50)}
    return [
        Row(
            work=f"{work} checked in the browser", measured=browser[name], unit="ms", at_most=bar,
            limit=python[name], limit_is="the verifier in Python",
        )
        for name, (work, bar) in bars.items()
    ]  # fmt: skip


def _files() -> tuple[str, bytes, bytes]:
    """A log's key, a receipt, and the proof of a person with a hundred events."""
    with TemporaryDirectory() as folder, new_shop(Path(folder), clock=Clock()) as shop:
        slots = add_people(shop, PEOPLE)
        for _ in range(EVENTS - 1):
            withdraw(shop, slots[7])
        person = person_proof(shop.journal, slots[7])
        assert len(person.events) == EVENTS
        key = shop.journal.signer().verifier_key.encode()
        return key, shop.receipt(person.events[0].index).encode(), person.encode()


def _median_ms(work: object) -> float:
    times = []
    for _ in range(RUNS):
        begun = perf_counter()
        work()  # type: ignore[operator]
        times.append(perf_counter() - begun)
    return median(times) * 1000


def _in_browser(key: str, files: dict[str, bytes]) -> dict[str, float]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=arguments
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/verify.js")
            found = {
                name: median(page.evaluate(TIMED, [name, data.decode(), key, RUNS]))
                for name, data in files.items()
            }
            browser.close()
            return found
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    """Print the rows."""
    sys.stdout.write(as_markdown(rows()))


if __name__ == "__main__":
    main()
