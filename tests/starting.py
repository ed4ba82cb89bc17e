"""The starter's brand, in force, in a folder of its own."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reciprocity.brand import starter
from reciprocity.platform import Reciprocity
from tests.place import placed
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["started_in"]


def started_in(
    place: Path,
    change: Callable[[str], str] = str,
    *,
    opens: date = date(2026, 9, 1),
    clock: Clock | None = None,
) -> Path:
    """The folder *place*/shop: the starter as on the day *opens*, its brand file *change*d."""
    folder = placed(place / "shop")
    for path, text in starter(None, opens).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(change(text) if path == "brand.toml" else text)
    with Reciprocity.create(folder, clock or Clock()) as shop:
        shop.apply("operator:tests")
    return folder
