"""What a prompt must tell, as the register of the brand has it."""

from msgspec import Struct

from reciprocity.errors import InputError

__all__ = ["Asked", "AskedPurpose", "must_be_told"]


class AskedPurpose(Struct, frozen=True, kw_only=True):
    """A purpose by its *title*, and the titles of the *channels* it is asked for on."""

    title: str
    channels: tuple[str, ...]


class Asked(Struct, frozen=True, kw_only=True):
    """All that is asked with one prompt, in the words that must stand on it.

    Each text is looked for as it is (letter case, accents of Arabic and spaces apart), so a prompt
    tells it by quoting it. *data* are titles, *recipients* names (none: nobody else gets the data),
    *retention* and *withdrawal* the sentence, or the part of one, that says how long and how to
    take a yes back. *benefits* are what the register owes in return: any amount on the page must
    be in one of them.
    """

    controller: str
    purposes: tuple[AskedPurpose, ...]
    data: tuple[str, ...]
    retention: str
    withdrawal: str
    recipients: tuple[str, ...] = ()
    benefits: tuple[str, ...] = ()


def must_be_told(asked: Asked) -> None:
    """Raise `InputError` unless *asked* has all that every prompt must tell.

    An empty text stands on every page, so a gap here would pass for something told.
    """
    lists = {
        "purposes": tuple(purpose.title for purpose in asked.purposes),
        "data": asked.data,
        **{f"channels of {told.title!r}": told.channels for told in asked.purposes},
    }
    for name, titles in lists.items():
        if not titles:
            raise InputError(f"{name}: found none, expected what the prompt must tell")
    single = {
        "controller": (asked.controller,),
        "retention": (asked.retention,),
        "withdrawal": (asked.withdrawal,),
        "recipients": asked.recipients,
        "benefits": asked.benefits,
    }
    for name, titles in (lists | single).items():
        if not all(title.strip() for title in titles):
            raise InputError(f"{name}: found an empty text, expected what the prompt must tell")
