"""What a consent receipt is made of: the receipts of the act, of the brand file, of the notice."""

from collections.abc import Callable

from msgspec import structs

from reciprocity.errors import InputError
from reciprocity.events import Act
from reciprocity.journal.journal import Journal
from reciprocity.prove.receipt import Receipt

__all__ = ["receipts_for"]


def receipts_for(
    journal: Journal, position: int, receipt: Callable[[int], Receipt]
) -> dict[str, dict[str, str]]:
    """The receipts of the act at *position*, the brand file in force then, and its notice if any.

    *receipt* makes one. Raises `InputError` for an event that is no act of a person.
    """
    told = journal.told(position)
    if not isinstance(told.body, Act):
        raise InputError(f"event {told.kind} is no act of a person: it has no consent receipt")
    brand = [
        one.position
        for one in journal.statements()
        if one.kind == "brand.applied" and one.position < position
    ]
    places = {"act": position, "brand": brand[-1]}
    notice = journal.in_force(f"notice:{told.body.notice}") if told.body.notice else None
    if notice is not None and notice[0] < position:
        places["notice"] = notice[0]
    return {name: structs.asdict(receipt(at)) for name, at in places.items()}
