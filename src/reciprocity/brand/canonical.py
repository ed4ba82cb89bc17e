"""What goes into the log: the one text of a statement, of a campaign, and the id of a notice.

The statement is public. Only `BrandStatement` is written, so nothing local (paths, servers,
credentials, the address where people reach the brand) can get into it by mistake.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

import msgspec

from reciprocity.brand.declared import BrandStatement
from reciprocity.errors import Damaged
from reciprocity.model import Campaign

__all__ = [
    "campaign_body",
    "notice_hash",
    "read_campaign",
    "read_statement",
    "statement_body",
    "statement_hash",
]

_encoder: Final = msgspec.json.Encoder(order="sorted")
_statement_decoder: Final = msgspec.json.Decoder(BrandStatement)
_campaign_decoder: Final = msgspec.json.Decoder(Campaign)


def statement_body(statement: BrandStatement) -> bytes:
    """The canonical JSON of *statement*, the body of `brand.applied`."""
    return _encoder.encode(statement)


def campaign_body(campaign: Campaign) -> bytes:
    """The canonical JSON of *campaign*, templates included, the body of `campaign.stated`."""
    return _encoder.encode(campaign)


def read_statement(body: bytes) -> BrandStatement:
    """The statement of which *body* is the text; raises `Damaged` if it is none."""
    try:
        return _statement_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"brand statement has another shape: {error}") from error


def read_campaign(body: bytes) -> Campaign:
    """The campaign of which *body* is the text; raises `Damaged` if it is none."""
    try:
        return _campaign_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"campaign statement has another shape: {error}") from error


def notice_hash(notice_id: str, language: str, text: str) -> str:
    """The id under which the journal names a notice as it was shown: another word, another id.

    `n_` and the base64url SHA-256 (43 characters) of the canonical JSON of
    `[notice_id, language, text]`: whole, since the brand itself could look for two texts with
    one short id.

    >>> notice_hash("offers", "en", "May we write to you?")
    'n_F4FWt7hl3iVPTHIfhCD4EJ37PZQvlgLtuG6ZaUTqaCY'
    """
    return "n_" + _hash(notice_id, language, text)


def statement_hash(name: str, body: bytes) -> str:
    """The hash that a public statement carries of its *body*: of `[name, "", body as text]`."""
    return _hash(name, "", body.decode())


def _hash(*parts: str) -> str:
    return urlsafe_b64encode(sha256(_encoder.encode(parts)).digest()).decode().rstrip("=")
