"""The modules that other sites load, in bytes as brotli sends them, beside consent tools from npm.

Peers are fetched by npm into a folder that goes afterwards; node compresses all alike. A peer is
measured as its package ships it, minified, with its style sheet where it has one; ours are measured
as they are served. The element for places is a module of its own, beside what peers do.
"""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Row
from reciprocity.http.sdk import MODULES, served

__all__ = ["rows"]

PACKAGES = {
    "vanilla-cookieconsent": ("dist/cookieconsent.esm.js", "dist/cookieconsent.css"),
    "klaro": ("dist/klaro-no-translations.js",),
    "cookieconsent": ("build/cookieconsent.min.js", "build/cookieconsent.min.css"),
}
_BROTLI = """
const { brotliCompressSync, constants: c } = require("zlib");
const data = require("fs").readFileSync(0);
const params = { [c.BROTLI_PARAM_QUALITY]: 11, [c.BROTLI_PARAM_SIZE_HINT]: data.length };
process.stdout.write(String(brotliCompressSync(data, { params }).length));
"""


def rows() -> list[Row]:
    """Ours with and without the prompt; then each peer, which has a prompt."""
    with TemporaryDirectory() as place:
        _run("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
             "--prefix", place, *PACKAGES)  # fmt: skip
        modules = Path(place) / "node_modules"
        peers = {
            f"{name} {_version(modules / name)}": _brotli(
                b"".join((modules / name / file).read_bytes() for file in shipped)
            )
            for name, shipped in PACKAGES.items()
        }
    core, prompt, places = (
        _brotli("".join(map(served, MODULES[:count])).encode()) for count in (1, 2, 3)
    )
    smallest = min(peers, key=lambda name: peers[name])
    return [
        Row(work="SDK without prompt, as served", measured=core, unit="B", at_most=1_100),
        Row(work="SDK with prompt, as served", measured=prompt, unit="B",
            limit=peers[smallest], limit_is=smallest, at_most=2_000),
        Row(work="SDK with prompt and places, as served", measured=places, unit="B"),
        *(Row(work=f"peer: {name}", measured=size, unit="B") for name, size in peers.items()),
    ]  # fmt: skip


def _brotli(data: bytes) -> int:
    return int(_run("node", "-e", _BROTLI, given=data))


def _version(package: Path) -> str:
    return str(json.loads((package / "package.json").read_text("utf-8"))["version"])


def _run(*command: str, given: bytes = b"") -> bytes:
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout
