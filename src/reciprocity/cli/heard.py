"""What people said: how many confirmed a yes, and how many found a message useful."""

from typing import Annotated, Final

import typer

from reciprocity.cli.campaign import CampaignId
from reciprocity.cli.front import AsJson, opened, print_json

__all__ = ["app"]

app = typer.Typer()
_SHOWN: Final = 10


@app.command()
def funnel(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, help="How far to look back.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Show what became of requests for a yes: asked, mailed, confirmed, run out."""
    from reciprocity.platform import count_requests

    with opened(context) as shop:
        found = count_requests(shop.journal, days)
    if as_json:
        print_json({"days": days, "requests": found})
    elif not found:
        from reciprocity.cli.screen import counted

        print(f"nobody was asked to confirm a yes in the last {counted(days, 'day')}")
    else:
        from reciprocity.cli.screen import screen
        from reciprocity.cli.tables import funnel_table

        screen().print(funnel_table(found))


@app.command()
def promises(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how the promises of propositions stand to everybody they were made to."""
    from msgspec import to_builtins

    from reciprocity.platform import count_promises

    with opened(context) as shop:
        found = count_promises(shop.journal)
        names = {slot: shop.journal.pseudonym(slot) for one in found for slot in one.short}
    if as_json:
        rows = [{**to_builtins(one), "short": [names[slot] for slot in one.short]} for one in found]
        print_json({"promises": rows})
    elif not found:
        print("nobody said yes to a proposition that stands")
    else:
        from reciprocity.cli.screen import screen
        from reciprocity.cli.tables import promises_table

        screen().print(promises_table(found))
        for name in [names[slot] for one in found for slot in one.short][:_SHOWN]:
            print(f"not kept to {name}: `reciprocity person show {name}`")


@app.command()
def feedback(context: typer.Context, campaign: CampaignId, as_json: AsJson = False) -> None:
    """Show what people said of a campaign's messages: useful, or not for them."""
    from reciprocity.decide.statements import campaign_in_force
    from reciprocity.platform import count_feedback

    with opened(context) as shop:
        campaign_in_force(shop.journal, campaign)  # one that ended is stated, without messages
        found = count_feedback(shop.journal, campaign)
    if as_json:
        print_json({"campaign": campaign, "messages": found})
    elif not found:
        print(f"no message of campaign {campaign} was delivered")
    else:
        from reciprocity.cli.screen import screen
        from reciprocity.cli.tables import feedback_table

        screen().print(feedback_table(found))
