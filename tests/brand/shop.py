"""The starter shop in a folder of its own, whole or with one thing changed."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from reciprocity.brand import starter

TODAY = date(2026, 11, 23)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Put *files* (text by path) into *folder*, and give the folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def shop(home: Path, *changes: tuple[str, str]) -> Path:
    """The starter in `home/shop`, each (old, new) of *changes* made in its brand file."""
    files = starter(None, TODAY)
    for old, new in changes:
        assert old in files["brand.toml"], f"the starter no longer says {old!r}"
        files["brand.toml"] = files["brand.toml"].replace(old, new, 1)
    return write(home / "shop", files)
