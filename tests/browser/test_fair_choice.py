"""A fair prompt stays fair as it is shown, on a telephone and at a desk; each fault is found."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reciprocity.collect.fair_choice import Fault
from reciprocity.collect.fair_choice.browser import WIDTHS, shown
from reciprocity.collect.fair_choice.rendered import check_rendered
from tests.collect.fair_choice.pages import ASKED, LANGUAGES, fair, unfair

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

NO = '<button name="answer" value="no">'
YES = '<button name="answer" value="yes">'
TEA = "https://count.example/1.gif"


def styled(rules: str) -> tuple[str, str]:
    """A change that adds *rules* to the end of the style sheet."""
    return "</style>", f"{rules}\n</style>"


def scripted(code: str) -> tuple[str, str]:
    """A change that runs *code* when the page is read."""
    return "</main>", f"</main><script>{code}</script>"


def rules_of_no(rules: str) -> tuple[str, str]:
    return styled(f"button[value=no] {{ {rules} }}")


def rules_of_both(rules: str) -> tuple[str, str]:
    return styled(f".answers button {{ {rules} }}")


# One change to the fair page, and the one fault that comes of it, at both widths.
PAIRS: list[tuple[str, str, str]] = [
    ("yes_missing", *styled("button[value=yes] { display: none }")),
    ("no_missing", NO + "No, to all of it", "<button>Later, perhaps"),
    ("no_hidden", *rules_of_no("visibility: hidden")),
    ("no_hidden", *rules_of_no("opacity: 0")),
    ("no_hidden", *rules_of_no("clip-path: inset(50%)")),
    ("no_hidden", *rules_of_no("pointer-events: none")),
    ("no_hidden", *rules_of_no("position: absolute; left: -9999px")),
    ("no_hidden", NO, '<i style="position: absolute; inset: 0 50% 0 0"></i>' + NO),
    ("kinds_differ", NO + "No, to all of it</button>",
     ('<a class="as" href="/no" data-answer="no">No, to all of it</a><style>.as { flex: 1 1 0; '
     "min-height: 56px; border: 2px solid #0a6350; border-radius: 10px; background: #fff; "
     "color: #0a6350; font: 600 1rem/1.2 system-ui, sans-serif; text-decoration: none }</style>")),
    ("areas_differ", *rules_of_no("flex: 0 0 40%")),
    ("fonts_differ", *rules_of_no("font-weight: 400")),
    ("fonts_differ", *rules_of_no("font-family: monospace")),
    ("contrast_low", *rules_of_both("color: #8a8a8a")),
    ("contrast_low", *rules_of_both("background-image: linear-gradient(#fff, #eee)")),
    ("salience_differs", *styled("button[value=yes] { background: #0a6350; color: #fff }")),
    ("salience_differs", *rules_of_no("border-color: #e3e7e6")),
    ("salience_differs", *rules_of_no("border-width: 1px")),
    ("salience_differs", *styled("button[value=yes] { box-shadow: 0 0 12px #0a6350 }")),
    ("salience_differs", *styled("@keyframes x { to { rotate: 1deg } } "
                                 "button[value=yes] { animation: x 1s infinite }")),
    ("colours_differ", *rules_of_no("color: #7a1020")),
    ("focus_preset", *scripted("document.querySelector('[value=yes]').focus()")),
    ("focus_preset", *scripted("document.querySelector('[value=offers]').focus()")),
    ("focus_order", NO, NO[:-1] + ' tabindex="-1">'),
    ("focus_order", YES, YES[:-1] + ' tabindex="1">'),
    ("target_below_24", *rules_of_both("min-height: 0; height: 22px; padding: 0")),
    ("target_below_44", *rules_of_both("min-height: 0; height: 40px")),
    ("apart", NO + "No, to all of it</button>", ""),
    ("text_small", "<h1>", '<p style="font-size: 9px">By Tea House Ltd</p><h1>'),
    ("text_faint", "<h1>", '<p style="color: #b5bcbf">By Tea House Ltd</p><h1>'),
    ("text_faint", "<h1>", '<p style="opacity: 0.3">By Tea House Ltd</p><h1>'),
    ("controller_missing", "Tea House Ltd asks", '<i class="x">Tea House Ltd</i> asks'),
    ("retention_missing", "<p>We keep", '<p style="position: absolute; left: -9999px">We keep'),
    ("third_party", *scripted(f"fetch('{TEA}').catch(() => {{}})")),
    ("third_party", *scripted(f"new Image().src = '{TEA}'")),
    ("third_party", *scripted(f"navigator.sendBeacon('{TEA}', 'x')")),
    ("pressing", *styled("h1::before { content: 'Last chance. ' }")),
    ("pressing", *scripted("document.querySelector('h1').append(' Hurry!')")),
    ("benefit_not_owed", *scripted("document.querySelector('h1').append(' 50 % off')")),
    ("stored_early", *scripted("document.cookie = 'seen=1'")),
    ("stored_early", *scripted("localStorage.seen = 1")),
    ("stored_early", *scripted("sessionStorage.seen = 1")),
    ("stored_early", *scripted("indexedDB.open('seen')")),
    ("stored_early", *scripted("caches.open('seen')")),
]  # fmt: skip


def changed(code: str, was: str, becomes: str) -> str:
    html = fair()
    assert html.count(was) == 1
    html = html.replace(was, becomes)
    if code == "apart":
        html = html.replace("<h1>", f"<form>{NO}No, to all of it</button></form><h1>")
        html = html.replace("<form>", '<form class="answers">')
        html = html.replace("<form method", '<div style="height: 900px"></div><form method')
    rules = ".answers { position: relative } .x { display: none }"
    return html.replace("</style>", f"{rules}\n</style>", 1)


def codes(page: Page) -> set[str]:
    found = check_rendered(page, language="en", asked=ASKED["en"])
    return {str(finding.code) for finding in found}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_found_on_a_fair_prompt_as_it_is_shown(
    browser: Browser, language: str, width: int
) -> None:
    with shown(browser, fair(language), width=width) as page:
        assert check_rendered(page, language=language, asked=ASKED[language]) == ()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("code", "was", "becomes"), PAIRS, ids=lambda text: str(text)[:24])
def test_one_change_brings_one_fault_as_it_is_shown(
    browser: Browser, code: str, was: str, becomes: str, width: int
) -> None:
    with shown(browser, changed(code, was, becomes), width=width) as page:
        page.wait_for_timeout(20)
        assert codes(page) == {code}


@pytest.mark.parametrize("width", WIDTHS)
def test_an_unfair_prompt_is_unfair_as_it_is_shown(browser: Browser, width: int) -> None:
    html = unfair().replace("<details>", '<p class="small">Terms apply.</p><details open>')
    with shown(browser, html, width=width) as page:
        assert codes(page) == {
            "areas_differ", "channel_missing", "contrast_low", "controller_missing", "data_missing",
            "focus_order", "focus_preset", "fonts_differ", "kinds_differ", "recipient_missing",
            "retention_missing", "salience_differs", "target_below_24", "text_faint", "text_small",
            "third_party", "withdrawal_missing",
            "absolute_claim", "anonymity_claimed", "approval_claimed", "benefit_not_owed",
            "conditional", "implied_yes", "law_claimed", "negated", "pressing", "shaming",
            "sharing_denied",
        }  # fmt: skip


def walk(*selectors: str) -> Callable[[Callable[[str], None]], None]:
    def walked(click: Callable[[str], None]) -> None:
        for selector in selectors:
            click(selector)

    return walked


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        (("h1",), set()),
        (("h1", "h1"), set()),
        (("h1", "h1", "h1"), {Fault.TAKING_BACK_LONGER}),
    ],
)
def test_taking_back_takes_no_more_clicks_than_giving(
    browser: Browser, back: tuple[str, ...], expected: set[Fault]
) -> None:
    with shown(browser, fair(), width=390) as page:
        page.evaluate("document.forms[0].onsubmit = () => false")
        found = check_rendered(
            page, language="en", asked=ASKED["en"],
            give=walk("[value=offers]", "[value=yes]"), take_back=walk(*back),
        )  # fmt: skip
    assert {finding.code for finding in found} == expected


def test_the_page_is_left_as_it_was(browser: Browser) -> None:
    with shown(browser, fair(), width=390, height=300) as page:
        page.evaluate("scrollTo(0, 100)")
        before = page.content()
        codes(page)
        assert page.content() == before
        assert page.evaluate("scrollY") == 100


def test_a_prompt_on_dark_paper_is_measured_on_it(browser: Browser) -> None:
    html = fair().replace("background: #f5f7f6; color: #14222a", "color-scheme: dark; color: #eee")
    html = html.replace("<html", '<html style="color-scheme: dark"')
    with shown(browser, html, width=390) as page:
        assert codes(page) == set()


# What opens a browser of its own runs in a process of its own: playwright has one a thread.
OPEN = (
    "import sys; {before}\n"
    "from reciprocity.collect.fair_choice.browser import opened\n"
    "from reciprocity.errors import Unavailable\n"
    "try:\n"
    "    with opened('<p>tea</p>', width=390) as page: print(page.inner_text('p'))\n"
    "except Unavailable as error: print(error)\n"
)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("", "tea"),
        ("sys.modules['playwright'] = None", "playwright: not installed"),
        ("import shutil; shutil.which = lambda _: '/no/chromium'", "Chromium: not found"),
    ],
)
def test_a_browser_is_opened_or_it_is_said_what_is_missing(before: str, said: str) -> None:
    code = OPEN.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(said)


def test_the_checks_load_no_browser_driver() -> None:
    code = (
        "import sys; from reciprocity.collect.fair_choice import browser, rendered; "
        "print('playwright' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
