import mailbox
import os
import signal
import subprocess
import sys
import time

import pytest

from reciprocity.deliver.channel import Handed, Letter, Result, cancelled, failed
from reciprocity.deliver.email.maildir import LEFTOVER_MS, Maildir, file_name
from reciprocity.errors import Unavailable

NOW = 1_790_000_000_000
DELIVERED = Handed(outcome=Result.DELIVERED, at=NOW)


def anyone(_letter):
    return True


def letter(number=1, content=b"Subject: s\r\n\r\nHello\r\n", handover_by=NOW + 30_000):
    return Letter(
        message_id=f"<{number}@shop.example>",
        sender="news@shop.example",
        recipient=f"ann{number}@example.com",
        content=content,
        handover_by=handover_by,
    )


@pytest.fixture
def opened(tmp_path):
    transport = Maildir(tmp_path / "out" / "mail", lambda: NOW)
    yield transport, tmp_path / "out" / "mail"
    transport.close()


def test_a_batch_is_there_for_any_mail_program_to_read(opened):
    transport, folder = opened
    assert transport.hand_over([letter(n) for n in range(200)], anyone) == [DELIVERED] * 200
    messages = list(mailbox.Maildir(folder, create=False))
    assert len(messages) == 200
    assert {message["Subject"] for message in messages} == {"s"}
    assert list((folder / "tmp").iterdir()) == []
    assert (folder / "new" / file_name("<1@shop.example>")).read_bytes() == letter().content


def test_the_same_letter_twice_is_seen_and_the_first_stays(opened):
    transport, folder = opened
    first, second = letter(content=b"first"), letter(content=b"second")
    assert transport.hand_over([first, second], anyone) == [DELIVERED, failed("duplicate")]
    assert transport.hand_over([second, letter(2)], anyone) == [failed("duplicate"), DELIVERED]
    assert (folder / "new" / file_name(first.message_id)).read_bytes() == b"first"
    assert list((folder / "tmp").iterdir()) == []


def test_a_late_letter_is_not_handed_over_and_may_be_tried_again(opened):
    transport, folder = opened
    late = letter(handover_by=NOW)
    assert transport.hand_over([late, letter(2)], anyone) == [failed("late", again=True), DELIVERED]
    assert not (folder / "new" / file_name(late.message_id)).exists()


def test_a_letter_that_becomes_late_while_it_is_written_is_not_handed_over(tmp_path):
    clock = iter([NOW, NOW, NOW + 30_000])  # opening, writing, naming
    transport = Maildir(tmp_path, lambda: next(clock, NOW + 30_000))
    (tmp_path / "tmp" / "x.reciprocity.1").touch()
    next(clock)
    assert transport.hand_over([letter()], anyone) == [failed("late", again=True)]
    assert list((tmp_path / "new").iterdir()) == []
    transport.close()


def test_one_letter_that_cannot_be_written_does_not_stop_the_others(opened):
    transport, folder = opened
    (folder / "new" / file_name("<2@shop.example>")).mkdir()
    handed = transport.hand_over([letter(1), letter(2), letter(3)], anyone)
    assert [one.outcome for one in handed] == ["delivered", "failed", "delivered"]


def test_a_folder_that_is_gone_fails_each_letter_and_may_be_tried_again(opened):
    transport, folder = opened
    (folder / "tmp").rmdir()
    assert transport.hand_over([letter(1), letter(2)], anyone) == [failed("disk", again=True)] * 2


def test_a_folder_that_cannot_be_made_is_said_when_it_is_opened(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="maildir cannot be written"):
        Maildir(tmp_path / "file" / "mail", lambda: NOW)


def test_leftovers_are_removed_after_36_hours_and_strangers_files_never(tmp_path):
    Maildir(tmp_path, lambda: NOW).close()
    names = ["a.reciprocity.1.0", "b.reciprocity.1.0", "somebody.elses"]
    for name, age in zip(names, [LEFTOVER_MS + 1_000, 1_000, LEFTOVER_MS * 9], strict=True):
        path = tmp_path / "tmp" / name
        path.touch()
        os.utime(path, ((NOW - age) / 1_000,) * 2)
    Maildir(tmp_path, lambda: NOW).close()
    assert sorted(path.name for path in (tmp_path / "tmp").iterdir()) == names[1:]


def test_closing_twice_does_no_harm(opened):
    transport, _ = opened
    transport.close()
    transport.close()


FULL = """
import resource, sys
from pathlib import Path
from reciprocity.deliver.channel import Letter
from reciprocity.deliver.email.maildir import Maildir
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
out = Maildir(Path(sys.argv[1]), lambda: 0)
letters = [
    Letter(message_id=f"<{n}@x>", sender="a@x", recipient="b@x", content=b"x" * n, handover_by=1)
    for n in (10, 50_000, 20)
]
said = out.hand_over(letters, lambda _: True)
print([(one.outcome.value, one.reason, one.again) for one in said])
"""


def test_a_letter_there_is_no_room_for_leaves_nothing_half_written(tmp_path):
    run = [sys.executable, "-c", FULL, str(tmp_path)]
    said = subprocess.run(run, check=True, capture_output=True, text=True, timeout=30).stdout
    delivered = ("delivered", "", False)
    assert said.strip() == str([delivered, ("failed", "disk", True), delivered])
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(path.stat().st_size for path in (tmp_path / "new").iterdir()) == [10, 20]


WRITER = """
import sys
from pathlib import Path
from reciprocity.deliver.channel import Letter
from reciprocity.deliver.email.maildir import Maildir
out = Maildir(Path(sys.argv[1]), lambda: 0)
for batch in range(10_000):
    letters = [
        Letter(message_id=f"<{batch}.{n}@x>", sender="a@x", recipient="b@x",
               content=b"x" * 50_000 + b"END", handover_by=1)
        for n in range(8)
    ]
    out.hand_over(letters, lambda _: True)
    print(batch, flush=True)
"""


@pytest.mark.parametrize("wait", [0.0, 0.003, 0.01, 0.05])
def test_killed_at_any_instant_every_letter_is_whole_and_every_reported_one_is_there(
    tmp_path, wait
):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "0\n"
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        reported = [0, *map(int, writer.stdout.read().split())]
    there = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert all(len(data) == 50_003 and data.endswith(b"END") for data in there.values())
    assert there.keys() >= {file_name(f"<{b}.{n}@x>") for b in reported for n in range(8)}


def test_a_letter_stopped_at_the_door_leaves_nothing_behind(opened):
    transport, folder = opened
    stopped = letter(2)
    handed = transport.hand_over([letter(1), stopped], lambda one: one is not stopped)
    assert handed == [DELIVERED, cancelled()]
    assert len(list((folder / "new").iterdir())) == 1
    assert list((folder / "tmp").iterdir()) == []
