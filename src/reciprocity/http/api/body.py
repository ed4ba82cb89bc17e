"""A program's body, read strictly: a text is no number, and an unknown field is no field."""

from typing import Final, TypeVar

import msgspec

from reciprocity.http.problem import Kind, Refusal

__all__ = ["read_body"]

_Shape = TypeVar("_Shape")
_JSON: Final = "application/json"


def read_body(media_type: str, body: bytes, decoder: "msgspec.json.Decoder[_Shape]") -> _Shape:
    """*body* as *decoder* reads it; raises `Refusal` for what is not called JSON, or is another."""
    if media_type.partition(";")[0].strip().lower() != _JSON:
        raise Refusal(Kind.NOT_JSON)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refusal(Kind.INVALID, errors=[str(error)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(Kind.BAD_REQUEST, "Send a body that is JSON.") from error
