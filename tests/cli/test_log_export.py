"""The exported log, verified by code that shares nothing with the one that wrote it."""

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reciprocity.errors import InputError, ProofError, Unavailable
from reciprocity.prove.export import export_log
from tests.shop import add_people, new_shop, withdraw


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = tree_root(leaves[:split]), tree_root(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def path_of(index: int) -> str:
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    threes = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([*(f"x{three}" for three in threes[:-1]), threes[-1]])


def entries_in(folder: Path, size: int) -> list[bytes]:
    """Every leaf, from the entry bundles alone."""
    found: list[bytes] = []
    for index in range(-(-size // 256)):
        width = min(256, size - index * 256)
        suffix = "" if width == 256 else f".p/{width}"
        data = (folder / "tile" / "entries" / f"{path_of(index)}{suffix}").read_bytes()
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
    return found


def checkpoint(folder: Path, key: str) -> tuple[int, bytes]:
    """Size and root that the log signed."""
    text, _, signatures = (folder / "checkpoint").read_bytes().partition(b"\n\n")
    name, key_hash, public = key.split("+", 2)
    (signature,) = signatures.decode().splitlines()
    signed = base64.b64decode(signature.rsplit(" ", 1)[1])
    assert signature.startswith(f"— {name} ")
    assert signed[:4].hex() == key_hash
    Ed25519PublicKey.from_public_bytes(base64.b64decode(public)[1:]).verify(
        signed[4:], text + b"\n"
    )
    origin, size, root = text.decode().splitlines()
    assert origin == name
    return int(size), base64.b64decode(root)


def verified(shop, folder: Path) -> int:
    """The size of the log in *folder*, after its entries made the root that was signed."""
    size, root = checkpoint(folder, shop.journal.signer().verifier_key.encode())
    leaves = entries_in(folder, size)
    assert len(leaves) == size
    assert tree_root(leaves) == root
    for index in range(size // 256):
        tile = (folder / "tile" / "0" / path_of(index)).read_bytes()
        hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves[index * 256 :][:256]]
        assert tile == b"".join(hashes)
    return size


def test_the_root_follows_from_the_exported_entries(tmp_path: Path):
    with new_shop(tmp_path) as shop:
        add_people(shop, 700)
        found = export_log(shop.journal, tmp_path / "log")
        size = verified(shop, tmp_path / "log")
        assert (found.size, found.origin) == (size, shop.journal.state().origin)
        upper = (tmp_path / "log" / "tile" / "1" / f"000.p/{size // 256}").read_bytes()
        assert len(upper) == 32 * (size // 256)


def test_a_second_export_adds_only_what_is_new(tmp_path: Path):
    with new_shop(tmp_path) as shop:
        folder = tmp_path / "log"
        slots = add_people(shop, 300)
        export_log(shop.journal, folder)
        first = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
        withdraw(shop, slots[0])
        export_log(shop.journal, folder)
        verified(shop, folder)
        full = folder / "tile" / "entries" / "000"
        assert full.stat().st_mtime_ns == first[full]
        add_people(shop, 300)
        export_log(shop.journal, folder)
        verified(shop, folder)
        assert not (folder / "tile" / "entries" / "001.p").exists(), "it is full by now"
        assert list(folder.rglob(".*")) == []


def test_nothing_that_names_a_person_is_exported(tmp_path: Path):
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        export_log(shop.journal, tmp_path / "log")
        secrets = [shop.journal.pseudonym(slot), "p0@example.com", "consent.granted"]
    for path in (tmp_path / "log").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(secret.encode() in data for secret in secrets)


def test_a_folder_with_other_files_or_another_log_is_left_alone(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with new_shop(tmp_path / "a") as one, new_shop(tmp_path / "b") as other:
        with pytest.raises(InputError, match="holds other files"):
            export_log(one.journal, tmp_path / "mine")
        export_log(one.journal, tmp_path / "log")
        with pytest.raises(InputError, match="checkpoint of another log"):
            export_log(other.journal, tmp_path / "log")


def test_an_export_that_stops_leaves_the_checkpoint_before_it(tmp_path: Path):
    with new_shop(tmp_path) as shop:
        folder = tmp_path / "log"
        export_log(shop.journal, folder)
        size = verified(shop, folder)
        add_people(shop, 300)
        (folder / "tile" / "entries" / "000").mkdir()  # where a file must go
        with pytest.raises(Unavailable, match="still holds"):
            export_log(shop.journal, folder)
        assert checkpoint(folder, shop.journal.signer().verifier_key.encode())[0] == size
        (folder / "tile" / "entries" / "000").rmdir()
        export_log(shop.journal, folder)
        assert verified(shop, folder) > size


def test_a_checkpoint_that_this_log_does_not_continue_stops_the_export(tmp_path: Path):
    with new_shop(tmp_path) as shop:
        add_people(shop, 2)
        export_log(shop.journal, tmp_path / "log")
        state, signer = shop.journal.state(), shop.journal.signer()
        for size, expected in ((state.size + 5, "the log has"), (state.size - 1, "does not make")):
            root = base64.b64encode(bytes(32)).decode()
            text = f"{state.origin}\n{size}\n{root}\n"
            signature = base64.b64encode(signer.key_id + signer.sign(text.encode())).decode()
            note = f"{text}\n— {state.origin} {signature}\n"
            (tmp_path / "log" / "checkpoint").write_text(note, encoding="utf-8")
            with pytest.raises(ProofError, match=expected):
                export_log(shop.journal, tmp_path / "log")
