"""The Merkle tree read off RFC 6962, 2.1, with no thought of speed."""

from collections.abc import Sequence
from hashlib import sha256


def naive_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH over leaves that are hashed already."""
    if not leaf_hashes:
        return sha256(b"").digest()
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    half = 1 << (len(leaf_hashes) - 1).bit_length() - 1
    left, right = naive_root(leaf_hashes[:half]), naive_root(leaf_hashes[half:])
    return sha256(b"\x01" + left + right).digest()
