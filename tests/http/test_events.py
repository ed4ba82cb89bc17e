"""The collector over HTTP: the real Segment library reports to a real server."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient
from segment.analytics.client import Client

from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from reciprocity.http.events import MOST_SENT_BYTES, MOST_UNPACKED_BYTES
from reciprocity.vault.observed import observed_of
from tests.collect.watched import BROWSER_ID, bought, browser, person, watching
from tests.http.running import Server, serving
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from reciprocity.platform import Reciprocity

KEY = "wk_tests"
BASIC = {"Authorization": "Basic " + b64encode(f"{KEY}:".encode()).decode()}
VIEW = {"type": "page", "messageId": "v1", "anonymousId": BROWSER_ID}


class Collecting:
    """The application of a brand that looks, which knows the write key `KEY`."""

    def __init__(self, shop: Reciprocity, client: TestClient) -> None:
        self.shop, self.client = shop, client

    def send(self, told: object, path: str = "events", **headers: str | bytes) -> Response:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        sent = {"Content-Type": "text/plain;charset=UTF-8", **{
            name.replace("_", "-"): value for name, value in headers.items()}}  # fmt: skip
        return self.client.post(f"/v1/{path}", content=body, headers=sent)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Collecting]:
    clock = Clock()
    with watching(tmp_path, clock) as shop:
        app = make_app(Desk(shop.brand.folder, clock), write_key=lambda key: key == KEY)
        with TestClient(app, base_url="https://harbour.example") as client:
            yield Collecting(shop, client)


# --- a browser ------------------------------------------------------------------------------------


def test_a_browser_reports_with_its_secret_and_is_told_what_was_dropped(site: Collecting) -> None:
    web = browser(site.shop, "visits")
    view = VIEW | {"properties": {"path": "/bulbs", "referrer": "https://elsewhere.example"}}
    order = bought("m1", userId=None, anonymousId=BROWSER_ID)
    got = site.send({"batch": [view, order, {"type": "track"}, 7]})
    assert got.status_code == 200
    assert got.json() == {
        "kept": 1, "linked": 0, "fields_dropped": 1,
        "dropped": [{"index": 1, "reason": "no_consent"}, {"index": 2, "reason": "malformed"},
                    {"index": 3, "reason": "malformed"}],
    }  # fmt: skip
    assert [one["fields"] for one in observed_of(site.shop.journal, web)] == [{"path": "/bulbs"}]


def test_the_answer_sets_no_cookie_and_lets_no_other_site_read_it(site: Collecting) -> None:
    got = site.send(VIEW, Origin="https://elsewhere.example", Cookie="a=b")
    assert got.status_code == 200
    told = [name for name in got.headers if name.startswith(("set-cookie", "access-control"))]
    assert told == []


@pytest.mark.parametrize("headers", [{"Sec_GPC": "1"}, {"DNT": "1"}, {"Sec_GPC": "1", "DNT": "0"}])
def test_a_browser_that_asks_not_to_be_watched_is_not(
    site: Collecting, headers: dict[str, str]
) -> None:
    web = browser(site.shop, "visits")
    got = site.send(VIEW, **headers)
    assert got.json()["dropped"] == [{"index": 0, "reason": "privacy_signal"}]
    assert site.shop.journal.observed.rows(web) == []
    assert site.send(VIEW, Sec_GPC="0", DNT="0").json()["kept"] == 1


# --- a server -------------------------------------------------------------------------------------


def test_a_server_says_whose_event_it_is_with_a_write_key(site: Collecting) -> None:
    person(site.shop, "ann", "purchases")
    assert site.send(bought()).json()["dropped"] == [{"index": 0, "reason": "not_authorised"}]
    assert site.send(bought(), **BASIC).json()["kept"] == 1
    assert site.send({"batch": [bought("m2")], "writeKey": KEY}, "batch").json()["kept"] == 1


@pytest.mark.parametrize(
    "told",
    ["Basic " + b64encode(b"wk_other:").decode(), "Basic !", b"Basic \xe9", "Basic", "Bearer wk",
     "Basic " + b64encode(b":wk_tests").decode(), "Basic " + b64encode(b"\xff:").decode()],
)  # fmt: skip
def test_a_write_key_that_is_none_is_refused_whole(site: Collecting, told: str | bytes) -> None:
    browser(site.shop, "visits")
    got = site.send(VIEW, Authorization=told)
    assert (got.status_code, got.headers["content-type"]) == (401, "application/problem+json")
    assert site.send({"batch": [VIEW], "writeKey": "wk_other"}).status_code == 401


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"no json", {}),
        (b"{}", {"Content_Type": "text/html"}),
        (gzip.compress(b" " * (MOST_UNPACKED_BYTES + 1)), {"Content_Encoding": "gzip"}),
    ],
)
def test_of_whoever_has_no_such_key_nothing_else_is_looked_at(
    site: Collecting, body: bytes, headers: dict[str, str]
) -> None:
    other = "Basic " + b64encode(b"wk_other:").decode()
    assert site.send(body, Authorization=other, **headers).status_code == 401


def test_without_keys_to_check_by_no_key_is_one(tmp_path: Path) -> None:
    clock = Clock()
    with watching(tmp_path, clock) as shop:
        person(shop, "ann", "purchases")
        with TestClient(make_app(Desk(shop.brand.folder, clock))) as client:
            got = client.post("/v1/track", json=bought(), headers=BASIC)
            assert got.status_code == 401


@pytest.mark.parametrize("kind", ["track", "page", "identify"])
def test_each_of_segments_addresses_says_the_type(site: Collecting, kind: str) -> None:
    person(site.shop, "ann", "purchases", "visits")
    browser(site.shop)
    event = {name: value for name, value in bought().items() if name != "type"}
    told = event | ({"anonymousId": BROWSER_ID} if kind == "identify" else {})
    got = site.send(told, kind, **BASIC).json()
    assert (got["kept"], got["linked"]) == ((0, 1) if kind == "identify" else (1, 0))


# --- rubbish --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"no json", {}, 400),
        (b"[" * 60_000, {}, 400),
        (b"[]", {}, 400),
        (b"{}", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content_Type": ""}, 415),
        (b"{}", {"Content_Encoding": "br"}, 415),
        (b"{}", {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0)[:-3], {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0) + b"more", {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b" " * (MOST_UNPACKED_BYTES + 1)), {"Content_Encoding": "gzip"}, 413),
        (b" " * (MOST_SENT_BYTES + 1), {}, 413),
        (json.dumps({"batch": [7] * 1_001}).encode(), {}, 400),
    ],
)
def test_rubbish_is_refused_with_what_is_wrong(
    site: Collecting, body: bytes, headers: dict[str, str], status: int
) -> None:
    got = site.send(body, **headers)
    assert (got.status_code, got.json()["status"]) == (status, status)
    assert got.json()["title"]
    assert "set-cookie" not in got.headers


def test_other_methods_and_addresses_are_refused(site: Collecting) -> None:
    assert site.client.get("/v1/events").status_code == 405
    assert site.client.post("/v1/alias", json={}).status_code == 404


def test_keys_out_of_reach_keep_nothing_and_say_to_come_again(tmp_path: Path) -> None:
    clock = Clock()
    with watching(tmp_path, clock) as shop:
        browser(shop, "visits")
        folder, master = shop.brand.folder, shop.brand.master_key
    master.rename(master.with_suffix(".away"))
    with TestClient(make_app(Desk(folder, clock))) as client:
        got = client.post("/v1/events", json=VIEW)
    assert got.status_code == 503
    assert not (folder / "observed.db").exists()


# --- the real thing -------------------------------------------------------------------------------


@contextmanager
def running(shop: Reciprocity) -> Iterator[Server]:
    folder = shop.brand.folder
    shop.close()
    with serving(folder, write_key=KEY) as server:
        yield server


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
def test_the_segment_library_reports_to_a_running_server(tmp_path: Path, *, gzipped: bool) -> None:
    shop = watching(tmp_path)
    ann, _ = person(shop, "ann", "purchases"), browser(shop)
    errors: list[object] = []
    with running(shop) as server:
        client = Client(
            KEY, host=server.url, gzip=gzipped, max_retries=0,
            on_error=lambda error, _batch: errors.append(error),
        )  # fmt: skip
        client.track("ann", "Order Completed", {"sku": "bulb-7", "total": 3.5, "iban": "GB00"})
        client.track("ann", "Cart Viewed", {"sku": "bulb-7"})
        client.track("bob", "Order Completed", {"sku": "bulb-7"})
        client.page("ann", "Home", properties={"path": "/"})
        client.identify("ann", {"email": "ann@example.com"}, anonymous_id=BROWSER_ID)
        client.group("ann", "members")
        client.flush()
        client.join()
    assert errors == []
    with type(shop).open(shop.brand.folder, Clock()) as again:
        (row,) = observed_of(again.journal, ann)
        assert (row["event"], row["fields"]) == ("Order Completed", {"sku": "bulb-7", "total": 3.5})
    log = server.log.read_text()
    assert "POST /v1/batch 200" in log
    for secret in ("ann", "bulb-7", "GB00", KEY, BROWSER_ID):
        assert secret not in log


def test_the_segment_library_is_told_when_its_key_is_none(tmp_path: Path) -> None:
    shop = watching(tmp_path)
    ann = person(shop, "ann", "purchases")
    errors: list[object] = []
    with running(shop) as server:
        client = Client(
            "wk_other", host=server.url, max_retries=0,
            on_error=lambda error, _batch: errors.append(error),
        )  # fmt: skip
        client.track("ann", "Order Completed", {"sku": "bulb-7"})
        client.flush()
        client.join()
    assert [getattr(one, "status", None) for one in errors] == [401]
    with type(shop).open(shop.brand.folder, Clock()) as again:
        assert again.journal.observed.rows(ann) == []
