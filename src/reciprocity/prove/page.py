"""The verifier as one HTML file: works from a disk, without a network, and anyone may host it.

The modules of `static/` are put one into the other, each in a function of its own, because a page
that is opened from a disk may import nothing. Script and style are named by their hashes in the
page's own policy, which allows nothing else and no connection.
"""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Final

__all__ = ["verifier_page"]

_ENTRY: Final = "page.js"
_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([^"]+)";\n', re.MULTILINE | re.DOTALL)
_EXPORT: Final = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
_AGAIN: Final = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)


def verifier_page() -> str:
    """The text of the page."""
    style, script = _text("verify.css"), _bundle()
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'"
    )
    page = _text("verify.html")
    for mark, text in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script)):
        page = page.replace(mark, text, 1)
    return page


def _text(name: str) -> str:
    return (files("reciprocity") / "static" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _bundle() -> str:
    """All modules that the entry needs, each before whoever imports it."""
    done: dict[str, str] = {}
    _put(_ENTRY, done)
    return "\n" + "\n".join(done.values())


def _put(path: str, done: dict[str, str]) -> None:
    """Add the module at *path* to *done*, after those it imports."""
    if path in done:
        return
    text, folder = _text(path), path.rpartition("/")[0]
    for _, found in _IMPORT.findall(text):
        _put(f"{folder}/{found}" if folder else found, done)

    def imported(match: re.Match[str]) -> str:
        target = f"{folder}/{match[2]}" if folder else match[2]
        return f"const {{{match[1]}}} = {_name(target)};\n"

    names = _EXPORT.findall(text) + [
        name.strip()
        for listed in _AGAIN.findall(text)
        for name in listed.split(",")
        if name.strip()
    ]
    body = _AGAIN.sub("", _IMPORT.sub(imported, text))
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    done[path] = (
        f"const {_name(path)} = (() => {{\n{body}return {{ {', '.join(names)} }};\n}})();\n"
    )


def _name(path: str) -> str:
    return "module_" + re.sub(r"\W", "_", path)
