"""The modules that other sites load, in bytes as brotli sends them, beside consent tools from npm.

Peers are fetched by npm into a folder that goes afterwards; node compresses all alike. A peer is
measured as its package ships it, minified, with its style sheet where it has one. Ours are measured
as served, and after a minifier (terser) that we do not use, to see what it would save.
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
        tools = [*PACKAGES, "terser"]
        _run("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
             "--prefix", place, *tools)  # fmt: skip
        modules = Path(place) / "node_modules"
        peers = {
            f"{name} {_version(modules / name)}": _brotli(
                b"".join((modules / name / file).read_bytes() for file in shipped)
            )
            for name, shipped in PACKAGES.items()
        }
        ours = {name: served(name).encode() for name in MODULES}
        small = {name: _minified(modules, data) for name, data in ours.items()}
    smallest = min(peers, key=lambda name: peers[name])
    core = MODULES[0]
    return [
        Row(work="SDK without prompt, as served", measured=_brotli(ours[core]), unit="B",
            at_most=1_100),
        Row(work="SDK with prompt, as served", measured=_brotli(b"".join(ours.values())), unit="B",
            limit=peers[smallest], limit_is=smallest, at_most=2_000),
        Row(work="SDK without prompt, minified", measured=_brotli(small[core]), unit="B"),
        Row(work="SDK with prompt, minified", measured=_brotli(b"".join(small.values())), unit="B"),
        *(Row(work=f"peer: {name}", measured=size, unit="B") for name, size in peers.items()),
    ]  # fmt: skip


def _brotli(data: bytes) -> int:
    return int(_run("node", "-e", _BROTLI, given=data))


def _minified(modules: Path, data: bytes) -> bytes:
    terser = str(modules / "terser" / "bin" / "terser")
    return _run("node", terser, "--module", "--compress", "passes=3", "--mangle", given=data)


def _version(package: Path) -> str:
    return str(json.loads((package / "package.json").read_text("utf-8"))["version"])


def _run(*command: str, given: bytes = b"") -> bytes:
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout
