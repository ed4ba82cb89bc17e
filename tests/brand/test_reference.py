"""The reference names every key there is, and none that there is not."""

import re
from pathlib import Path

import pytest
from msgspec import inspect

from reciprocity.brand import known_laws, law_packs
from reciprocity.brand.layout import BrandFile

DOCS = Path(__file__).parents[2] / "docs"
PLACE = {"notices.ID.text": "LANGUAGE", "campaigns.ID.messages.ID.topics": "TOPIC"}


def keys(told, at=""):
    """Every key of a file of the type *told*."""
    match told:
        case inspect.StructType():
            for field in told.fields:
                yield from keys(field.type, f"{at}.{field.name}".lstrip("."))
        case inspect.DictType():
            yield from keys(told.value_type, f"{at}.{PLACE.get(at, 'ID')}")
        case inspect.VarTupleType(item_type=inspect.StructType() as item):
            yield from keys(item, f"{at}[]")
        case _:
            yield at


def rows():
    """What the reference says: the cells of each row, by key."""
    lines = (DOCS / "reference" / "brand-file.md").read_text("utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:3] == "| `"
    ]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_key_of_the_brand_file_is_in_the_reference_and_no_other():
    assert sorted(rows()) == sorted(keys(inspect.type_info(BrandFile)))


def test_the_reference_says_the_defaults_that_hold():
    told = rows()
    for table in inspect.type_info(BrandFile).fields:
        entry = table.type.value_type if isinstance(table.type, inspect.DictType) else table.type
        between = ".ID." if isinstance(table.type, inspect.DictType) else "."
        for field in getattr(entry, "fields", ()):
            default = told.get(f"{table.name}{between}{field.name}", ["", "none"])[1].strip('`"')
            if isinstance(field.default, int):
                assert default == str(field.default).lower(), field.name
            if field.required:
                assert default in {"req.", "none"}, field.name


@pytest.mark.parametrize("name", known_laws())
def test_the_page_on_law_packs_says_the_figures_that_hold(name):
    page = (DOCS / "explanation" / "law-packs.md").read_text("utf-8")
    (pack,) = law_packs([name])
    (row,) = re.findall(rf"^\| `{name}` \|(.*)$", page, re.MULTILINE)
    most = pack.maximum_validity_days
    days = "no limit" if most == 36_500 else f"{most} days"
    assert row.startswith(f" {pack.minimum_age} | {days} |")
