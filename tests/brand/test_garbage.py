"""Whatever stands in a brand file, the answer is a brand or an `InputError`."""

import json
import tempfile
from datetime import date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reciprocity.brand import Brand, check_conditions, load, starter
from reciprocity.errors import InputError
from tests.brand.shop import TODAY, write

STARTER = starter(None, TODAY)
WORDS = sorted(set(STARTER["brand.toml"].replace("=", " ").replace('"', " ").split()))
VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
)


def loads_or_refuses(source: str) -> None:
    """Anything else that `load` may raise fails the test."""
    refused = "brand.toml: "
    with tempfile.TemporaryDirectory() as home:
        folder = write(Path(home) / "shop", {**STARTER, "brand.toml": source})
        try:
            assert isinstance(load(folder, [check_conditions(lambda *_: ["nut_allergy"])]), Brand)
        except InputError as error:
            refused = str(error)
    assert refused.startswith("brand.toml: ")


def toml(value: object) -> str:
    """*value* as TOML, tables inline."""
    match value:
        case dict():
            return (
                "{"
                + ", ".join(f"{quoted(key)} = {toml(item)}" for key, item in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            return quoted(value)
        case bool():
            return str(value).lower()
        case date() | datetime():
            return value.isoformat()
    return str(value)


def quoted(value: str) -> str:
    """*value* as a TOML text: JSON's way, but for DEL and for what JSON writes as surrogates."""
    plain = "".join(letter for letter in value if ord(letter) <= 0xFFFF)
    return json.dumps(plain).replace("\x7f", "\\u007f")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_refused_or_read(garbage):
    loads_or_refuses(garbage)


@given(st.data())
def test_a_torn_starter_is_refused_or_read(data):
    source = STARTER["brand.toml"]
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 200)))
    loads_or_refuses(source[:start] + data.draw(st.text(WORDS[0] + '="[]{}.\n')) + source[end:])


@given(st.data())
def test_a_starter_with_lines_left_out_is_refused_or_read(data):
    lines = STARTER["brand.toml"].splitlines()
    gone = data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=12))
    loads_or_refuses("\n".join(line for n, line in enumerate(lines) if n not in gone))


@given(st.data())
def test_any_value_in_any_place_is_refused_or_read(data):
    lines = STARTER["brand.toml"].splitlines()
    places = [number for number, line in enumerate(lines) if " = " in line and line[0] != "#"]
    for number in data.draw(st.sets(st.sampled_from(places), min_size=1, max_size=8)):
        lines[number] = lines[number].split(" = ")[0] + " = " + toml(data.draw(VALUES))
    loads_or_refuses("\n".join(lines))


TABLES = ("brand", "controller", "purposes", "topics", "notices", "channels", "rules", "campaigns")


@given(st.dictionaries(st.sampled_from(TABLES), VALUES))
def test_any_tables_are_refused_or_read(tables):
    loads_or_refuses("\n".join(f"{name} = {toml(value)}" for name, value in tables.items()))
