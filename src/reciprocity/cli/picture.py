"""A picture of what a new brand file would change: two bars a message, before and after."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reciprocity.platform.difference import Difference

__all__ = ["picture_of"]

_WIDTH, _LEFT, _BAR, _GAP, _TOP = 760, 170, 22, 30, 56
_DELIVER: Final = "deliver"
_COLOURS: Final = (
    "#8a5a00", "#3b5bdb", "#a61e4d", "#5f3dc4", "#0b7285", "#495057", "#d9480f", "#364fc7",
    "#862e9c", "#087f5b", "#c92a2a", "#5c940d",
)  # fmt: skip
_GO: Final = "#2b8a3e"


def picture_of(found: "Difference") -> str:
    """An SVG: for each message how everybody fares before and after, by outcome; with a legend."""
    reasons = sorted({
        reason for side in (found.before, found.after) for told in side.values() for reason in told
    } - {_DELIVER})  # fmt: skip
    colours = {_DELIVER: _GO} | {
        reason: _COLOURS[number % len(_COLOURS)] for number, reason in enumerate(reasons)
    }
    rows, y = [], _TOP
    for name in found.before:
        rows.append(_text(8, y + _BAR, name, weight="600"))
        for label, side in (("before", found.before), ("after", found.after)):
            rows.append(_text(_LEFT - 8, y + 16, label, anchor="end"))
            rows += _bar(side[name], y, found.people, colours)
            y += _BAR + 4
        y += _GAP - 8
    for number, (reason, colour) in enumerate(colours.items()):
        x, line = _LEFT + number % 3 * 190, y + number // 3 * 20
        rows.append(f'<rect x="{x}" y="{line}" width="12" height="12" fill="{colour}"/>')
        rows.append(_text(x + 18, line + 11, reason))
    height = y + (len(colours) + 2) // 3 * 20 + 12
    changed = sum(one.people for one in found.moved)
    title = f"{changed:,} outcomes of {found.people:,} people would change"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>{escape(title)}</title>'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
        f"{_text(8, 26, title, weight='700', size=16)}{''.join(rows)}</svg>\n"
    )


def _bar(told: Mapping[str, int], y: int, people: int, colours: Mapping[str, str]) -> Iterator[str]:
    x = float(_LEFT)
    for reason in colours:
        count = told.get(reason, 0)
        width = count / max(people, 1) * (_WIDTH - _LEFT - 16)
        if count:
            yield (
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" '
                f'fill="{colours[reason]}"><title>{escape(reason)}: {count:,}</title></rect>'
            )
        x += width


def _text(
    x: int, y: int, text: str, *, anchor: str = "start", weight: str = "400", size: int = 13
) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}">{escape(text)}</text>'
    )
