"""Mails sent a second, each decided again at the door.

The letters go into a Maildir: an attempt on record, the letter rendered and built, synced, the
person's version read once more, the file named, the outcome on record.
"""

import sys
from time import perf_counter

from benchmarks.shop import open_shop
from benchmarks.table import Row, as_markdown

__all__ = ["rows"]

MAILS = 2_000


def rows() -> list[Row]:
    """Mails to a Maildir."""
    with open_shop(MAILS) as (shop, _):
        begun = perf_counter()
        shop.plan("spring")
        planned = perf_counter() - begun
        begun = perf_counter()
        report = shop.send("spring", "operator:bench")
        took = perf_counter() - begun
        assert report.delivered == MAILS, report
        assert not shop.audit().breaches
    return [
        Row(
            work="mails to a Maildir, each decided again at the door", at_least=500,
            measured=MAILS / (took - planned), unit="/s",
        ),
    ]  # fmt: skip


def main() -> None:
    """Print the rows."""
    sys.stdout.write(as_markdown(rows()))


if __name__ == "__main__":
    main()
