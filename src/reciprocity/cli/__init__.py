"""The command line, `reciprocity`: one file a command group, each loading what it needs when run.

    app       the command itself: global options, what an error looks like, exit codes
    front     what every command starts from: the brand's folder, the operator, options in common
    starting  init, demo                  brand    check, schema, apply, rules
    people    import, suppress            person   person show, add, set, erase
    campaign  plan, why, send, tick       wishes   person grant, withdraw, prefer, ...
    keeping   backup, restore, serve, ... proof    audit, verify, receipt, log ...
    moving    migrate                     witness  witness init, add, show, serve

`acting` and `spelling` are what acts for a person share, `standing` is what `person show` shows.
`screen` and `tables` draw with Rich and are loaded only when something is drawn.
"""

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code.

    0 done; 1 a breach was found or a proof failed; 2 bad input, or something stands in the way;
    70 a fault of this program; 130 interrupted. No expected error shows a traceback, unless
    `--debug` asks for it.
    """
    try:
        from reciprocity.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:  # before there is a command
        return 130
