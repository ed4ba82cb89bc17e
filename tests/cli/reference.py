"""docs/reference/commands.md, written from the commands themselves.

`python -m tests.cli.reference` writes it; a test demands that the page says the same.
"""

from collections.abc import Iterator
from typing import Any

import typer

from docs.build import ROOT
from reciprocity.cli.app import app

PAGE = ROOT / "docs" / "reference" / "commands.md"

HEAD = """\
# The commands

`reciprocity COMMAND --help` says the same. Options of the whole command come before its name:
`reciprocity --brand shop plan spring`. `reciprocity --install-completion` makes the shell complete
commands, options and the names of campaigns.

Every command that reports takes `--json` and then prints JSON, and nothing else, to standard
output; progress and errors go to standard error. Names in JSON are published and stay.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | an audit found a breach, or a proof does not hold |
| 2 | bad input or usage, or something stands in the way; the message says what to do |
| 70 | a fault of this program, with its traceback |
| 130 | interrupted |

A PERSON is an e-mail address, an external id or a pseudonym (`p_...`); `id:TEXT` is an external id
whatever it looks like. An instant is ISO 8601, UTC unless it says otherwise.
"""

_PLAN = (
    '{"campaign","at","position","people","messages":{ID:{"deliver":N,"wait":{REASON:N},'
    '"refuse":{REASON:N}}},"chosen":{ID:N},"unchosen":N}'
)
_SEND = '{"campaign","delivered","waiting","refused":{REASON:N},"cancelled","failed","unknown"}'
_AUDIT = (
    '{"deliveries","erased","breaches":[{"kind","person","message","reason","position",'
    '"decided_at"}],"near_misses","withdrawal_to_last_send_ms":{"p50","p99","max"},'
    '"checkpoint":{"size","root"},"since","withdrawals"}'
)
_AUDITS = '{"audits":[{"position","at","said":AuditPublished,"new_breaches"}],"overdue"}'
_TICK = (
    '{"erased","sent":[as of send],"epoch","last_success":{JOB:AT},"audited":{as of audit list},'
    '"not_kept":[as of promises],"cosigning":{as of log cosign},"forgotten"}'
)
_CAMPAIGNS = (
    '{"campaigns":[{"campaign","title","opens","closes","in_force","applied","sent_at","waiting",'
    '"messages":[{"message","channel","purpose","subject"}]}]}'
)
_PROMISES = (
    '{"promises":[{"proposition","measure","amount","period_days","people","kept","own_wish",'
    '"running","short":[PERSON]}]}'
)
_FUNNEL = (
    '{"days","requests":[{"purpose","channel","asked","mailed","confirmed","taken_back","ran_out",'
    '"waits"}]}'
)
_FEEDBACK = '{"campaign","messages":[{"message","occasion","delivered","useful","not_for_me"}]}'
_COSIGN = (
    '{"origin","size","root","holds","lacking","conflicts","witnesses":[{"name","key","size",'
    '"cosigned_at","problem","conflict","last_success"}]}'
)
SHAPES = f"""\
## JSON that tools may rely on

| command | shape |
|---|---|
| `campaigns` | `{_CAMPAIGNS}`; `sent_at` 0 is never |
| `plan` | `{_PLAN}`; a message's counts sum to `people` |
| `send` | `{_SEND}` |
| `sql` | `{{"columns":[NAME],"rows":[[VALUE]],"hidden":N,"people":N}}`; `hidden`: small groups |
| `audit` | `{_AUDIT}` |
| `audit list` | `{_AUDITS}` |
| `tick` | `{_TICK}` |
| `promises` | `{_PROMISES}`; `short` are pseudonyms (in `tick`, slots) |
| `funnel` | `{_FUNNEL}` |
| `feedback` | `{_FEEDBACK}` |
| `log cosign` | `{_COSIGN}`; `conflicts` are texts, empty if all is well |
| acts for a person | `{{"recorded":[{{"kind","position","version","at","person"}}]}}` |

[Reasons](reasons.md) come in alphabetical order, and in tables in their published one. Instants are
milliseconds since 1970, UTC.
"""


def commands(
    group: Any = None, path: tuple[str, ...] = ("reciprocity",)
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its full name, the groups themselves left out but for the first."""
    group = group or typer.main.get_command(app)
    if len(path) == 1:
        yield path, group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield (*path, name), command
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def arguments(command: Any) -> list[Any]:
    return [one for one in command.params if one.param_type_name == "argument"]


def page() -> str:
    """The whole page, in the chapters of `reciprocity --help`."""
    parts, root = [HEAD], typer.main.get_command(app)
    told = list(commands())
    parts.append(section(*told[0]))
    for heading, names in root.contents():
        below = [one for name in names for one in told[1:] if one[0][1] == name]
        parts += [f"## {heading}\n", *(section(*one) for one in below)] if below else []
    return "\n".join([*parts, SHAPES])


def section(path: tuple[str, ...], command: Any) -> str:
    context = typer.Context(command, info_name=path[-1])
    words = [one.metavar for one in arguments(command)]
    named = len(path) > 1
    lines = [f"### `{' '.join([*path, *words])}`" if named else "## Options of every command", ""]
    if named:
        lines += [" ".join(command.help.split()), ""]
    if rows := [row(one, context) for one in command.params]:
        lines += ["| option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def row(param: Any, context: typer.Context) -> str:
    name, meaning = param.get_help_record(context)
    return f"| `{name.replace('|', chr(92) + '|')}` | {meaning.replace('  [', ' [')} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
