"""How commands are listed: by the chapters of a brand's life, each with its whole first sentence.

Click lists them in one column and cuts what is longer than a line.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from typer.core import TyperGroup

__all__ = ["CHAPTERS", "Contents"]

CHAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Begin": ("init", "demo"),
    "The brand file and its rules": ("check", "apply", "rules", "schema"),
    "People": ("import", "person", "suppress", "qr"),
    "Campaigns": ("campaigns", "plan", "why", "send", "tick"),
    "What people say, and what they were promised": ("funnel", "feedback", "promises"),
    "Questions of analysts": ("sql", "views"),
    "Proof": ("audit", "receipt", "verify", "log", "witness"),
    "Servers and programs": ("serve", "api-key"),
    "Safekeeping": ("backup", "drill", "restore", "gap", "journal", "migrate"),
}
"""Every command of `reciprocity` itself, once."""
_LONG: Final = 1_000


class Contents(TyperGroup):
    """A group of commands that lists them whole."""

    chapters: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """What is listed under which heading; a command that none of them names comes at the end."""

    def contents(self) -> Iterator[tuple[str, list[str]]]:
        """Each heading with the names below it, in the order in which a reader wants them."""
        left = dict.fromkeys(name for name, one in self.commands.items() if not one.hidden)
        for heading, names in self.chapters.items():
            yield heading, [name for name in names if left.pop(name, self) is not self]
        yield ("More commands" if self.chapters else "Commands"), list(left)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - Typer's own
        """Write the commands into *formatter*; nothing for a heading with nothing below."""
        for heading, names in self.contents():
            if names:
                with formatter.section(heading):
                    formatter.write_dl([(name, self._says(name)) for name in names])

    def _says(self, name: str) -> str:
        return self.commands[name].get_short_help_str(_LONG)
