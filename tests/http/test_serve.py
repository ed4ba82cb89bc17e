"""The link in every message, against the real server: who presses is heard, a scanner is not."""

from __future__ import annotations

import re
import signal
import sqlite3
import threading
import time
from base64 import b64encode
from contextlib import closing
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from reciprocity.deliver.link import Link
from reciprocity.errors import InputError, Unavailable
from reciprocity.events import Act, ConsentRow
from reciprocity.http.serve import run
from reciprocity.journal.entry import Entry
from reciprocity.leave.erase import erase
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from tests.http.running import (
    FORM,
    LIMIT_S,
    ONE_CLICK,
    Server,
    content,
    serving,
    started,
)
from tests.shop import DAY, START, Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AFTER = 12
MULTIPART = {"Content-Type": "multipart/form-data; boundary=abc"}


def part(name: str, value: str, more: str = "", head: str = "") -> str:
    said = f'--abc\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{head}\r\n{value}\r\n'
    return f"{said}--abc--\r\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reciprocity]:
    with new_shop(tmp_path_factory.mktemp("served")) as shop:
        yield shop


@pytest.fixture(scope="module")
def server(shop: Reciprocity) -> Iterator[Server]:
    with serving(shop.journal.folder) as server:
        yield server


@pytest.fixture
def slot(shop: Reciprocity) -> int:
    return add_people(shop, 1)[0]


def token_for(shop: Reciprocity, slot: int) -> str:
    return shop.links.make(Link(slot, 1, "offers", "email"))


def verdict(shop: Reciprocity, slot: int) -> str:
    decision = shop.why(slot, "spring", "garden").decision
    return decision.reason or decision.verdict


def withdrawals(shop: Reciprocity, slot: int) -> int:
    return [told.kind for told in shop.journal.history(slot)].count("consent.withdrawn")


# --- what changes nothing -------------------------------------------------------------------------


def test_a_scanner_that_opens_every_link_changes_nothing(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    path = f"/u/{token_for(shop, slot)}"
    before = content(shop.journal.folder)
    for query in ("", "", "/", "?List-Unsubscribe=One-Click", "?utm_source=mail&x=%00"):
        assert server.ask("GET", path + query).status == 200
    assert content(shop.journal.folder) == before


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(
    shop: Reciprocity, server: Server, slot: int, method: str
) -> None:
    token = token_for(shop, slot)
    before = content(shop.journal.folder)
    answer = server.ask(method, f"/u/{token}", ONE_CLICK, FORM)
    assert answer.status == 405
    assert "POST" in answer.headers["allow"]
    assert content(shop.journal.folder) == before


WRONG = {
    "nothing": (b"", FORM),
    "no type": (ONE_CLICK, {}),
    "plain text": (ONE_CLICK, {"Content-Type": "text/plain"}),
    "json": (b'{"List-Unsubscribe": "One-Click"}', {"Content-Type": "application/json"}),
    "another value": (b"List-Unsubscribe=one-click", FORM),
    "another name": (b"list-unsubscribe=One-Click", FORM),
    "said twice, differently": (ONE_CLICK + b"&List-Unsubscribe=No", FORM),
    "bytes that are no text": (b"\xff\xfe=\xff&%ff=%", FORM),
    "no boundary": (part("List-Unsubscribe", "One-Click").encode(),
                    {"Content-Type": "multipart/form-data"}),
    "another boundary": (part("List-Unsubscribe", "One-Click").encode(),
                         {"Content-Type": "multipart/form-data; boundary=xyz"}),
    "cut short": (part("List-Unsubscribe", "One-Click").encode()[:-12], MULTIPART),
    "a file": (part("List-Unsubscribe", "One-Click", '; filename="a"').encode(), MULTIPART),
    "no such charset": (part("List-Unsubscribe", "One-Click", "",
                             "Content-Type: text/plain; charset=klingon\r\n").encode(), MULTIPART),
    "too many parts": (part("a", "1").encode()[:-9] * 40, MULTIPART),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_body_that_is_not_one_click_changes_nothing(
    shop: Reciprocity, server: Server, slot: int, case: str
) -> None:
    token = token_for(shop, slot)
    before = content(shop.journal.folder)
    body, headers = WRONG[case]
    answer = server.ask("POST", f"/u/{token}", body, headers)
    assert answer.status == 400
    assert "Nothing was changed" in answer.text
    assert content(shop.journal.folder) == before


def test_a_body_too_large_is_refused(shop: Reciprocity, server: Server, slot: int) -> None:
    path = f"/u/{token_for(shop, slot)}"
    before = content(shop.journal.folder)
    large = ONE_CLICK + b"&a=" + b"b" * 5_000
    assert server.ask("POST", path, large, FORM).status == 413
    pieces = (large[at : at + 500] for at in range(0, len(large), 500))  # of no stated length
    assert server.ask("POST", path, pieces, FORM).status == 413
    assert content(shop.journal.folder) == before


def test_a_link_that_is_not_ours_changes_nothing(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    token, before = token_for(shop, slot), content(shop.journal.folder)
    wrong = [
        token[:-1], token[1:], token[:10], token + "A", token + "%20", token.swapcase(),
        "A" * 44, "%C3%BC" * 20, "%FF%00", "..%2F..%2Fetc", "A" * 8_000, token + "/more",
    ]  # fmt: skip
    for each in wrong:
        for answer in (server.ask("GET", f"/u/{each}"), server.click(each)):
            assert answer.status == 404, each
            assert "Nothing was changed" in answer.text
    assert content(shop.journal.folder) == before


# --- what withdraws -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ONE_CLICK, FORM),
        (ONE_CLICK, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}),
        (ONE_CLICK + b"&tracking=1", FORM),
        (part("List-Unsubscribe", "One-Click").encode(), MULTIPART),
    ],
)
def test_one_post_withdraws(
    shop: Reciprocity, server: Server, slot: int, body: bytes, headers: dict[str, str]
) -> None:
    assert verdict(shop, slot) == "deliver"
    answer = server.ask("POST", f"/u/{token_for(shop, slot)}", body, headers)
    assert (answer.status, verdict(shop, slot)) == (200, "withdrawn")
    assert "A message already on its way may still arrive." in answer.text


def test_clicking_twice_says_the_same_and_writes_one_event(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    token = token_for(shop, slot)
    assert server.click(token).text == server.click(token).text
    assert withdrawals(shop, slot) == 1


def test_clicking_many_times_at_once_writes_one_event(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    token, answers = token_for(shop, slot), []
    threads = [
        threading.Thread(target=lambda: answers.append(server.click(token))) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 12
    assert withdrawals(shop, slot) == 1


def test_clicking_after_a_later_yes_withdraws_again(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    token = token_for(shop, slot)
    server.click(token)
    row = ConsentRow(
        purpose="offers", channel="email", state=ConsentState.GIVEN, until=START + 90 * DAY
    )
    act = Act(actor="person", method="web", consent=(row,))
    shop.journal.append([Entry(kind="consent.granted", body=act, slot=slot)])
    assert verdict(shop, slot) == "deliver"
    assert server.click(token).status == 200
    assert (verdict(shop, slot), withdrawals(shop, slot)) == ("withdrawn", 2)


def test_after_erasure_the_answer_is_the_same(shop: Reciprocity, server: Server, slot: int) -> None:
    token = token_for(shop, slot)
    first = server.click(token)
    erase(shop.journal, slot, operator="operator:tests", now=True)
    before = content(shop.journal.folder)
    again = server.click(token)
    assert (again.status, again.text) == (200, first.text)
    assert server.ask("GET", f"/u/{token}").status == 200
    assert content(shop.journal.folder) == before


def test_what_could_not_be_stored_is_not_called_stopped(shop: Reciprocity, server: Server) -> None:
    """A link of a person the journal does not know: it is older than the message."""
    answer = server.click(token_for(shop, 999_999))
    assert answer.status == 503
    assert "Not stopped yet" in answer.text


# --- what the page says of itself -----------------------------------------------------------------


def test_every_answer_is_strict_and_sets_no_cookie(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    token = token_for(shop, slot)
    for answer in (
        server.ask("GET", f"/u/{token}"), server.click(token), server.click("nonsense"),
        server.ask("POST", f"/u/{token}"), server.ask("PUT", f"/u/{token}"),
        server.ask("GET", "/"), server.ask("GET", "/favicon.ico"), server.ask("GET", "/healthz"),
        server.ask("GET", "/readyz"),
    ):  # fmt: skip
        headers = answer.headers
        assert "set-cookie" not in headers
        assert "server" not in headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; object-src 'none';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        for style in re.findall("<style>(.*?)</style>", answer.text, re.DOTALL):
            digest = b64encode(sha256(style.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy


def test_the_page_loads_nothing_and_names_nobody(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    token = token_for(shop, slot)
    for text in (server.ask("GET", f"/u/{token}").text, server.click(token).text):
        assert not re.search(r"(src|href|action)=[\"'](?!mailto:|data:,|#main|/static/)", text)
        assert "url(" not in text
        for secret in (token, f"p{slot}@example.com", shop.journal.pseudonym(slot)):
            assert secret not in text


def test_no_line_of_the_log_holds_a_link_or_a_person(
    shop: Reciprocity, server: Server, slot: int
) -> None:
    token = token_for(shop, slot)
    server.ask("GET", f"/u/{token}?address=p{slot}@example.com")
    server.ask("GET", f"/{token}/wrong")
    server.ask("PUT", f"/u/{token}")
    server.click(token)
    server.click(token_for(shop, 999_999))
    log = server.log.read_text()
    assert "POST /u/... 200" in log
    assert "Traceback" not in log
    assert token[:12] not in log
    assert "@example.com" not in log
    assert "127.0.0.1" not in log


def test_it_says_that_it_is_there_and_ready(server: Server) -> None:
    assert server.ask("GET", "/healthz")[::2] == (200, "ok\n")
    assert server.ask("GET", "/readyz")[::2] == (200, "ready\n")


# --- other processes, and ends --------------------------------------------------------------------


def decisions_around(shop: Reciprocity, slot: int, click: Server, log: Path) -> list[list[str]]:
    """Some decisions of another process, each begun after the answer to a click."""
    with started("decide", str(shop.journal.folder), str(slot), log=log) as process:
        assert process.stdout
        before = [process.stdout.readline().split() for _ in range(20)]
        assert {each[1] for each in before} == {"deliver"}, log.read_text()
        assert click.click(token_for(shop, slot)).status == 200
        answered = time.monotonic_ns()
        lines = (line.split() for line in process.stdout)
        after = list(islice((line for line in lines if int(line[0]) >= answered), AFTER))
        process.kill()
    return after


def test_after_the_answer_no_decision_anywhere_says_deliver(
    shop: Reciprocity, server: Server, slot: int, tmp_path: Path
) -> None:
    after = decisions_around(shop, slot, server, tmp_path / "log")
    assert len(after) == AFTER
    assert {tuple(line[1:]) for line in after} == {("refuse", "withdrawn")}


@pytest.mark.files
def test_it_works_while_the_master_key_is_out_of_reach(tmp_path: Path) -> None:
    """Also then nothing is sent after the answer; whoever has the keys seals it."""
    with new_shop(tmp_path) as shop:
        slot, other = add_people(shop, 2)
        key, away = shop.brand.master_key, tmp_path / "away"
        key.rename(away)
        with serving(shop.journal.folder) as server:
            assert server.ask("GET", "/healthz").status == 200
            assert server.ask("GET", "/readyz").status == 503
            assert server.ask("GET", f"/u/{token_for(shop, slot)}").status == 200
            click_durably(shop, server, other)
            away.rename(key)
            after = decisions_around(shop, slot, server, tmp_path / "log")
            assert {tuple(line[1:]) for line in after} == {("refuse", "withdrawn")}
            assert server.ask("GET", "/readyz").status == 200
            log = server.log.read_text()
            assert "master key" in log
            assert token_for(shop, slot) not in log
        assert [withdrawals(shop, each) for each in (slot, other)] == [1, 1]


def click_durably(shop: Reciprocity, server: Server, slot: int) -> None:
    """A click that is noted in clear, twice, and lies there once."""
    for _ in range(2):
        assert server.click(token_for(shop, slot)).status == 200
    with closing(sqlite3.connect(shop.journal.folder / "journal.db")) as db:
        assert db.execute("SELECT slot FROM pending_act").fetchall() == [(slot,)]


def test_a_click_that_was_answered_survives_a_kill(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        token, folder = token_for(shop, slot), shop.journal.folder
    with serving(folder) as server:
        assert server.click(token).status == 200
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(LIMIT_S)
    with Reciprocity.open(folder, Clock()) as shop:
        assert verdict(shop, slot) == "withdrawn"


@pytest.mark.files
def test_told_to_end_it_first_answers_who_waits(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        token, answers = token_for(shop, slot), []
        with serving(shop.journal.folder) as server, closing(shop.journal.connection()) as db:
            db.execute("BEGIN IMMEDIATE")  # somebody else is writing
            waiting = threading.Thread(target=lambda: answers.append(server.click(token)))
            waiting.start()
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            db.execute("ROLLBACK")
            waiting.join()
            server.process.wait(LIMIT_S)
            assert [answer.status for answer in answers] == [200]
        assert verdict(shop, slot) == "withdrawn"


def test_a_port_that_is_taken_says_so(shop: Reciprocity, server: Server) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(Unavailable, match=f"port {port} .* --port"):
        run(shop.journal.folder, port=port)


def test_a_host_that_is_none_says_so(shop: Reciprocity) -> None:
    with pytest.raises(InputError, match=r"host .* is not an address"):
        run(shop.journal.folder, host="not a host")


def test_a_folder_without_a_journal_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reciprocity apply"):
        run(tmp_path)
