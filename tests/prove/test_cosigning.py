"""A brand and its witnesses: real processes, real journals; and what only looks like a witness."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from reciprocity.cli import main
from reciprocity.errors import InputError
from reciprocity.platform import Reciprocity, check_brand
from reciprocity.prove.asking import MOST_BYTES
from reciprocity.prove.cosigning import Cosigning, cosign, cosigned_checkpoint
from reciprocity.tlog.cosignature import cosign as sign
from reciprocity.tlog.merkle import EMPTY_ROOT
from reciprocity.tlog.note import Checkpoint
from reciprocity.tlog.policy import Opened, Policy, open_cosigned
from reciprocity.tlog.signing import LogVerifier
from reciprocity.tlog.submission import SIZE_TYPE, signature_lines
from reciprocity.witness.folder import open_key
from tests.place import copied, lose, on_postgresql, put_back, save, unguarded
from tests.prove.witnesses import folders, policy, policy_text, pretending, replying
from tests.shop import Clock, add_people, new_shop
from tests.tlog.keys import witness_key
from tests.witness.running import Server, serving, start

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

SOON_S = 1.5


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path / "one") as shop:
        yield shop


def opened(shop: Reciprocity, policy: Policy) -> Opened:
    """The checkpoint to hand out, as somebody opens it who knows the policy and the log's key."""
    note = cosigned_checkpoint(shop.journal.folder)
    assert note is not None
    return open_cosigned(note, policy, LogVerifier, [shop.journal.signer().verifier_key])


def problems(found: Cosigning) -> list[str]:
    return [one.problem for one in found.witnesses]


# --- honest witnesses -----------------------------------------------------------------------------


def test_three_witnesses_cosign_as_the_log_grows(shop: Reciprocity, tmp_path: Path) -> None:
    made = folders(tmp_path, shop.journal, 3)
    with ExitStack() as stack:
        urls = {one: stack.enter_context(serving(one)).url + "/" for one in made}
        rule = policy(3, urls)
        assert cosigned_checkpoint(shop.journal.folder) is None
        for _ in range(3):
            found = cosign(shop.journal, rule)
            assert (found.holds, found.lacking, found.conflicts) == (True, "", ())
            assert problems(found) == ["", "", ""]
            assert found.size == shop.journal.state().size
            assert opened(shop, rule).checkpoint.size == found.size
            assert len(opened(shop, rule).cosigned_at) == 3
            add_people(shop, 5)


def test_the_brand_goes_on_while_one_is_killed_and_asks_it_again(
    shop: Reciprocity, tmp_path: Path
) -> None:
    made = folders(tmp_path, shop.journal, 3)
    with ExitStack() as stack:
        servers = [start(one) for one in made]
        for one in servers:
            stack.callback(one.kill)
        rule = policy(2, {one: server.url for one, server in zip(made, servers, strict=True)})
        assert cosign(shop.journal, rule).holds
        servers[1].kill()
        add_people(shop, 3)
        found = cosign(shop.journal, rule)
        assert found.holds
        assert [one.cosigned_at > 0 for one in found.witnesses] == [True, False, True]
        assert "cannot be asked" in found.witnesses[1].problem
        again = start(made[1], int(servers[1].url.rpartition(":")[2]))
        stack.callback(again.kill)
        add_people(shop, 3)
        assert problems(cosign(shop.journal, rule)) == ["", "", ""]


def test_a_cosignature_that_came_later_is_added_to_the_same_checkpoint(
    shop: Reciprocity, tmp_path: Path
) -> None:
    made = folders(tmp_path, shop.journal, 2)
    with serving(made[0]) as one:
        port_of_two = start(made[1])
        port_of_two.kill()
        rule = policy(2, {made[0]: one.url, made[1]: port_of_two.url})
        found = cosign(shop.journal, rule)
        assert not found.holds
        assert "1 of 2 witnesses cosigned it" in found.lacking
        assert "witness w1" in found.lacking
        assert cosigned_checkpoint(shop.journal.folder) is None
    with serving(made[1], int(port_of_two.url.rpartition(":")[2])):
        found = cosign(shop.journal, rule)  # now the first is away
        assert [bool(one.problem) for one in found.witnesses] == [True, False]
        assert all(one.cosigned_at for one in found.witnesses)
        assert found.holds
        assert len(opened(shop, rule).cosigned_at) == 2


def test_what_held_is_handed_out_until_a_newer_one_holds(shop: Reciprocity, tmp_path: Path) -> None:
    made = folders(tmp_path, shop.journal, 1)
    with serving(made[0]) as server:
        rule = policy(1, {made[0]: server.url})
        size = cosign(shop.journal, rule).size
    add_people(shop, 2)
    assert not cosign(shop.journal, rule).holds
    assert opened(shop, rule).checkpoint.size == size


def test_a_witness_with_an_old_state_is_brought_up_and_cosigns_again(
    shop: Reciprocity, tmp_path: Path
) -> None:
    made = folders(tmp_path, shop.journal, 3)
    with ExitStack() as stack:
        urls = {one: stack.enter_context(serving(one)).url for one in made[:2]}
        old = start(made[2])
        rule = policy(2, {**urls, made[2]: old.url})
        cosign(shop.journal, rule)
        old.kill()
        shutil.copytree(made[2], tmp_path / "copy")
        old = start(made[2], int(old.url.rpartition(":")[2]))
        add_people(shop, 4)
        cosign(shop.journal, rule)
        old.kill()
        shutil.rmtree(made[2])
        shutil.copytree(tmp_path / "copy", made[2])
        old = start(made[2], int(old.url.rpartition(":")[2]))
        stack.callback(old.kill)
        add_people(shop, 4)
        found = cosign(shop.journal, rule)
        assert (found.holds, problems(found), found.conflicts) == (True, ["", "", ""], ())


def test_what_is_remembered_of_witnesses_may_be_lost(shop: Reciprocity, tmp_path: Path) -> None:
    made = folders(tmp_path, shop.journal, 1)
    with serving(made[0]) as server:
        rule = policy(1, {made[0]: server.url})
        cosign(shop.journal, rule)
        lose(shop.journal.folder, "cosigned.db")
        add_people(shop, 4)
        assert cosigned_checkpoint(shop.journal.folder) is None
        assert cosign(shop.journal, rule).holds
        with unguarded(shop.journal.folder, "cosigned.db") as db:
            db.execute("UPDATE witness SET size = 1000000")
        add_people(shop, 4)
        assert cosign(shop.journal, rule).conflicts == ()
        assert cosigned_checkpoint(shop.journal.folder, "another origin") is None
        assert cosigned_checkpoint(shop.journal.folder, "harbour.example/shop") is not None
        lose(shop.journal.folder, "cosigned.db")
        if not on_postgresql():
            (shop.journal.folder / "cosigned.db").write_bytes(b"garbage" * 4000)
        assert cosigned_checkpoint(shop.journal.folder) is None
        assert cosign(shop.journal, rule).holds
        assert cosigned_checkpoint(shop.journal.folder) is not None


def test_many_at_once_while_the_log_grows_are_no_conflict(
    shop: Reciprocity, tmp_path: Path
) -> None:
    """What a second process cosigned meanwhile must not look like an older journal."""
    made = folders(tmp_path, shop.journal, 1)
    found, growing = list[Cosigning](), threading.Lock()
    with serving(made[0]) as server:
        rule = policy(1, {made[0]: server.url})

        def ask() -> None:
            for _ in range(6):
                with growing:
                    add_people(shop, 1)
                found.append(cosign(shop.journal, rule))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)
    assert len(found) == 24
    assert {one.conflicts for one in found} == {()}


# --- conflicts ------------------------------------------------------------------------------------


@pytest.fixture
def forked(shop: Reciprocity, tmp_path: Path) -> Iterator[Reciprocity]:
    """The same log, key and all, from here on with a history of its own."""
    assert shop.journal.state().size
    copied(tmp_path / "one", tmp_path / "two")
    with Reciprocity.open(tmp_path / "two" / "shop", Clock()) as forked:
        yield forked


@pytest.mark.parametrize("more", [-2, 0, 3], ids=["shorter", "as long", "longer"])
def test_a_second_history_of_one_log_is_a_conflict_and_never_cosigned(
    shop: Reciprocity, forked: Reciprocity, tmp_path: Path, more: int
) -> None:
    made = folders(tmp_path, shop.journal, 3)
    with ExitStack() as stack:
        rule = policy(2, {one: stack.enter_context(serving(one)).url for one in made})
        add_people(shop, 5)
        assert cosign(shop.journal, rule).holds
        add_people(forked, 5 + more)
        found = cosign(forked.journal, rule)
        assert not found.holds
        assert [one.cosigned_at for one in found.witnesses] == [0, 0, 0]
        assert len(found.conflicts) == 3
        assert found.conflicts[0].startswith("witness w0: ")
        words = {-2: "this log has", 0: "another root", 3: "does not take this log as grown"}
        assert all(words[more] in one for one in found.conflicts)
        assert cosigned_checkpoint(forked.journal.folder) is None
        add_people(shop, 2)
        assert cosign(shop.journal, rule).holds  # the first is not disturbed


def test_an_older_journal_put_in_place_is_a_conflict_without_any_witness(
    shop: Reciprocity, tmp_path: Path
) -> None:
    """The checkpoint kept beside it was signed by the log itself."""
    made = folders(tmp_path, shop.journal, 1)
    copied(tmp_path / "one", tmp_path / "old")
    with serving(made[0]) as server:
        rule = policy(1, {made[0]: server.url})
        add_people(shop, 5)
        cosign(shop.journal, rule)
    save(shop.journal.folder, "cosigned.db", tmp_path / "newer")
    put_back(tmp_path / "old" / "shop", "cosigned.db", tmp_path / "newer")
    with Reciprocity.open(tmp_path / "old" / "shop", Clock()) as old:
        (conflict,) = cosign(old.journal, rule).conflicts
        assert "was cosigned before, this log has" in conflict
        add_people(old, 9)
        (conflict,) = cosign(old.journal, rule).conflicts
        assert "was cosigned before under another root" in conflict


# --- what only looks like a witness ---------------------------------------------------------------


def never(_to: socket.socket, _: bytes) -> None:
    time.sleep(30)


def drip_headers(to: socket.socket, _: bytes) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:  # until nobody listens any more
        to.sendall(b"x")
        time.sleep(0.1)


def drip_body(to: socket.socket, _: bytes) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:  # until nobody listens any more
        to.sendall(b"x")
        time.sleep(0.1)


def endless(to: socket.socket, _: bytes) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        to.sendall(b"x" * 65_536)


def garbage(to: socket.socket, _: bytes) -> None:
    to.sendall(b"\x00\xff\x1b[31mgarbage\r\n\r\n")


def hang_up(to: socket.socket, _: bytes) -> None:
    to.close()


SIZED = f"Content-Type: {SIZE_TYPE}"
OTHER = sign(Checkpoint("o", 0, EMPTY_ROOT).encode(), witness_key(1), 5)
PRETENDERS = {
    "never": (never, "did not answer in"),
    "drips headers": (drip_headers, "did not answer in"),
    "drips a body": (drip_body, "did not answer in"),
    "endless": (endless, f"answered with more than {MOST_BYTES} bytes"),
    "garbage": (garbage, "cannot be asked: "),
    "hangs up": (hang_up, "cannot be asked: "),
    "redirects": (replying("302 Found", b"", "Location: http://127.0.0.1:1/"), "answered 302"),
    "500": (replying("500 No", b"\x1b[31mred\nmore"), "answered 500: ?[31mred"),
    "404": (replying("404 No", b"log: not known\n"), "answered 404: log: not known"),
    "200, nothing": (replying("200 OK"), "note: no blank line"),
    "200, no line": (replying("200 OK", b"thanks\n"), "note: a signature line"),
    "200, another's": (replying("200 OK", signature_lines([OTHER])), "without a cosignature of"),
    "409, no type": (replying("409 No", b"1\n"), "answered 409: 1"),
    "409, garbage": (replying("409 No", b"-1\n", SIZED), "tree size: not a plain"),
    "409, no end": (replying("409 No", b"1", SIZED), "tree size: no newline"),
    "409, ours": (replying("409 No", b"0\n", SIZED), "refused the size 0 and names the same"),
    "422 at once": (replying("422 No", b"no\n"), "answered 422: no"),
}


class Honest(NamedTuple):
    """A brand with one witness that answers, and the folder of one that does not exist."""

    shop: Reciprocity
    folder: Path
    url: str
    other: Path


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Honest]:
    place = tmp_path_factory.mktemp("honest")
    with new_shop(place) as shop:
        folder, other = folders(place, shop.journal, 2)
        with serving(folder) as server:
            yield Honest(shop, folder, server.url, other)


@pytest.mark.parametrize("name", PRETENDERS)
def test_a_witness_that_answers_badly_costs_its_own_cosignature_alone(
    honest: Honest, name: str
) -> None:
    answer, said = PRETENDERS[name]
    with pretending(answer) as url:
        began = time.monotonic()
        rule = policy(1, {honest.folder: honest.url, honest.other: url})
        found = cosign(honest.shop.journal, rule, SOON_S)
        assert time.monotonic() - began < SOON_S + 5
    assert found.holds
    assert found.conflicts == ()
    good, bad = found.witnesses
    assert good.cosigned_at
    assert not bad.cosigned_at
    assert said in bad.problem
    assert bad.problem.isprintable()
    for thread in threading.enumerate():  # whoever waited was cut off
        if type(thread).__name__ == "_Ask":
            thread.join(5)
            assert not thread.is_alive()


def test_a_cosignature_of_another_checkpoint_is_not_taken(
    shop: Reciprocity, tmp_path: Path
) -> None:
    made = folders(tmp_path, shop.journal, 1)
    line = sign(Checkpoint("o", 0, EMPTY_ROOT).encode(), open_key(made[0]), 5)
    with pretending(replying("200 OK", signature_lines([line]))) as url:
        found = cosign(shop.journal, policy(1, {made[0]: url}), SOON_S)
    assert not found.holds
    assert "not by the key it names" in found.witnesses[0].problem


def test_the_word_of_one_that_knows_more_is_told_as_a_conflict(
    shop: Reciprocity, tmp_path: Path
) -> None:
    made = folders(tmp_path, shop.journal, 1)
    with pretending(replying("409 No", b"9000000000000000\n", SIZED)) as url:
        found = cosign(shop.journal, policy(1, {made[0]: url}), SOON_S)
    have = shop.journal.state().size
    assert found.conflicts == (f"witness w0: knows 9000000000000000 events, this log has {have}",)


def test_a_witness_without_a_url_is_not_asked(shop: Reciprocity, tmp_path: Path) -> None:
    made = folders(tmp_path, shop.journal, 1)
    assert problems(cosign(shop.journal, policy(1, {made[0]: ""}))) == ["has no url in the policy"]


def test_a_policy_that_names_other_logs_alone_is_said_not_to_hold(
    shop: Reciprocity, tmp_path: Path
) -> None:
    made = folders(tmp_path, shop.journal, 1)
    with serving(made[0]) as server:
        text = f"log {LOG_OF_OTHERS}\n" + policy_text(1, {made[0]: server.url})
        found = cosign(shop.journal, Policy.parse(text.encode()))
    assert "add `log harbour.example/shop+" in found.lacking


LOG_OF_OTHERS = replace(witness_key(9).public, algorithm=1).encode()


# --- the brand file, the job, the command ---------------------------------------------------------


def named(shop: Reciprocity, text: str) -> Path:
    """The brand's folder, with *text* as its policy file."""
    folder = shop.journal.folder
    (folder / "witnesses.policy").write_text(text)
    with (folder / "brand.toml").open("a") as file:
        file.write('\n[witnesses]\npolicy = "witnesses.policy"\n')
    return folder


def test_a_tick_asks_the_witnesses_and_is_a_success_only_if_the_policy_holds(
    shop: Reciprocity, tmp_path: Path
) -> None:
    assert shop.tick("operator:tests").cosigning is None
    made = folders(tmp_path, shop.journal, 1)
    with serving(made[0]) as server:
        folder = named(shop, policy_text(1, {made[0]: server.url}))
        with Reciprocity.open(folder, shop.journal.clock) as again:
            ticked = again.tick("operator:tests")
            assert ticked.cosigning is not None
            assert ticked.cosigning.holds
            assert "cosign" in ticked.last_success
    add_people(shop, 1)
    with Reciprocity.open(folder, Clock(shop.journal.clock() + 1000)) as later:
        ticked_later = later.tick("operator:tests")
        assert ticked_later.cosigning is not None
        assert "cannot be asked" in ticked_later.cosigning.witnesses[0].problem
        assert ticked_later.last_success["cosign"] == ticked.last_success["cosign"]
        assert ticked_later.last_success["send"] > ticked.last_success["send"]


def test_the_command_tells_and_its_exit_code_says_how_it_went(
    shop: Reciprocity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = folders(tmp_path, shop.journal, 1)

    def run(server: Server | None, *more: str) -> int:
        url = server.url if server else "http://127.0.0.1:9"
        (shop.journal.folder / "witnesses.policy").write_text(policy_text(1, {made[0]: url}))
        return main(["--brand", str(shop.journal.folder), "log", "cosign", *more])

    assert run(None) == 2
    assert "names no witnesses" in capsys.readouterr().err
    named(shop, "quorum none\n")
    assert run(None) == 2
    assert "which is no quorum" in capsys.readouterr().err
    with serving(made[0]) as server:
        assert run(server) == 0
        assert "cosigned by 1 of 1" in capsys.readouterr().out
        assert run(server, "--json") == 0
        assert '"conflicts": []' in capsys.readouterr().out
    with pretending(replying("409 No", b"9000000000000000\n", SIZED)) as url:
        (shop.journal.folder / "witnesses.policy").write_text(policy_text(1, {made[0]: url}))
        assert main(["--brand", str(shop.journal.folder), "log", "cosign"]) == 1
        assert "CONFLICT: witness w0: knows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quorum all\n", "policy: line 1: all is no witness"),
        ("quorum none\n", "names no witness"),
        (f"witness a {witness_key(1).text}\nquorum a\n", "witness a has the url ''; expected"),
        (f"witness a {witness_key(1).text} http://w.example\nquorum a\n", "expected https://HOST"),
        (f"witness a {witness_key(1).text} ftp://127.0.0.1\nquorum a\n", "expected https://HOST"),
        (None, "the policy file cannot be read"),
    ],
)
def test_a_policy_file_with_a_fault_is_a_fault_of_the_brand_file(
    shop: Reciprocity, text: str | None, said: str
) -> None:
    folder = named(shop, text or "")
    if text is None:
        (folder / "witnesses.policy").unlink()
    (found,) = check_brand(folder)
    assert found.startswith("brand.toml: witnesses.policy: ")
    assert said in found
    with pytest.raises(InputError):
        Reciprocity.open(folder)
