"""The prompt in a page of another origin, which lets nothing in but itself and the brand."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe

from reciprocity.collect.fair_choice.rendered import check_rendered
from reciprocity.collect.proposition import LANGUAGES, terms_of
from reciprocity.platform import Reciprocity
from tests.browser.test_person import RULES
from tests.http.at_site import new_site
from tests.http.running import Server, serving
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Request

    from reciprocity.collect.fair_choice import Asked

HTML = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Another site</title>
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<script type="module" src="{brand}/sdk/1/reciprocity-prompt.js"></script></head>
<body><main><h1>Another site</h1>
<reciprocity-prompt proposition="here" {marks}></reciprocity-prompt></main></body></html>"""


class Host:
    """A site of another origin; *brand* is where the prompt is served."""

    def __init__(self, html: str = HTML) -> None:
        self.brand = ""
        outer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                language, _, marks = self.path.strip("/").partition("/")
                page = html.format(brand=outer.brand, language=language, marks=marks).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header(
                    "Content-Security-Policy",
                    f"default-src 'self'; img-src data:; script-src {outer.brand}; "
                    f"connect-src {outer.brand}; require-trusted-types-for 'script'",
                )
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"


class Place(NamedTuple):
    host: Host
    server: Server
    folder: Path

    def kinds(self) -> list[str]:
        """What the journal says of people, in order."""
        with Reciprocity.open(self.folder) as shop:
            told = [
                one
                for slot in range(shop.journal.state().next_slot)
                for one in shop.journal.history(slot)
            ]
        return [one.kind for one in told]

    def asked(self, language: str) -> Asked:
        with Reciprocity.open(self.folder) as shop:
            return terms_of(shop.statement, shop.laws, "here", language)[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    host = Host()
    threading.Thread(target=host.server.serve_forever, daemon=True).start()
    folder = new_site(tmp_path_factory.mktemp("prompt"), host.origin, Clock())
    with serving(folder) as server:
        host.brand = server.url
        yield Place(host, server, folder)
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A fresh profile, set as the test asks; closed at its end."""
    made = []

    def new(**told: object) -> BrowserContext:
        made.append(browser.new_context(**{"locale": "en", **told}))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for each in made:
        each.close()


def opened(context: BrowserContext, place: Place, language: str = "en", marks: str = "") -> Page:
    page = context.new_page()
    page.goto(f"{place.host.origin}/{language}/{marks}")
    return page


def button(answer: str) -> str:
    return f"reciprocity-prompt button[value={answer}]"


def say_yes(page: Page) -> None:
    page.locator("input[name=purposes]").check()
    page.locator("input[name=behaviours]").check()
    page.locator(button("yes")).click()


def kept(page: Page) -> list[str]:
    """The names of all that the page's site has stored in the browser."""
    return page.evaluate("""async () => [
        ...Object.keys(localStorage), ...Object.keys(sessionStorage), ...document.cookie.split(";"),
        ...(await indexedDB.databases()).map((one) => one.name), ...(await caches.keys()),
    ].filter(Boolean)""")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_a_fair_choice_as_it_is_shown(visit, place, language):
    page = opened(visit(viewport={"width": 320, "height": 900}), place, language)
    page.locator(button("yes")).wait_for()
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        found = [
            f"{one.code}: {one.message}"
            for one in check_rendered(page, language=language, asked=place.asked(language))
            if place.server.url.removeprefix("http://") not in one.message  # the brand's own
        ]
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.activeElement === document.body")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_everybody_can_use_it(visit, place, shots, language, scheme):
    page = opened(
        visit(viewport={"width": 1280, "height": 900}, color_scheme=scheme), place, language
    )
    page.locator(button("yes")).wait_for()
    page.screenshot(path=shots / f"prompt-{language}-{scheme}-1280.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 900})
    page.screenshot(path=shots / f"prompt-{language}-{scheme}-390.png", full_page=True)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.violations_count == 0, found.generate_report()


def test_before_a_yes_it_asks_for_its_own_words_and_stores_nothing(visit, place):
    context, before = visit(), place.kinds()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, place)
    page.locator("input[name=purposes]").check()
    page.evaluate("import(`${document.querySelector('script').src.replace('-prompt', '')}`)"
                  ".then(({ track }) => track('seen', { page: 1 }))")  # fmt: skip
    page.locator(button("yes")).focus()
    page.wait_for_timeout(1500)  # longer than anything queued would wait
    assert [url.removeprefix(place.server.url) for url in asked[1:]] == [
        "/sdk/1/reciprocity-prompt.js", "/sdk/1/reciprocity.js",
        "/v1/prompts/here?language=en",
    ]  # fmt: skip
    assert kept(page) == []
    assert context.cookies() == []
    assert place.kinds() == before


def test_a_yes_is_stored_with_the_notice_shown_and_taken_back_in_one_step(visit, place):
    context = visit()
    page = opened(context, place, "de")
    say_yes(page)
    page.get_by_text("Gespeichert: Ihr Ja gilt.").wait_for()
    receipt = page.evaluate("JSON.parse(localStorage.reciprocity).receipt")
    words = place.server.ask("GET", "/v1/prompts/here?language=de").text
    assert '"notice_language":"de"' in receipt["event"]
    assert receipt["event"].partition('"notice":"')[2].partition('"')[0] in words
    assert context.cookies() == []
    page.reload()
    page.get_by_role("button", name="Zurücknehmen").click()
    page.get_by_text("Zurückgenommen und gespeichert.").wait_for()
    assert kept(page) == []
    assert place.kinds()[-3:] == ["person.registered", "consent.granted", "consent.withdrawn"]


@pytest.mark.parametrize("marks", ["", "remember"])
def test_a_no_stores_nothing_about_anybody_and_is_not_asked_again(visit, place, marks):
    context, before = visit(), place.kinds()
    page = opened(context, place, marks=marks)
    page.locator(button("no")).click()
    prompt = "document.querySelector('reciprocity-prompt')"
    assert page.evaluate(f"{prompt}.childElementCount") == 0
    page.evaluate(f"{{ const one = {prompt}; one.remove(); document.body.append(one); }}")
    page.wait_for_timeout(300)
    assert page.evaluate(f"{prompt}.childElementCount") == 0
    assert kept(page) == (["reciprocity-no"] if marks else [])
    assert place.kinds() == before
    if marks:
        page.reload()
        page.wait_for_timeout(300)
        assert page.evaluate(f"{prompt}.childElementCount") == 0
        assert page.evaluate("localStorage['reciprocity-no']") == "1"


def test_a_yes_while_the_line_is_cut_is_one_yes_and_never_claimed_before(visit, place):
    context, before = visit(), place.kinds()
    page = opened(context, place)
    page.locator(button("yes")).wait_for()
    context.set_offline(True)
    say_yes(page)
    page.get_by_text("Not stored yet.").wait_for()
    assert place.kinds() == before
    page.wait_for_timeout(1200)  # a second attempt fails too
    context.set_offline(False)
    page.get_by_text("Stored: your yes counts.").wait_for()
    assert place.kinds() == [*before, "person.registered", "consent.granted"]


def test_an_answer_that_is_lost_on_its_way_does_not_double_the_yes(visit, place):
    context, before = visit(), place.kinds()
    page = opened(context, place)
    lost: list[Request] = []

    def lose(route):
        if lost or route.request.method != "POST":
            route.continue_()
            return
        lost.append(route.request)
        place.server.ask("POST", "/v1/prompts/here", route.request.post_data_buffer,
                         {"Origin": place.host.origin})  # fmt: skip
        route.abort()

    page.route("**/v1/prompts/here", lose)
    say_yes(page)
    page.get_by_text("Stored: your yes counts.").wait_for()
    assert len(lost) == 1
    assert place.kinds() == [*before, "person.registered", "consent.granted"]


def test_a_double_click_is_one_yes(visit, place):
    context, before = visit(), place.kinds()
    page = opened(context, place)
    page.locator("input[name=purposes]").check()
    page.locator(button("yes")).evaluate("(one) => { one.click(); one.click(); }")
    page.get_by_text("Stored: your yes counts.").wait_for()
    assert place.kinds() == [*before, "person.registered", "consent.granted"]


def test_taken_back_in_one_tab_is_taken_back_in_the_other(visit, place):
    context = visit()
    one = opened(context, place)
    say_yes(one)
    one.get_by_text("Stored: your yes counts.").wait_for()
    other = opened(context, place)
    other.get_by_text("Stored: your yes counts.").wait_for()
    one.get_by_role("button", name="Take it back").click()
    other.get_by_text("Taken back, and stored.").wait_for()
    assert kept(other) == []


@pytest.mark.parametrize("signal", ["globalPrivacyControl = true", "doNotTrack = '1'"])
def test_who_does_not_want_to_be_asked_is_not(visit, place, signal):
    name, _, value = signal.partition(" = ")
    context = visit()
    context.add_init_script(f"Object.defineProperty(navigator, '{name}', {{ value: {value} }})")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, place)
    page.wait_for_timeout(300)
    told = page.evaluate(f"import('{place.server.url}/sdk/1/reciprocity.js').then("
                         "async (one) => [one.state(), await one.grant({})])")  # fmt: skip
    why = "gpc" if "global" in name else "dnt"
    assert [(one["is"], one["why"]) for one in told] == [("silent", why)] * 2
    assert all("/v1/" not in url for url in asked)
    assert kept(page) == []


def test_a_page_that_the_brand_does_not_list_gets_no_yes(visit, place):
    before = place.kinds()
    stranger = Host()
    stranger.brand = place.server.url
    threading.Thread(target=stranger.server.serve_forever, daemon=True).start()
    page = visit().new_page()
    page.goto(f"{stranger.origin}/en/")
    say_yes(page)
    page.get_by_text("This could not be stored. Nothing was kept.").wait_for()
    assert kept(page) == []
    assert place.kinds() == before
    stranger.server.shutdown()
    stranger.server.server_close()


def test_what_is_tracked_goes_out_only_under_a_stored_yes(visit, place):
    page = opened(visit(), place)
    sent: list[dict] = []
    page.on("request", lambda one: sent.append(one.post_data_json) if "events" in one.url else None)
    say_yes(page)
    page.get_by_text("Stored: your yes counts.").wait_for()
    tell = f"""import('{place.server.url}/sdk/1/reciprocity.js').then(({{ track }}) => {{
        for (let i = 0; i < 40; i++) track("bought", {{ item: i, text: "x".repeat(4000) }}); }})"""
    page.evaluate(tell)
    for _ in range(100):
        page.wait_for_timeout(200)
        events = [event for one in sent for event in one["batch"]]
        if len(events) == 40:
            break
    assert sorted(event["properties"]["item"] for event in events) == list(range(40))
    assert len(sent) > 2
    assert {event["type"] for event in events} == {"track"}
    assert len({event["messageId"] for event in events}) == 40
    (secret,) = {event["anonymousId"] for event in events}
    assert len(secret) > 22  # by which the collector knows whose browser it is
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("Taken back, and stored.").wait_for()
    sent.clear()
    page.evaluate(tell)
    page.wait_for_timeout(1500)
    assert sent == []
