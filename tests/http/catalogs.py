"""The catalogs of the pages: `python -m tests.http.catalogs` brings them up to what is said now.

New sentences come in without a translation, which a test then asks for; what is said no more goes.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from reciprocity.http.speech import LANGUAGES

HTTP = Path(__file__).parents[2] / "src" / "reciprocity" / "http"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
KEYWORDS = {
    "say": None,
    "say_many": (1, 2),
    "mark": None,
    "mark_many": (1, 2),
    "gettext": None,
    "ngettext": (1, 2),
}
OPTIONS = {"templates/**.j2": {"trimmed": "true", "extensions": "jinja2.ext.i18n"}}
_LEFT_OUT = {f'"{name}' for name in (
    "Generated-By", "PO-Revision-Date", "POT-Creation-Date", "Last-Translator", "Language-Team",
    "Report-Msgid-Bugs-To", "Project-Id-Version",
)}  # fmt: skip
METHODS = [("templates/**.j2", "jinja2"), ("**.py", "python")]


def said() -> Catalog:
    """Every sentence of the pages, without where it stands: that would change with every line."""
    found = Catalog(project="Reciprocity", charset="utf-8")
    for _, _, message, comments, context in extract_from_dir(
        HTTP, METHODS, OPTIONS, KEYWORDS, ("words:",)
    ):
        found.add(message, auto_comments=comments, context=context)
    return found


def path_of(language: str) -> Path:
    return HTTP / "locale" / f"{language}.po"


def catalog(language: str) -> Catalog:
    return read_po(io.StringIO(path_of(language).read_text("utf-8")), locale=language)


def main() -> None:
    for language in TRANSLATED:
        kept = catalog(language)
        kept.update(said(), no_fuzzy_matching=True)
        kept.obsolete.clear()
        kept.fuzzy = False
        kept.header_comment = f"# The words of the pages in {kept.locale.english_name}."
        written = io.BytesIO()
        write_po(written, kept, width=100, sort_output=True, omit_header=False)
        lines = written.getvalue().decode().splitlines()
        kept_lines = [line for line in lines if line.partition(":")[0] not in _LEFT_OUT]
        path_of(language).write_text("\n".join(kept_lines).rstrip() + "\n", "utf-8")


if __name__ == "__main__":
    main()
