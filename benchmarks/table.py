"""One row a measured thing: the figure, the limit of the same run, the bar, and whether it is met.

Every other module of this package has `rows() -> list[Row]`, which takes its measurements and
returns them. A ratio within one run says more than a figure: it holds on another machine too.
"""

from collections.abc import Callable, Iterable
from statistics import median
from time import perf_counter

from msgspec import Struct

__all__ = ["Row", "as_markdown", "median_seconds"]

HEADINGS = ("work", "measured", "limit or peer", "ratio", "bar", "met")


class Row(Struct, frozen=True, kw_only=True):
    """One figure in *unit*; the bars that are set must all hold.

    *limit* is what the best conceivable way, or a peer, reached in this very run, in the same
    unit, and *limit_is* says what that is; 0 for none. The ratio is measured / limit.
    """

    work: str
    measured: float
    unit: str
    limit: float = 0
    limit_is: str = ""
    at_least: float | None = None
    at_most: float | None = None
    ratio_at_least: float | None = None
    ratio_at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Measured / limit; None where there is no limit."""
        return self.measured / self.limit if self.limit else None

    @property
    def met(self) -> bool:
        """Do all bars that are set hold? A bar on the ratio of a row without limit does not."""
        return _within(self.measured, self.at_least, self.at_most) and _within(
            self.ratio, self.ratio_at_least, self.ratio_at_most
        )

    @property
    def bar(self) -> str:
        """The bars in words.

        >>> Row(work="replay", measured=30_000, unit="/s", at_least=25_000, ratio_at_least=0.6).bar
        '≥ 25,000 /s, ≥ 0.6x'
        """
        bars = (
            ("≥", self.at_least, f" {self.unit}"),
            ("≤", self.at_most, f" {self.unit}"),
            ("≥", self.ratio_at_least, "x"),
            ("≤", self.ratio_at_most, "x"),
        )
        return ", ".join(
            f"{sign} {number(bar)}{unit}" for sign, bar, unit in bars if bar is not None
        )


def _within(value: float | None, at_least: float | None, at_most: float | None) -> bool:
    if value is None:
        return at_least is None and at_most is None
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def number(value: float) -> str:
    """*value* with three significant digits, and all digits before the point.

    >>> number(11_604.4), number(0.1934), number(2)
    ('11,604', '0.193', '2')
    """
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def as_markdown(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *map(_cells, rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(row: Row) -> tuple[str, ...]:
    limit = f"{number(row.limit)} {row.unit} ({row.limit_is})" if row.limit else ""
    ratio = "" if row.ratio is None else f"{number(row.ratio)}x"
    met = "yes" if row.met else "**no**"
    return row.work, f"{number(row.measured)} {row.unit}", limit, ratio, row.bar, met


def median_seconds(work: Callable[[], object], runs: int = 5) -> float:
    """The median time of *runs* calls of *work*, in seconds."""
    return median(_seconds(work) for _ in range(runs))


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
