"""Every page can be reached, every link resolves, and pages of one kind have one form."""

import re
from pathlib import Path

import pytest

from docs.build import ROOT, anchors, build, is_local, pages, parse, references, resolve

WORDS = """
person brand processor operator purpose notice proposition grant withdraw refuse consent_record
receipt contact_point preference_centre channel topic message campaign audience cap quiet_time
pause suppression objection facts rule rulebook reason decision outbox delivery disclosure seed
journal event position version slot standing leaf tile checkpoint epoch witness inclusion_proof
consistency_proof interaction gram holdout lift
"""
DECISION = ["Question", "Choice", "Rejected", "Numbers", "What would change our mind"]
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def headings(page: Path, level: int) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^{'#' * level} (.+)$", text, flags=re.MULTILINE)


def targets(page: Path) -> list[str]:
    return [target for _, target in references(parse(page)) if is_local(target)]


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_inside_the_repository_resolves(page: Path):
    for target in targets(page):
        file, anchor = resolve(page, target)
        assert file.is_file(), f"{target} names no file"
        assert not anchor or anchor in anchors(file), f"{target} names no heading"


def test_every_page_is_reached_from_the_readme():
    seen: set[Path] = set()
    found = [ROOT / "README.md"]
    while found:
        page = found.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            found += [resolve(page, target)[0] for target in targets(page)]
    assert {name(page) for page in pages()} <= {name(page) for page in seen}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_page_has_one_title(page: Path):
    outside_code = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"^# ", outside_code, flags=re.MULTILINE)) == 1


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=name)
def test_a_decision_answers_the_five_questions(page: Path):
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", page.stem)
    assert headings(page, 1)[0].startswith(page.stem[:4] + " ")
    assert headings(page, 2) == DECISION


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_glossary_has_every_word_once_and_in_two_lines():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^- \*\*(.+?)\*\*: (.+(?:\n  .+)*)$", text, flags=re.MULTILINE)
    words = [word for word, _ in entries]
    assert len(words) == len(set(words))
    assert {word.replace("_", " ") for word in WORDS.split()} <= set(words)
    assert [word for word, meaning in entries if meaning.count("\n") > 1] == []


def test_a_word_in_italics_in_the_glossary_is_defined_there():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").partition("## Who")[2]
    words = set(re.findall(r"^- \*\*(.+?)\*\*", text, flags=re.MULTILINE))
    for used in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text):
        assert words & {used, used.removesuffix("'s"), used.removesuffix("s")}, used


def test_the_changelog_keeps_its_form():
    page = ROOT / "CHANGELOG.md"
    releases = headings(page, 2)
    assert releases[0] == "[Unreleased]"
    dates = [re.fullmatch(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)", line) for line in releases[1:]]
    assert all(dates)
    days = [date[1] for date in dates if date]
    assert days == sorted(days, reverse=True)
    assert set(headings(page, 3)) <= CHANGES


def test_every_make_command_that_is_written_down_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    for page in pages():
        for command in re.findall(
            r"(?:^|`)make ((?:[a-z-]+ ?)+)(?:$|`)", page.read_text(), re.MULTILINE
        ):
            assert set(command.split()) <= known, f"{name(page)}: make {command}"


def test_the_site_holds_every_page_and_names_no_other_host(tmp_path: Path):
    assert build(tmp_path) == len(pages())
    for page in pages():
        html = (tmp_path / page.relative_to(ROOT)).with_suffix(".html").read_text(encoding="utf-8")
        assert not re.search(r"""(src|<link)[^>]*(https?:)?//""", html)
        for href in re.findall(r'(?:href|src)="([^":#]+)["#]', html):
            out = (tmp_path / page.relative_to(ROOT)).parent / href
            assert out.is_file(), f"{name(page)}: {href}"
