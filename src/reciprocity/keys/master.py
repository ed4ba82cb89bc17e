"""The master key: a file that lies apart from all it protects."""

import base64
import binascii
import os
from pathlib import Path

from reciprocity.errors import InputError, Unavailable
from reciprocity.keys.cipher import KEY_BYTES

__all__ = ["new_master_key", "read_master_key"]


def new_master_key(path: Path) -> None:
    """Make a master key at *path*, readable by its owner alone; never replaces one."""
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)  # whole or not at all, and never over another
        finally:
            new.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        raise InputError(f"master key {path} exists already: it is never replaced") from None
    except OSError as error:
        raise Unavailable(
            f"master key {path} cannot be made ({error.strerror}): name a folder that is writable"
        ) from error


def read_master_key(path: Path) -> bytes:
    """The 32 bytes at *path*; raises `Unavailable` when it is missing or is no key."""
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        raise Unavailable(
            f"master key {path} is missing: put it back from where you keep its copy; "
            "without it nothing can be read or sent"
        ) from None
    except (OSError, binascii.Error, ValueError) as error:
        raise Unavailable(f"master key {path} cannot be read: {error}") from error
    if len(key) != KEY_BYTES:
        raise Unavailable(f"master key {path} has {len(key)} bytes, expected {KEY_BYTES}")
    return key
