"""What is committed speaks of the project alone, not of the machine it was made on.

What is looked for is written with a `~` inside, so that this file does not hold it.
"""

import re
import subprocess

import pytest

from docs.build import ROOT


def whole(pieces: str) -> str:
    return pieces.replace("~", "")


HOSTS = whole("py~pi.org python~hosted.org npm~js.org npm~js.com deb~ian.org").split()
FOLDERS = whole("wo~rk ro~ot ho~me op~t Us~ers mn~t").split()
LEAK = re.compile(rf"{'|'.join(map(re.escape, HOSTS))}|(?<![\w.:/-])/(?:{'|'.join(FOLDERS)})/")


def committed() -> list[str]:
    """Each file that is in the repository, or would be with the next commit."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_folder_of_a_machine():
    found = [
        f"{name}:{number}"
        for name in committed()
        for number, line in enumerate(
            (ROOT / name).read_text(encoding="utf-8", errors="replace").splitlines(), start=1
        )
        if LEAK.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["see /ho~me/ada/x", "https://files.python~hosted.org/a", "'/ro~ot/x'"]
)
def test_a_leak_would_be_found(line: str):
    assert LEAK.search(whole(line))


def test_a_web_address_is_no_leak():
    assert not LEAK.search(whole("https://example.com/ho~me/"))
