"""Each fault is on the page that explains them, with its meaning and how it is found."""

import re

from docs.build import ROOT
from reciprocity.collect.fair_choice.finding import MEANING

BY_WORDS = """
absolute_claim anonymity_claimed approval_claimed benefit_not_owed conditional double_negative
implied_yes law_claimed negated pressing shaming sharing_denied
""".split()  # looked for alike in the text and on the screen, so one pair may stand for both
PAGE = ROOT / "docs" / "explanation" / "fair-choice.md"


def found_in(code: str) -> str:
    """Which tests hold a pair for *code*: of the text (T), of what a browser shows (B)."""
    tests = {"T": "collect/fair_choice/test_prompt.py", "B": "browser/test_fair_choice.py"}
    texts = {way: (ROOT / "tests" / name).read_text("utf-8") for way, name in tests.items()}
    spelled = re.compile(rf'\("{code}"|== \{{"{code}"\}}|Fault\.{code.upper()}\}}')
    return " ".join(way for way, text in texts.items() if spelled.search(text))


def test_every_fault_is_documented_with_how_its_tests_find_it():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| ([TB ]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    ways = {code: way for code, _, way in rows}
    assert [(code, meaning) for code, meaning, _ in rows] == [
        (str(c), m) for c, m in MEANING.items()
    ]
    for code, way in ways.items():
        assert set(found_in(code).split()) <= set(way.split()), code
        assert code in BY_WORDS or code.endswith("_missing") or way == found_in(code), code


def test_every_fault_has_its_source():
    text = PAGE.read_text("utf-8").partition("## What is found")[0]
    named = set(re.findall(r"`([a-z0-9_]+)`", text))
    told = {str(code) for code in MEANING if not code.endswith("_missing")}
    ours = {"unreadable", "yes_repeated"}  # asked for by no source, but by us
    assert told - named <= ours
