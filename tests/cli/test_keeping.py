"""Backups, restores and the server, from the command line."""

import shutil
import signal
import subprocess
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.cli.conftest import COMMAND, Shop


def places(shop: Shop) -> list[object]:
    return ["--journal", shop.place / "backup-journal", "--keys", shop.place / "backup-keys"]


def test_standing_is_made_anew_from_the_events(shop: Shop):
    shop.yes("ann", "kitchen=2")
    before = shop.done("person", "show", "id:ann", "--json").out
    for file in shop.folder.glob("standing.db*"):
        file.unlink()
    assert shop.done("journal", "rebuild", "--json").json["people"] == 1
    assert shop.done("person", "show", "id:ann", "--json").out == before


def test_a_backup_is_drilled_and_a_restore_of_it_loses_nothing(shop: Shop):
    shop.yes("ann", "kitchen=2")
    size = shop.done("backup", *places(shop), "--json").json["size"]
    drilled = shop.done("drill", *places(shop), "--json").json
    assert (drilled["people"], drilled["behind"], drilled["same"]) == (1, 0, 1)
    lose(shop)
    restored = shop.done("restore", *places(shop), "--json").json
    assert (restored["size"], restored["lost"], restored["signatures_needed"]) == (size, 0, 0)
    assert shop.done("send", "spring", "--json").json["delivered"] == 1


def test_after_a_restore_that_lost_events_two_operators_sign_before_anything_is_sent(shop: Shop):
    shop.yes("ann", "kitchen=2")
    shop.done("backup", *places(shop))
    shop.done("person", "withdraw", "id:ann")
    lose(shop)
    out = shop.done("restore", *places(shop)).out
    assert "events lost: 1" in out
    assert "Campaign spring is ended" in shop.done("plan", "spring").out
    assert "is in force again" in shop.done("gap", "resume", "spring").out
    assert "may lack withdrawals" in shop.refused("send", "spring").err
    assert shop.done("gap", "sign", "--json").json == {"signatures_needed": 1}
    assert "signed by this operator already" in shop.refused("gap", "sign").err
    ran = shop.run("--brand", shop.folder, "--operator", "other", "gap", "sign")
    assert (ran.code, "may send again" in ran.out) == (0, True)
    assert shop.done("send", "spring", "--json").json["delivered"] == 1


def test_until_a_gap_is_signed_whoever_plans_asks_or_sends_is_told(shop: Shop):
    shop.yes("ann", "kitchen=2")
    size = shop.done("backup", *places(shop), "--json").json["size"]
    shop.done("person", "withdraw", "id:ann")
    lose(shop)
    assert f"restored {size} events;" in shop.done("restore", *places(shop)).out
    shop.done("gap", "resume", "spring")
    asked = ("plan", "spring"), ("why", "id:ann", "kitchen")
    notice = "nothing is sent or shown yet"
    for command in asked:
        assert notice in shop.done(*command).out
        told = shop.done(*command, "--json")
        assert told.json
        assert notice in told.err
    shop.done("person", "withdraw", "id:ann")
    assert f"{notice}: the log" in shop.done("send", "spring").out  # with nobody to send to
    shop.done("gap", "sign")
    assert "1 more operator must" in shop.done("plan", "spring").out
    assert shop.run("--brand", shop.folder, "--operator", "other", "gap", "sign").code == 0
    for command in (*asked, ("send", "spring")):
        assert notice not in shop.done(*command).out


def lose(shop: Shop) -> None:
    """What a broken disk does."""
    for pattern in ("journal.db*", "keys.db*", "standing.db*"):
        for file in shop.folder.glob(pattern):
            file.unlink()
    shutil.rmtree(shop.folder / "maildir", ignore_errors=True)


def test_the_server_answers_until_ctrl_c(shop: Shop):
    command = [COMMAND, "--brand", str(shop.folder), "--operator", "tests", "serve",
               "--port", "0", "--tick", "1"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            address = urlsplit(server.stderr.readline().split(" ")[2].rstrip(";"))
            asked = HTTPConnection(str(address.hostname), address.port, timeout=20)
            asked.request("GET", "/healthz")
            assert asked.getresponse().status == 200
            asked.close()
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
        said = server.stderr.read()
        assert said.endswith("stopped\n")
        assert "Traceback" not in said
