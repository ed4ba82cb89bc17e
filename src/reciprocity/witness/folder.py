"""The folder of a witness: its key, and the keys of the logs it knows.

    witness.key   the private key with its name, readable by its owner alone
    logs          a verifier key a line; lines that begin with # say nothing
    state.db      what it remembers of each log (`state`)

Key and state are made together and belong together: a key whose state was lost could cosign a
second history, so a witness without its state does not start.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reciprocity.errors import InputError, ProofError, Unavailable
from reciprocity.tlog.note import COSIGNATURE_V1, ED25519, VerifierKey
from reciprocity.witness.state import WitnessState

__all__ = ["WitnessKey", "add_logs", "init_witness", "known_logs", "open_key", "open_state"]

KEY: Final = "witness.key"
LOGS: Final = "logs"
STATE: Final = "state.db"
_PRIVATE: Final = "PRIVATE+KEY+"
_SEED_BYTES: Final = 32
_HEAD: Final = "# The logs this witness knows: one verifier key a line.\n"


class WitnessKey:
    """A witness's private key under its name; signs cosignatures alone (key type 4)."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Sign for *name* with the Ed25519 key of *seed*."""
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.verifier_key = VerifierKey(name, COSIGNATURE_V1, public)
        self.name, self.key_id = name, self.verifier_key.key_id

    def sign(self, message: bytes) -> bytes:
        """The signature of *message*."""
        return self._private.sign(message)

    def encode(self) -> str:
        """The private key as one line, in the form of Go's note package."""
        key = b64encode(bytes([COSIGNATURE_V1]) + self._seed).decode()
        return f"{_PRIVATE}{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """The key that *text* spells; raises `InputError` if it is none."""
        try:
            name, _, key = text.removeprefix(_PRIVATE).split("+", 2)
            data = b64decode(key, validate=True)
        except ValueError:
            name, data = "", b""
        if len(data) == 1 + _SEED_BYTES:
            parsed = cls(name, data[1:])
            if parsed.encode() == text:
                return parsed
        raise InputError("witness key is none: put the file back from where you keep its copy")


def init_witness(folder: Path, name: str, logs: Sequence[str], seed: bytes) -> WitnessKey:
    """Make a witness called *name* in *folder*, new or empty, that knows *logs*; its key.

    *seed* is 32 random bytes. Raises `InputError` for a folder with something in it, a name no key
    can have, or a key of no log, and then makes nothing.
    """
    key = WitnessKey(name, seed)
    try:
        key.verifier_key.encode()
    except ProofError as error:
        raise InputError(f"witness name {name!r} cannot be one: {error}") from error
    lines = [_log_key(text).encode() for text in logs]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"folder {folder} is not empty: name a new one for the witness")
        WitnessState.create(folder / STATE, key.verifier_key.encode())
        _write(folder / LOGS, _HEAD + "".join(f"{line}\n" for line in dict.fromkeys(lines)), 0o644)
        _write(folder / KEY, f"{key.encode()}\n", 0o600)
    except OSError as error:
        raise Unavailable(f"folder {folder} cannot be written: {error.strerror}") from error
    return key


def open_key(folder: Path) -> WitnessKey:
    """The key of the witness in *folder*; refuses a file that others may read."""
    path = folder / KEY
    try:
        if path.stat().st_mode & 0o077:
            raise Unavailable(f"witness key {path} can be read by others: run chmod 600 on it")
        return WitnessKey.parse(path.read_text("ascii").strip())
    except FileNotFoundError:
        raise InputError(
            f"witness key {path} is missing: put it back, or make a new witness with "
            "`reciprocity witness init`"
        ) from None
    except (OSError, ValueError) as error:
        raise Unavailable(f"witness key {path} cannot be read: {error}") from error


def open_state(folder: Path, key: WitnessKey) -> WitnessState:
    """What the witness in *folder* remembers; raises `Unavailable` if it is gone or another's."""
    return WitnessState(folder / STATE, key.verifier_key.encode())


def known_logs(folder: Path) -> dict[str, tuple[VerifierKey, ...]]:
    """The keys of the logs that the witness in *folder* knows, by origin.

    Read anew for each request, so that a log can be added while the witness runs. A log that
    changes its key has two for a while.
    """
    found: dict[str, tuple[VerifierKey, ...]] = {}
    try:
        text = (folder / LOGS).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Unavailable(f"list of logs {folder / LOGS} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            try:
                key = _log_key(line.strip())
            except InputError as error:
                raise InputError(f"list of logs, line {number}: {error}") from error
            found[key.name] = (*found.get(key.name, ()), key)
    return found


def add_logs(folder: Path, logs: Sequence[str]) -> None:
    """Let the witness in *folder* know *logs* too; one that runs takes them at once."""
    known = {key for keys in known_logs(folder).values() for key in keys}
    new = [key for key in dict.fromkeys(map(_log_key, logs)) if key not in known]
    path = folder / LOGS
    try:
        text = path.read_text("utf-8")
        lines = [] if text.endswith("\n") or not text else [""]
        _write(path, text + "\n".join([*lines, *(key.encode() for key in new), ""]), 0o644)
    except OSError as error:
        raise Unavailable(f"list of logs {path} cannot be written: {error.strerror}") from error


def _log_key(text: str) -> VerifierKey:
    try:
        key = VerifierKey.parse(text)
    except ProofError as error:
        raise InputError(
            f"log key {text[:60]!r} is none ({error}): give what `reciprocity log key` prints"
        ) from error
    if key.algorithm != ED25519:
        raise InputError(f"log key {key.name} is of type {key.algorithm}, expected {ED25519}")
    return key


def _write(path: Path, text: str, mode: int) -> None:
    """Write *path* whole or not at all, on the disk when this returns."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    place = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
