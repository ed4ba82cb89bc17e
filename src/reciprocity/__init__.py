"""Reciprocity: the opt-in relationship platform for brands.

People tell a brand what they want; the brand uses exactly that; anyone can check that it did.

    from reciprocity import Reciprocity

    with Reciprocity.open("shop") as shop:
        print(shop.plan("spring"))

The names below are the public ones. They are loaded when first asked for (PEP 562), so that
checking a receipt does not import a database.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from reciprocity.errors import (
        Conflict,
        Damaged,
        InputError,
        ProofError,
        ReciprocityError,
        Unavailable,
    )
    from reciprocity.model import Decision, Verdict
    from reciprocity.platform import Reciprocity, check_brand
    from reciprocity.prove.receipt import Receipt, check_receipt, read_receipt

__all__ = [
    "Conflict",
    "Damaged",
    "Decision",
    "InputError",
    "ProofError",
    "Receipt",
    "Reciprocity",
    "ReciprocityError",
    "Unavailable",
    "Verdict",
    "check_brand",
    "check_receipt",
    "read_receipt",
]

_HOMES: Final = {
    "errors": (
        "Conflict",
        "Damaged",
        "InputError",
        "ProofError",
        "ReciprocityError",
        "Unavailable",
    ),
    "model": ("Decision", "Verdict"),
    "platform": ("Reciprocity", "check_brand"),
    "prove.receipt": ("Receipt", "check_receipt", "read_receipt"),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names above
    if name not in _HOME:
        raise AttributeError(f"module 'reciprocity' has no attribute {name!r}")
    return getattr(import_module(f"reciprocity.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
