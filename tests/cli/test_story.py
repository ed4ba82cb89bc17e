"""From an empty folder to a proof, each command a process of its own."""

import time
from pathlib import Path
from typing import Any

import msgspec

from tests.cli.conftest import Ran, Shop, process, without_quiet_time


class Counts(msgspec.Struct, forbid_unknown_fields=True):
    deliver: int
    wait: dict[str, int]
    refuse: dict[str, int]


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    campaign: str
    at: int
    position: int
    people: int
    messages: dict[str, Counts]
    chosen: dict[str, int]
    unchosen: int


class Sent(msgspec.Struct, forbid_unknown_fields=True):
    campaign: str
    delivered: int
    waiting: int
    refused: dict[str, int]
    cancelled: int
    failed: int
    unknown: int


class Latency(msgspec.Struct, forbid_unknown_fields=True):
    p50: int
    p99: int
    max: int


class Checkpoint(msgspec.Struct, forbid_unknown_fields=True):
    size: int
    root: str


class Audit(msgspec.Struct, forbid_unknown_fields=True):
    deliveries: int
    erased: int
    breaches: list[object]
    near_misses: int
    withdrawal_to_last_send_ms: Latency
    checkpoint: Checkpoint
    since: int
    withdrawals: int


def test_an_empty_folder_becomes_a_brand_that_sends_and_proves_it(tmp_path: Path):
    def done(*arguments: object) -> Ran:
        ran = process("--brand", "shop", *arguments, folder=tmp_path)
        assert ran.code == 0, ran
        return ran

    done("init", "shop")
    without_quiet_time(tmp_path / "shop")
    assert "all is well" in done("check").out
    assert "in force: campaign:spring" in done("apply").out
    done("person", "add", "--id", "c1", "--address", "email=c1@people.example", "--confirmed")
    done("person", "grant", "id:c1", "offers", "--notice", "offers", "--receipt", "yes.json")
    done("person", "prefer", "id:c1", "--topic", "kitchen=2")

    plan = msgspec.json.decode(done("plan", "spring", "--json").out, type=Plan, strict=True)
    assert plan.people == 1
    assert plan.chosen == {"garden": 0, "kitchen": 1}
    assert plan.messages["garden"].refuse == {"attribute_not_shared": 1}
    for counts in plan.messages.values():
        total = counts.deliver + sum(counts.wait.values()) + sum(counts.refuse.values())
        assert total == plan.people

    sent = msgspec.json.decode(done("send", "spring", "--json").out, type=Sent, strict=True)
    assert (sent.delivered, sent.waiting, sent.refused) == (1, 0, {})
    assert len(list((tmp_path / "shop" / "maildir" / "new").iterdir())) == 1

    audit = msgspec.json.decode(done("audit", "--json").out, type=Audit, strict=True)
    assert (audit.deliveries, audit.breaches) == (1, [])

    (tmp_path / "log.key").write_text(done("log", "key").out)
    ran = process("verify", "receipt", "yes.json", "--key", "log.key", folder=tmp_path)
    assert (ran.code, "the receipt holds" in ran.out) == (0, True)
    exported = done("log", "export", "log", "--json").json
    assert exported["size"] == audit.checkpoint.size
    assert exported["root"] == audit.checkpoint.root


def test_a_proposition_has_a_code_to_print_which_leads_to_its_page(shop: Shop):
    for suffix, begins in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")):
        file = shop.place / f"picks{suffix}"
        ran = shop.done("qr", "picks", "-o", file)
        assert ran.out.rstrip().endswith("/join/picks")
        assert file.read_bytes().startswith(begins)
    shown = shop.done("qr", "picks")
    assert "\u2588" in shown.out or "\u2584" in shown.out
    refused = shop.refused("qr", "none")
    assert "is not in force: picks" in refused.err
    refused = shop.refused("qr", "picks", "-o", shop.place / "picks.doc")
    assert "must end in one of .svg" in " ".join(refused.err.split())


def test_a_page_that_presses_is_named_and_not_put_in_force(shop: Shop):
    file = shop.folder / "brand.toml"
    text = file.read_text()
    assert "Picks for your garden and kitchen" in text
    file.write_text(text.replace("Picks for your garden and kitchen", "Last chance! Hurry"))
    for command in ("check", "apply"):
        ran = shop.refused(command)
        assert "is not a fair choice" in " ".join(ran.err.split())


def test_what_people_said_is_counted(shop: Shop):
    assert "nobody was asked to confirm" in shop.done("funnel").out
    assert "no message of campaign spring was delivered" in shop.done("feedback", "spring").out
    shop.yes("ada", "kitchen=2")
    shop.done("send", "spring")
    (message,) = shop.done("feedback", "spring", "--json").json["messages"]
    assert (message["delivered"], message["useful"]) == (1, 0)
    assert "kitchen" in shop.done("feedback", "spring").out
    assert "nobody said yes to a proposition" in shop.done("promises").out
    shop.done("person", "grant", "id:ada", "offers", "--notice", "picks")
    rows = shop.done("promises", "--json").json["promises"]
    assert [(row["measure"], row["people"], row["short"]) for row in rows] == [
        ("at_most", 1, []), ("picks", 1, []),
    ]  # fmt: skip
    assert "picks 1 in 60 days" in shop.done("promises").out
    assert "picks 1 in 60 days (picks)" in shop.done("person", "show", "id:ada").out
    assert shop.done("funnel", "--days", "7", "--json").json == {"days": 7, "requests": []}


def test_campaigns_are_listed_with_how_far_each_has_come(shop: Shop):
    file = shop.folder / "brand.toml"
    text = file.read_text("utf-8")

    def listed() -> list[dict[str, Any]]:
        return shop.done("campaigns", "--json").json["campaigns"]

    (spring,) = listed()
    assert (spring["campaign"], spring["in_force"], spring["applied"]) == ("spring", True, True)
    assert (spring["sent_at"], spring["waiting"]) == (0, 0)
    assert [one["message"] for one in spring["messages"]] == ["garden", "kitchen"]
    assert "not yet" in shop.done("campaigns").out

    shop.yes("c1", "kitchen=2")
    shop.done("send", "spring")
    assert listed()[0]["sent_at"] > 0

    begin = text.index("[campaigns.spring]")
    file.write_text(text + "\n" + text[begin:].replace("campaigns.spring", "campaigns.later")
                    .replace("messages.garden", "messages.shed")
                    .replace("messages.kitchen", "messages.oven"), "utf-8")  # fmt: skip
    later, _ = sorted(listed(), key=lambda one: one["campaign"])
    assert (later["campaign"], later["in_force"], later["applied"]) == ("later", False, False)
    out = shop.done("campaigns").out
    for words in ("later *", "not in force", "reciprocity apply"):
        assert words in out

    file.write_text(text[:begin], "utf-8")  # ended in the file, and in force until applied
    (spring,) = listed()
    assert (spring["in_force"], spring["applied"]) == (True, False)
    assert "\nno longer in force: campaign:spring\n" in "\n" + shop.done("apply").out
    assert listed() == []
    assert "has no campaign yet" in shop.done("campaigns").out


ON_SITE = """
[channels.site]
title = "our site"
kind = "web"
cap_7_days = 4
cap_30_days = 4

[purposes.shown]
title = "What fits me"
channels = ["site"]

[notices.shown]
purposes = ["shown"]
text.en = "Yes, you may choose what I see on your site."

[campaigns.front]
title = "The first page"
opens = 2026-03-01T00:00:00Z
closes = 2036-03-01T00:00:00Z
limit = 1

[campaigns.front.messages.hello]
purpose = "shown"
channel = "site"
place = "first"
subject = "Hello"
text = "Hello"
"""


def test_a_plan_says_whether_it_is_of_now_or_then_and_sent_or_shown(shop: Shop):
    shop.yes("ann", "kitchen=2")
    assert "1 message would be sent now, to nobody" in shop.done("plan", "spring").out
    then = shop.done("plan", "spring", "--at", round((time.time() + 86_400) * 1000)).out
    assert "1 message would be sent then, to nobody" in then
    with (shop.folder / "brand.toml").open("a", encoding="utf-8") as file:
        file.write(ON_SITE)
    shop.done("apply")
    shown = shop.done("plan", "front").out
    assert "Pages would show 0 messages now, to nobody" in shown
    assert "sent" not in shown


def test_a_campaign_that_ended_is_said_to_and_what_people_said_of_it_is_told_still(shop: Shop):
    shop.yes("ada", "kitchen=2")
    shop.done("send", "spring")
    file = shop.folder / "brand.toml"
    text = file.read_text("utf-8")
    file.write_text(text[: text.index("[campaigns.spring]")], "utf-8")
    told = shop.done("apply", "--json").json
    assert (told["in_force"], told["ended"]) == ([], ["campaign:spring"])
    assert shop.done("apply", "--json").json["ended"] == []
    assert "Campaign spring is ended and has no message" in shop.done("plan", "spring").out
    (message,) = shop.done("feedback", "spring", "--json").json["messages"]
    assert message["delivered"] == 1
