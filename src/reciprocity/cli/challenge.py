"""Challenge audits: an auditor looks at people whom nobody chose."""

from pathlib import Path
from typing import Annotated

import typer

from reciprocity.cli.contents import Contents
from reciprocity.cli.front import AsJson, opened, print_json, read, written
from reciprocity.errors import Conflict

__all__ = ["app"]

app = typer.Typer(cls=Contents, no_args_is_help=True)


@app.command("begin")
def begin(
    context: typer.Context,
    commitment: Annotated[
        str,
        typer.Argument(metavar="SHA256", help="Of the auditor's value, in hex; they give it you."),
    ],
    count: Annotated[int, typer.Option("--count", min=1, help="How many slots to draw.")] = 20,
    as_json: AsJson = False,
) -> None:
    """State in public that people will be drawn, and fix all histories by an epoch."""
    from reciprocity.prove.challenge import begin_challenge

    with opened(context) as shop:
        begun = begin_challenge(shop.journal, commitment, count)
    if as_json:
        print_json(begun)
        return
    from reciprocity.cli.screen import counted

    slots = counted(begun.count, "slot")
    print(f"challenge {begun.number} is begun: {slots} of epoch {begun.epoch}")
    print("the auditor now notes a checkpoint that holds it, best one that witnesses cosigned, and")
    print("sends it; only then they show the value. Run:")
    print(
        f"reciprocity audit challenge answer {begun.number} VALUE --drawn-from CHECKPOINT "
        "-o challenge.json"
    )


@app.command("answer")
def answer(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Which challenge.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The auditor's value.")],
    drawn_from: Annotated[
        Path,
        typer.Option(
            "--drawn-from", metavar="FILE", help="The checkpoint they named before they showed it."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="For the auditor alone.")
    ],
    as_json: AsJson = False,
) -> None:
    """Draw the slots, open them in a file for the auditor, and state that it was done: once."""
    from reciprocity.prove.challenge import answer_challenge, state_answered

    noted = read(drawn_from, "checkpoint")
    with opened(context) as shop:
        found = answer_challenge(shop.journal, number, value, noted)
        written(output, found.encode())
        try:
            state_answered(shop.journal, number, found)
        except Conflict:
            output.unlink()
            raise
    slots = [one.slot for one in found.slots]
    if as_json:
        print_json({"challenge": number, "slots": slots, "file": str(output)})
        return
    from reciprocity.cli.screen import counted

    opened_slots = counted(len(slots), "slot")
    print(f"{opened_slots} opened in {output}: give it to the auditor, and delete it")
    print("they check it with `reciprocity verify challenge --drawn-from CHECKPOINT ...`")
