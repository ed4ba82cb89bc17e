"""Later chapters look at templates and conditions; the brand file says where they stand."""

import re

import pytest

from reciprocity.brand import check_conditions, check_templates, load, problems
from reciprocity.errors import InputError
from tests.brand.shop import shop

MEMBER = '[attributes.member]\ntitle = "M"\ntype = "boolean"\n'
GARDEN = "brand.toml: campaigns.spring.messages.garden"
ALL = re.compile(r"\{\{ (\w+) \}\}")


def names_used(source):
    """The names between braces; a brace alone does not read."""
    if "{{ }}" in source:
        raise InputError("template ends where a name was expected")
    return frozenset(ALL.findall(source))


def attributes_named(statement, condition):
    """The words of *condition* that are attributes; a question mark does not read."""
    if "?" in condition:
        raise InputError("condition has a question mark")
    return frozenset(re.findall(r"\w+", condition)) & statement.attributes.keys()


CHECKERS = (check_templates(names_used), check_conditions(attributes_named))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a {{ garden_size }} garden", "a {{ }}", f"{GARDEN}.subject: template ends"),
        (
            'requires = ["garden_size"]',
            "",
            f"{GARDEN}.text: prints 'garden_size', which the message does not require; add it",
        ),
        ("'balcony', ", "?", f"{GARDEN}.audience: condition has a question mark"),
        ("garden_size IN", "nut_allergy", f"{GARDEN}.audience: 'nut_allergy' is sensitive"),
        ("garden_size IN", "member_since", f"{GARDEN}.audience: 'member_since' is not shared"),
        (
            "[campaigns.spring]",
            '[[rules]]\nreason = "r"\nwhen = "?"\n[campaigns.spring]',
            "brand.toml: rules[0].when: condition has a question mark",
        ),
        (
            "[campaigns.spring]",
            '[[rules]]\nreason = "r"\nwhen = "nut_allergy"\n[campaigns.spring]',
            "brand.toml: rules[0].when: 'nut_allergy' is sensitive",
        ),
        (
            "[campaigns.spring]",
            MEMBER + '[[rules]]\nreason = "r"\nwhen = "member"\n[campaigns.spring]',
            "brand.toml: rules[0].when: 'member' is not shared for purpose 'offers', so that no",
        ),
    ],
)
def test_what_a_later_chapter_finds_is_reported_under_its_key(tmp_path, old, new, expected):
    folder = shop(tmp_path, (old, new))
    found = problems(folder, CHECKERS)
    assert any(line.startswith(expected) for line in found), found
    with pytest.raises(InputError) as raised:
        load(folder, CHECKERS)
    assert raised.value.problems == found


def test_the_starter_passes_the_later_checks_too(tmp_path):
    assert problems(shop(tmp_path), CHECKERS) == ()


def test_later_checks_run_although_others_failed(tmp_path):
    folder = shop(
        tmp_path, ("topics = { garden = 2", "topics = { gerden = 2"), ("'balcony', ", "?")
    )
    found = problems(folder, CHECKERS)
    assert len(found) == 2


def test_later_checks_wait_until_every_value_reads(tmp_path):
    folder = shop(tmp_path, ("limit = 1 ", "limit = 0 "), ("'balcony', ", "?"))
    assert len(problems(folder, CHECKERS)) == 1
