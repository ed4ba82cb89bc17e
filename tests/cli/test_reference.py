"""The reference and the help list every command and option there is."""

import re
import subprocess
import sys

import pytest
import typer

from reciprocity.cli import main
from reciprocity.cli.app import app
from reciprocity.cli.contents import CHAPTERS
from tests.cli.reference import HEAD, PAGE, commands, page

ISSUED = """
init check schema apply|import people|person show|person grant|person refuse|person withdraw
person prefer|person pause|person object|person erase|person add|person set|plan|why|rules|send
tick|audit|verify receipt|log export|log key|receipt|journal rebuild|backup|restore|drill
gap sign|serve|demo
"""


def names() -> set[str]:
    return {" ".join(path[1:]) for path, _ in commands()}


def test_every_command_that_was_promised_is_there():
    promised = ISSUED.replace("init check schema apply", "init|check|schema|apply").split("|")
    promised = {name for part in promised for name in part.strip().split("\n")}
    assert promised <= names()


def test_the_reference_says_what_the_commands_say():
    assert PAGE.read_text("utf-8") == page(), "write it anew: python -m tests.cli.reference"


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_and_every_option_has_help(path: tuple[str, ...], capsys):
    assert main([*path[1:], "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    command = dict(commands())[path]
    assert " ".join(command.help.split())[:40] in out
    for param in command.params:
        assert param.help, f"{path}: {param.name}"
        if param.param_type_name == "option":
            assert param.opts[0] in out


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert {name.split(" ")[0] for name in names() if name} <= set(out.split())


def test_help_tells_every_command_once_in_a_chapter_and_cuts_nothing(capsys):
    root = typer.main.get_command(app)
    listed = [name for names in CHAPTERS.values() for name in names]
    assert sorted(listed) == sorted(root.commands)
    assert main(["--help"]) == 0
    assert "More commands" not in (out := capsys.readouterr().out)
    assert "..." not in out.partition("Begin:")[2]
    for heading in CHAPTERS:
        assert f"\n{heading}:\n" in out


def test_the_footer_of_help_has_every_exit_code_of_the_reference(capsys):
    assert main(["--help"]) == 0
    footer = " ".join(capsys.readouterr().out.split()).partition("Exit codes: ")[2]
    codes = re.findall(r"^\| (\d+) \|", HEAD, re.MULTILINE)
    assert [one.split()[0] for one in footer.split("; ")] == codes == ["0", "1", "2", "70", "130"]


def test_python_runs_the_command_by_the_name_of_the_package():
    done = subprocess.run(
        [sys.executable, "-m", "reciprocity", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("reciprocity ")


def loaded_by(*arguments: object) -> set[str]:
    """Which packages the command loads."""
    script = (
        "import sys; from reciprocity.cli import main; code = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name.split(".")[0] for name in done.stderr.split()} | set(done.stderr.split())


def test_help_loads_nothing_that_takes_time():
    heavy = {"rich", "msgspec", "sqlalchemy", "alembic", "sqlglot", "litestar", "cryptography",
             "reciprocity.platform", "importlib.metadata"}  # fmt: skip
    assert not loaded_by("--help") & heavy


def test_verifying_a_receipt_loads_no_server_and_no_database_toolkit(shop):
    file = shop.place / "r.json"
    shop.done("person", "add", "--id", "ann", "--receipt", file)
    key = shop.done("log", "key").out.strip()
    loaded = loaded_by("verify", "receipt", file, "--key", key)
    assert not loaded & {"sqlalchemy", "alembic", "litestar", "uvicorn", "sqlglot", "minijinja"}
    assert "reciprocity.platform" not in loaded


@pytest.mark.parametrize(
    ("words", "completed"),
    [("reciprocity pers", "person"), ("reciprocity person wi", "withdraw"),
     ("reciprocity --brand {shop} plan sp", "spring")],
)  # fmt: skip
def test_the_shell_completes_commands_and_campaigns(applied, words: str, completed: str):
    told = words.format(shop=applied / "shop")
    script = "import os, sys; sys.argv = ['reciprocity']; from reciprocity.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"_RECIPROCITY_COMPLETE": "complete_bash", "COMP_WORDS": told,
             "COMP_CWORD": str(len(told.split()) - 1)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert completed in done.stdout.split()
