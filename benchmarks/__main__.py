"""`python -m benchmarks [NAME ...]`: measure, print, and write `benchmarks/results.md`.

Without a name every benchmark runs, and only then the results are written: a table that mixes
runs would compare figures of different machines. A missed bar is shown, it fails nothing.
"""

import os
import platform
import sqlite3
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.table import Row, as_markdown

FOLDER = Path(__file__).parent
NOT_BENCHMARKS = {"__init__", "__main__", "many_steps", "shop", "table"}


def main(names: list[str]) -> int:
    known = sorted({path.stem for path in FOLDER.glob("*.py")} - NOT_BENCHMARKS)
    if unknown := sorted(set(names) - set(known)):
        print(f"benchmark {unknown[0]!r} is not known; there are: {', '.join(known)}")
        return 2
    rows = [row for name in names or known for row in measure(name)]
    print(summary(rows))
    if not names:
        (FOLDER / "results.md").write_text(page(rows), encoding="utf-8")
    return 0


def measure(name: str) -> list[Row]:
    print(f"== {name}", flush=True)
    rows: list[Row] = import_module(f"benchmarks.{name}").rows()
    print(as_markdown(rows), flush=True)
    return rows


def summary(rows: list[Row]) -> str:
    return f"{sum(row.met for row in rows)} of {len(rows)} bars are met."


def page(rows: list[Row]) -> str:
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )
    return (
        "# Results\n\nWritten by `make bench`; the ratio within one run is what counts.\n"
        f"Measured on: {machine}.\n\n{as_markdown(rows)}\n{summary(rows)}\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
