"""The JSON Schema says of the shape what reading says."""

import re
import tomllib
from datetime import datetime

import pytest

from reciprocity.brand import schema
from tests.brand.shop import shop


def fits(value: object, rule: dict, root: dict) -> bool:
    """Does *value* fit *rule*? The keywords that msgspec writes; any other fails the test."""
    rule = dict(rule)
    if reference := rule.pop("$ref", None):
        return fits(value, root["$defs"][reference.rsplit("/", 1)[1]], root)
    for word in ("title", "description", "default", "$schema", "$defs", "format"):
        rule.pop(word, None)
    return all(_KEYWORDS[word](value, wanted, rule, root) for word, wanted in rule.items())


def _is(value: object, name: str) -> bool:
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, types[name])


def _properties(value, wanted, _rule, root):
    return all(fits(value[key], rule, root) for key, rule in wanted.items() if key in value)


def _additional(value, wanted, rule, root):
    more = [item for key, item in value.items() if key not in rule.get("properties", {})]
    return not more if wanted is False else all(fits(item, wanted, root) for item in more)


_KEYWORDS = {
    "type": lambda value, wanted, *_: _is(value, wanted),
    "enum": lambda value, wanted, *_: value in wanted,
    "pattern": lambda value, wanted, *_: re.search(wanted, value) is not None,
    "minItems": lambda value, wanted, *_: len(value) >= wanted,
    "maxLength": lambda value, wanted, *_: len(value) <= wanted,
    "minimum": lambda value, wanted, *_: value >= wanted,
    "maximum": lambda value, wanted, *_: value <= wanted,
    "required": lambda value, wanted, *_: set(wanted) <= set(value),
    "items": lambda value, wanted, _rule, root: all(fits(item, wanted, root) for item in value),
    "anyOf": lambda value, wanted, _rule, root: any(fits(value, one, root) for one in wanted),
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": lambda value, wanted, _rule, root: all(
        fits(key, wanted, root) for key in value
    ),
}


def as_json(value: object) -> object:
    """*value* with instants as an editor's schema check sees them: as text."""
    match value:
        case dict():
            return {key: as_json(item) for key, item in value.items()}
        case list():
            return [as_json(item) for item in value]
        case datetime():
            return value.isoformat()
    return value


def read(tmp_path, *changes):
    return as_json(tomllib.loads((shop(tmp_path, *changes) / "brand.toml").read_text()))


def test_the_starter_fits_the_schema(tmp_path):
    told = schema()
    assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert fits(read(tmp_path), told, told)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[brand]", "[brnd]"),
        ("confirm = true", "confirm = 1"),
        ("confirm = true", "confrm = true"),
        ('basis = "contract"', 'basis = "interest"'),
        ("[purposes.offers]", "[purposes.Offers]"),
        ('quiet_from = "21:00"', 'quiet_from = "25:00"'),
        ("limit = 1 ", "limit = 0 "),
        ("topics = { garden = 2", "topics = { garden = 101"),
        ('title = "Garden"', ""),
    ],
)
def test_what_is_of_another_shape_does_not_fit(tmp_path, old, new):
    told = schema()
    assert not fits(read(tmp_path, (old, new)), told, told)
