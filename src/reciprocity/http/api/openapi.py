"""`/v1/openapi.json`: what the routes and their types say of themselves, as OpenAPI 3.1.

The framework describes the routes, msgspec the shapes: it is msgspec that reads and writes them,
and its schemas know every bound. Nothing is described by hand but what no type can say: the
refusals of each route, and examples, which a test sends.
"""

from inspect import cleandoc
from typing import Any, Final

import msgspec
from litestar import Litestar, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from reciprocity.brand import BrandStatement
from reciprocity.http.api.acts import ActSaid, NewPerson
from reciprocity.http.api.clerk import Recorded
from reciprocity.http.api.person import Person
from reciprocity.http.api.reading import Events
from reciprocity.http.api.showing import (
    Advising,
    AdvisingMany,
    Asking,
    AskingForMany,
    Impression,
    Showing,
)
from reciprocity.http.problem import Kind, Problem
from reciprocity.model import Decision
from reciprocity.prove.receipt import Receipt

__all__ = ["EXAMPLES", "describe"]

Json = dict[str, Any]
VERSION: Final = "1"
_REF: Final = "#/components/schemas/{name}"
_KEY: Final = "key"
_ALWAYS: Final = (Kind.NO_KEY, Kind.NO_SCOPE, Kind.TOO_MANY, Kind.FAULT, Kind.UNAVAILABLE)
_OF_A_PERSON: Final = (Kind.UNKNOWN_PERSON,)
_READ_BODY: Final = (Kind.BAD_REQUEST, Kind.TOO_LARGE, Kind.NOT_JSON, Kind.INVALID)
_WRITTEN: Final = (
    Kind.BAD_REQUEST, Kind.NO_IDEMPOTENCY_KEY, Kind.IN_PROGRESS, Kind.TOO_LARGE, Kind.NOT_JSON,
    Kind.INVALID, Kind.KEY_REUSED,
)  # fmt: skip
_REFUSALS: Final[dict[str, tuple[Kind, ...]]] = {
    "readBrand": (),
    "readPerson": _OF_A_PERSON,
    "listEvents": (*_OF_A_PERSON, Kind.INVALID),
    "decide": (*_OF_A_PERSON, Kind.NOT_FOUND),
    "readReceipt": (Kind.NOT_FOUND,),
    "advise": _READ_BODY,
    "adviseMany": _READ_BODY,
    "show": (*_READ_BODY, Kind.NO_IDEMPOTENCY_KEY, Kind.NOT_FOUND, Kind.KEY_REUSED),
    "addPerson": (*_WRITTEN, Kind.PERSON_KNOWN),
    "recordAct": (*_OF_A_PERSON, *_WRITTEN, Kind.CONFLICT),
}
_BODIES: Final = {
    "addPerson": NewPerson, "recordAct": ActSaid, "advise": Asking, "adviseMany": AskingForMany,
    "show": Showing,
}  # fmt: skip
EXAMPLES: Final[dict[str, dict[str, Json]]] = {
    "addPerson": {
        "from a till": {
            "method": "till", "external_id": "C-1041", "addresses": {"email": "ann@example.com"},
        },
    },
    "recordAct": {
        "a yes": {"act": "grant", "method": "counter", "purposes": ["offers"], "notice": "start"},
        "a yes taken back": {"act": "withdraw", "method": "phone", "purposes": ["offers"]},
        "less of it": {"act": "prefer", "method": "phone", "caps": {"email": [None, 2]}},
        "no use at all": {"act": "object", "method": "letter"},
    },
    "advise": {
        "the front page": {"person": "C-1041", "place": "front"},
        "e-mail": {"person": "C-1041", "channel": "email"},
        "everything": {"person": "C-1041"},
    },
    "adviseMany": {"two people": {"people": ["C-1041", "C-1042"], "channel": "email"}},
    "show": {
        "what was advised": {
            "person": "C-1041", "place": "front", "campaign": "home", "message": "bulbs",
        },
    },
}  # fmt: skip
"""A body for each write, by operation and by what it says."""


def describe(routes: Router) -> bytes:
    """The OpenAPI document of *routes*, whose operations are those named here."""
    config = OpenAPIConfig(
        title="Reciprocity",
        version=VERSION,
        description="Consent and preferences of people, for programs that a brand trusts.",
        components=Components(
            security_schemes={
                _KEY: SecurityScheme(
                    type="http", scheme="bearer",
                    description="A key that an operator added: `reciprocity api-key add`.",
                )
            }
        ),
        security=[{_KEY: []}],
        use_handler_docstrings=True,
    )  # fmt: skip
    described = Litestar([routes], openapi_config=config, logging_config=None)
    told: Json = described.openapi_schema.to_schema()
    shapes = [
        BrandStatement, Person, Events, Decision, Receipt, NewPerson, ActSaid, Recorded, Asking,
        Advising, AskingForMany, AdvisingMany, Showing, Impression, Problem,
    ]  # fmt: skip
    refs, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    for shape in components.values():
        if "description" in shape:
            shape["description"] = cleandoc(shape["description"])
    told["components"]["schemas"] = components
    bodies = dict(zip(map(_name, shapes), refs, strict=True))
    for methods in told["paths"].values():
        for operation in methods.values():
            _complete(operation, bodies)
    return msgspec.json.encode(told, order="deterministic")


def _complete(operation: Json, bodies: dict[str, Json]) -> None:
    """Say of *operation* what its handler's signature does not."""
    name = operation["operationId"]
    responses = {
        status: told for status, told in operation["responses"].items() if status.startswith("2")
    }
    kinds: dict[int, list[Kind]] = {}
    for kind in (*_ALWAYS, *_REFUSALS[name]):
        kinds.setdefault(kind.status, []).append(kind)
    for status, some in sorted(kinds.items()):
        responses[str(status)] = _refusal(some)
    operation["responses"] = responses
    for told in operation.get("parameters", []):
        told["required"] = told["required"] or told["in"] == "header"
    if name in _BODIES:
        operation["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": bodies[_name(_BODIES[name])],
                    "examples": {
                        what: {"value": said} for what, said in EXAMPLES[name].items()
                    },
                }
            },
        }  # fmt: skip


def _refusal(kinds: list[Kind]) -> Json:
    return {
        "description": "; ".join(f"`{kind.type}`: {kind.title}" for kind in kinds),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": _REF.format(name="Problem")},
                "examples": {
                    kind.type.rpartition(":")[2]: {
                        "value": {
                            "type": kind.type, "title": kind.title, "status": kind.status,
                            "detail": kind.advice,
                        }
                    }
                    for kind in kinds
                },
            }
        },
    }  # fmt: skip


def _name(shape: Any) -> str:  # noqa: ANN401 - a struct, or a union of some
    return str(getattr(shape, "__name__", "ActSaid"))
