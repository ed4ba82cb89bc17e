"""Contrast of two colours by WCAG 2.2, and how different two colours look, by CIE 1976.

A colour is three numbers from 0 to 255: red, green and blue in sRGB, as a screen shows them.
"""

from math import sqrt
from typing import Final

__all__ = ["Colour", "contrast", "difference"]

Colour = tuple[float, float, float]

_WHITE: Final = (0.95047, 1.0, 1.08883)
"""Daylight (D65) in XYZ, which sRGB is made for."""


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio").

    >>> round(contrast((0, 0, 0), (255, 255, 255)), 1), contrast((9, 9, 9), (9, 9, 9))
    (21.0, 1.0)
    >>> round(contrast((118, 118, 118), (255, 255, 255)), 2)
    4.54
    """
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def difference(one: Colour, other: Colour) -> float:
    """How far two colours are apart in CIELAB; 2.3 is just noticed, black and white are 100.

    >>> round(difference((0, 0, 0), (255, 255, 255))), difference((1, 2, 3), (1, 2, 3))
    (100, 0.0)
    """
    return sqrt(sum((a - b) ** 2 for a, b in zip(_lab(one), _lab(other), strict=True)))


def _linear(part: float) -> float:
    share = part / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004  (IEC 61966-2-1)


def _luminance(colour: Colour) -> float:
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lab(colour: Colour) -> Colour:
    red, green, blue = map(_linear, colour)
    x, y, z = (
        _bent(value / white)
        for value, white in zip(
            (
                0.4124564 * red + 0.3575761 * green + 0.1804375 * blue,
                0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
                0.0193339 * red + 0.1191920 * green + 0.9503041 * blue,
            ),
            _WHITE,
            strict=True,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _bent(share: float) -> float:
    return float(share ** (1 / 3)) if share > 216 / 24389 else (24389 / 27 * share + 16) / 116
