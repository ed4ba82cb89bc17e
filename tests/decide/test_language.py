"""The language of rules is closed: all else fails when it loads, with its place, and quickly."""

import pytest

from reciprocity.decide.language import parse
from reciprocity.decide.named import attributes_named
from reciprocity.decide.rulebook import attribute_terms, first_rulebook
from reciprocity.decide.tree import (
    MOST_ATOMS,
    All,
    Among,
    Atom,
    Compare,
    Not,
    Some,
    Term,
    TermType,
    Truth,
)
from reciprocity.errors import InputError
from tests.decide.samples import BRAND, with_rules

TERMS = {
    term.name: term
    for term in (
        Term(name="age", type=TermType.INTEGER, source="history"),
        Term(name="ends_at", type=TermType.INSTANT, source="history"),
        Term(name="open", type=TermType.BOOLEAN, source="history"),
        Term(name="state", type=TermType.ENUM, source="history", values=("a", "b")),
        Term(name="date", type=TermType.DAY, source="attribute"),
        Term(name="filter", type=TermType.INTEGER, source="attribute"),
        Term(name="zip-code", type=TermType.ENUM, source="attribute", values=("R", "it's")),
    )
}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("open", Truth("open")),
        ("open = FALSE", Not(Truth("open"))),
        ("NOT age = 3", Not(Compare("age", "=", 3))),
        ("3 < age", Compare("age", ">", 3)),
        ("age <= ends_at", Compare("age", "<=", "ends_at")),
        ("state <> 'b'", Compare("state", "<>", 1)),
        ("state IN ('b', 'a')", Among("state", (1, 0))),
        ("age NOT IN (1, -2)", Not(Among("age", (1, -2)))),
        ("open OR open AND age > -1",
         Some((Truth("open"), All((Truth("open"), Compare("age", ">", -1)))))),
        ("filter > 3", Atom("filter", ">", (3,), "filter > 3")),
        ("date >= '2024-02-29'", Atom("date", ">=", ("2024-02-29",), "date >= '2024-02-29'")),
        ("\"zip-code\" = 'it''s'",
         Atom("zip-code", "=", ("it's",), "\"zip-code\" = 'it''s'")),
    ],
)  # fmt: skip
def test_a_condition_is_read_as_it_is_written(text, tree):
    assert parse(text, TERMS, "rule x") == tree


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("age + 1 > 3", "character 5"),
        ("age - 1 > 3", "character 5"),
        ("-age > 3", "character 1"),
        ("lower(age) > 3", "character 1"),
        ("age > 1.5", "character 7"),
        ("age > 1e3", "character 7"),
        ("age > 9999999999999999999", "character 7"),
        ("age != 3", "character 5"),
        ("age == 3", "character 5"),
        ("state = NULL", "character 9"),
        ("state IS NULL", "character 7"),
        ("open IS TRUE", "character 6"),
        ("age BETWEEN 1 AND 3", "character 5"),
        ("state LIKE 'a'", "character 7"),
        ("age > 3; DROP TABLE facts", "character 8"),
        ("age > 3 -- more", "character 7"),
        ("age /* why */ > 3", "character 1"),
        ("(SELECT 1) > 0", "character 2"),
        ("age IN (SELECT 1)", "character 9"),
        ("facts.age > 3", "character 6"),
        ("CASE WHEN open THEN 1 END", "character 1"),
        ("age::text = 'x'", "character 4"),
        ("agee > 3", "did you mean 'age'"),
        ("age > 3 AND\nagee > 3", "character 13"),
        ("state = 'c'", "one of 'a', 'b'"),
        ("state > 'a'", "no order"),
        ("open > TRUE", "no order"),
        ("open = 1", "boolean"),
        ("age = TRUE", "integer"),
        ("age", "compare it with a value"),
        ("age = open", "cannot be compared"),
        ("filter > age", "cannot be compared"),
        ("date > '2023-02-29'", "YYYY-MM-DD"),
        ("1 = 1", "a name is needed"),
        ("age = 1 = 2", "a name is needed"),
        ("age IN ()", "list of values"),
        ("age IN 3", "character"),
        ("open open", "no condition"),
        ("open AND", "cannot be read"),
        ("(open", "cannot be read"),
        ("state = 'a", "inside a quoted value"),
        ("", "empty"),
        ("NOT NOT open", "nested too deep"),
    ],
)
def test_what_is_outside_the_language_is_refused_with_its_place(text, place):
    with pytest.raises(InputError) as caught:
        parse(text, TERMS, "rule x")
    assert str(caught.value).startswith("rule x")
    assert place in str(caught.value)


@pytest.mark.parametrize("shape", ["{0}open{1}", "{0}open", "open{1}"])
@pytest.mark.parametrize("depth", [17, 100, 10_000, 1_000_000])
@pytest.mark.parametrize(("left", "right"), [("(", ")"), ("NOT (", ")"), ("NOT ", "")])
def test_a_condition_nested_too_deep_is_refused_before_anything_recurses(shape, depth, left, right):
    text = shape.format(left * depth, right * depth)
    if text.strip() == "open":
        return
    with pytest.raises(InputError):
        parse(text, TERMS, "rule x")


@pytest.mark.parametrize("word", [" AND open", " OR age > 3", " OR open AND open"])
def test_a_condition_that_goes_on_for_ever_is_refused(word):
    for times in (101, 250, 1_000, 100_000):
        with pytest.raises(InputError, match="split it"):
            parse("open" + word * (times * 2), TERMS, "rule x")


def test_the_deepest_and_longest_condition_allowed_is_read():
    parse("(" * 16 + "open" + ")" * 16, TERMS, "rule x")
    parse("NOT (" * 16 + "open" + ")" * 16, TERMS, "rule x")
    parse("open" + " AND open" * 200, TERMS, "rule x")
    parse("age IN (" + ", ".join(map(str, range(900))) + ")", TERMS, "rule x")


def test_a_rule_of_the_brand_fails_when_the_rulebook_is_made():
    for when, problem in (
        ("recencyy > 3", "brand:own, character 1"),
        ("illness", "sensitive"),
        ("recency > stated_age", "cannot be compared"),
    ):
        with pytest.raises(InputError, match=problem):
            first_rulebook(with_rules(("own", when)))


def test_an_attribute_may_not_have_the_name_of_a_fact():
    told = {"stated_age": BRAND.attributes["recency"]}
    with pytest.raises(InputError, match="stated_age"):
        attribute_terms(told)


def test_more_comparisons_than_one_recorded_number_can_hold_are_refused():
    parts = [f"recency = {number}" for number in range(MOST_ATOMS + 1)]
    assert attributes_named(BRAND, " OR ".join(parts[:-1])) == {"recency"}
    with pytest.raises(InputError, match="at most 53"):
        attributes_named(BRAND, " OR ".join(parts))
