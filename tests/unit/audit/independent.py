"""A second verifier of the log's files, written from RFC 6962 and C2SP's texts alone: shares no code with what it checks.

Belongs here: reading checkpoint, tiles and entries as an outsider would, and checking proofs by the RFC's recursive definitions.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def mth(entries: list[bytes]) -> bytes:
    """The Merkle Tree Hash, word for word as section 2.1 defines it."""
    n = len(entries)
    if n == 0:
        return sha(b"")
    if n == 1:
        return sha(b"\x00" + entries[0])
    k = 1
    while k * 2 < n:
        k *= 2
    return sha(b"\x01" + mth(entries[:k]) + mth(entries[k:]))


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.1."""
    n = len(entries)
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of section 2.1.2."""
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def fold(m: int, n: int, leaf: bytes, steps: list[bytes]) -> bytes:
    """The root that a PATH leads to, by undoing its recursion."""
    if n == 1:
        assert not steps
        return leaf
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return sha(b"\x01" + fold(m, k, leaf, steps[:-1]) + steps[-1])
    return sha(b"\x01" + steps[-1] + fold(m - k, n - k, leaf, steps[:-1]))


def fold_growth(m: int, n: int, whole: bool, old: bytes, steps: list[bytes]) -> tuple[bytes, bytes]:
    """(old root, new root) that a SUBPROOF leads to, by undoing its recursion."""
    if m == n:
        if whole:
            assert not steps
            return old, old
        (only,) = steps
        return only, only
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        before, after = fold_growth(m, k, whole, old, steps[:-1])
        return before, sha(b"\x01" + after + steps[-1])
    before, after = fold_growth(m - k, n - k, False, old, steps[:-1])
    return sha(b"\x01" + steps[-1] + before), sha(b"\x01" + steps[-1] + after)


def checkpoint(note: bytes, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a signed note, or an AssertionError."""
    name, key_id, material = vkey.split("+", 2)
    raw = base64.b64decode(material)
    assert raw[0] == 1 and len(raw) == 33
    assert sha(name.encode() + b"\n" + raw)[:4].hex() == key_id
    text, signatures = note.rsplit(b"\n\n", 1)
    text += b"\n"
    for line in signatures.decode().splitlines():
        dash, who, encoded = line.split(" ")
        assert dash == "—"
        blob = base64.b64decode(encoded)
        if who == name and blob[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(raw[1:]).verify(blob[4:], text)
            origin, size, root = text.decode().splitlines()[:3]
            assert str(int(size)) == size
            return origin, int(size), base64.b64decode(root)
    raise AssertionError("not signed by this key")


def name_of(level: str, n: int) -> str:
    digits = str(n)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "tile/" + level + "/" + "/".join(["x" + g for g in groups[:-1]] + groups[-1:])


def read(folder: Path, level: str, n: int, width: int) -> bytes:
    whole = folder / name_of(level, n)
    partial = folder / f"{name_of(level, n)}.p/{width}"
    return (partial if width < 256 and partial.exists() else whole).read_bytes()


def entries(folder: Path, size: int) -> list[bytes]:
    found: list[bytes] = []
    for n in range(-(-size // 256)):
        data = read(folder, "entries", n, min(256, size - 256 * n))
        here = []
        while data:
            length = data[0] * 256 + data[1]
            assert len(data) >= 2 + length
            here.append(data[2 : 2 + length])
            data = data[2 + length :]
        found += here[: size - 256 * n]
    assert len(found) == size
    return found


def everything(folder: Path, vkey: str) -> list[bytes]:
    """All entries, after checking that signature, entries and every tile of every level agree."""
    _, size, root = checkpoint((folder / "checkpoint").read_bytes(), vkey)
    found = entries(folder, size)
    assert mth(found) == root
    level, span = 0, 1
    while size // span:
        count = size // span
        for n in range(-(-count // 256)):
            width = min(256, count - 256 * n)
            tile = read(folder, str(level), n, width)
            for i in range(width):
                at = (256 * n + i) * span
                assert tile[32 * i : 32 * i + 32] == mth(found[at : at + span])
        level, span = level + 1, span * 256
    return found
