"""Running a witness from the command line."""

import json
import os
import signal
import stat
import subprocess

import pytest

from reciprocity.tlog.note import VerifierKey
from tests.cli.conftest import COMMAND, Shop
from tests.witness.running import SmallLog

LOG = SmallLog(3)


@pytest.fixture
def made(tmp_path, cli):
    ran = cli("witness", "init", tmp_path / "w", "--name", "witness.example/w1",
              "--log", LOG.key.text)  # fmt: skip
    assert ran.code == 0, ran
    return ran.out.strip()


def test_a_new_witness_prints_the_key_it_is_known_by(made, tmp_path, cli):
    key = VerifierKey.parse(made)
    assert (key.name, key.algorithm) == ("witness.example/w1", 4)
    assert stat.S_IMODE((tmp_path / "w" / "witness.key").stat().st_mode) == 0o600
    told = cli("witness", "show", tmp_path / "w", "--json").json
    assert told["key"] == made
    assert [(log["origin"], log["size"]) for log in told["logs"]] == [(LOG.key.name, 0)]


def test_two_witnesses_have_two_keys(made, tmp_path, cli):
    ran = cli("witness", "init", tmp_path / "v", "--name", "witness.example/w1", "--json")
    assert ran.json["key"] != made


def test_a_log_is_added_later(made, tmp_path, cli, shop: Shop):
    key = shop.done("log", "key").out.strip()
    assert cli("witness", "add", tmp_path / "w", "--log", key).code == 0
    ran = cli("witness", "show", tmp_path / "w")
    assert made in ran.out
    assert VerifierKey.parse(key).name in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("init", "w", "--name", "x"), "is not empty"),
        (("init", "v", "--name", "x y"), "cannot be one"),
        (("init", "v", "--name", "x", "--log", "key"), "log key 'key' is none"),
        (("add", "w"), "--log VKEY"),
        (("add", "w", "--log", "key"), "log key 'key' is none"),
        (("show", "v"), "witness init"),
        (("serve", "v"), "cannot be read"),
    ],
)
@pytest.mark.usefixtures("made")
def test_what_is_wrong_is_said(tmp_path, cli, arguments, words):
    command, folder, *more = arguments
    ran = cli("witness", command, tmp_path / folder, *more)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("made")
def test_it_serves_until_it_is_told_to_end(tmp_path):
    command = [COMMAND, "witness", "serve", str(tmp_path / "w"), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert "witness at http://127.0.0.1:" in process.stderr.readline()
        os.kill(process.pid, signal.SIGTERM)
        process.stderr.read()
        assert process.wait(30) in {0, -signal.SIGTERM}


def test_cosigning_without_witnesses_says_what_to_add(shop: Shop):
    assert "[witnesses] policy" in shop.refused("log", "cosign").err
    assert json.loads(shop.done("tick", "--json").out)["cosigning"] is None
