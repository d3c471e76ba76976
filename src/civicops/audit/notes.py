"""Signed checkpoints: C2SP's signed-note, tlog-checkpoint and tlog-cosignature formats.

Belongs here: the log's key, verifier keys, signing a checkpoint and reading one. Does not belong here: the tree (`merkle`) or
when a checkpoint is made (`log`).

A note is text that ends in a newline, an empty line, and signature lines `— NAME BASE64(key id || signature)`. A checkpoint's
text is three lines: origin, number of entries, root hash in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from civicops.audit.events import AuditError

ED25519 = 1
COSIGNATURE = 4
_DASH = "\N{EM DASH} "
_MOST_BYTES = 100_000
_PRIVATE = "PRIVATE+KEY+"


class NoteError(AuditError):
    """A text is not a checkpoint signed by the key that is asked for."""


@dataclass(frozen=True)
class Checkpoint:
    """How long the log was and what its root hash was then; `text` is the signed note it was read from."""

    origin: str
    size: int
    root: bytes
    text: str = ""

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class VerifierKey:
    """A public key as others are given it: `NAME+KEYID+BASE64(type || key)`."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read one. Raises `NoteError`."""
        hint = "It is one line: NAME+8 hex digits+base64, as `civicops audit key` prints it."
        parts = text.strip().split("+", 2)
        try:
            material = base64.b64decode(parts[2], validate=True)
        except (IndexError, binascii.Error, ValueError) as error:
            raise NoteError("This is not a verifier key.", hint=hint) from error
        if len(material) != 33 or material[0] not in (ED25519, COSIGNATURE) or not is_key_name(parts[0]):
            raise NoteError("This is not an Ed25519 verifier key.", hint=hint)
        key = cls(parts[0], material[0], material[1:])
        if key.id.hex() != parts[1]:
            raise NoteError("The verifier key is damaged: its id does not fit.", hint=hint)
        return key

    @property
    def id(self) -> bytes:
        """The first four bytes of `SHA-256(name || 0x0A || type || key)`."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


class SigningKey:
    """The private key of a log, with the name it signs under."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self.name, self._private = name, private
        self.verifier = VerifierKey(name, ED25519, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def make(cls, name: str) -> SigningKey:
        """A new key."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """Read what `text` gives. Raises `NoteError`."""
        try:
            name, key_id, material = text.strip().removeprefix(_PRIVATE).split("+", 2)
            raw = base64.b64decode(material, validate=True)
            if raw[0] != ED25519:
                raise ValueError("not Ed25519")
            key = cls(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
            if key.verifier.id.hex() != key_id:
                raise ValueError("the id does not fit")
        except (ValueError, IndexError) as error:
            raise NoteError(
                "The signing key of the audit log cannot be read.", hint="Restore it from a backup."
            ) from error
        return key

    def text(self) -> str:
        """The key as other programs for signed notes read it: `PRIVATE+KEY+NAME+KEYID+BASE64`."""
        raw = self._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        material = base64.b64encode(bytes([ED25519]) + raw).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{material}"

    def checkpoint(self, size: int, root: bytes) -> Checkpoint:
        """A signed checkpoint."""
        plain = Checkpoint(self.name, size, root)
        line = base64.b64encode(self.verifier.id + self._private.sign(plain.body.encode())).decode()
        return Checkpoint(self.name, size, root, f"{plain.body}\n{_DASH}{self.name} {line}\n")


def is_key_name(name: str) -> bool:
    """Whether a key may have this name: something without spaces and plus signs."""
    return bool(name) and name.isprintable() and not re.search(r"[\s+]", name)


def read_checkpoint(text: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a signed note. Raises `NoteError` unless `key` signed exactly this."""
    body, signatures = _parts(text)
    lines = body.split("\n")[:-1]
    if not any(_is_signed(body, name, raw, key) for name, raw in signatures):
        raise NoteError(
            f"The checkpoint is not signed by {key.name} ({key.id.hex()}).",
            hint="It was changed, or belongs to another log, or the log has another key now.",
        )
    if len(lines) < 3 or "" in lines or lines[0] != key.name or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
        raise NoteError("The signed text is not a checkpoint of this log.", hint="It has origin, size and root hash.")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("The root hash of the checkpoint cannot be read.", hint="It is base64.") from error
    if len(root) != 32 or base64.b64encode(root).decode() != lines[2]:
        raise NoteError("The root hash of the checkpoint has not 32 bytes.", hint="It is SHA-256 in base64.")
    return Checkpoint(lines[0], int(lines[1]), root, text)


def cosigned_at(text: str, witness: VerifierKey) -> datetime:
    """When a witness saw the checkpoint in a note. Raises `NoteError` unless it cosigned it."""
    body, signatures = _parts(text)
    for name, raw in signatures:
        if name == witness.name and raw[:4] == witness.id and witness.kind == COSIGNATURE and len(raw) == 76:
            seconds = int.from_bytes(raw[4:12], "big")
            message = f"cosignature/v1\ntime {seconds}\n{body}".encode()
            try:
                Ed25519PublicKey.from_public_bytes(witness.public).verify(raw[12:], message)
                return datetime.fromtimestamp(seconds, UTC)
            except (InvalidSignature, OverflowError, ValueError, OSError):
                break
    raise NoteError(f"The checkpoint is not cosigned by {witness.name}.", hint="Ask the witness for its copy of it.")


def _parts(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text and signatures of a note. Raises `NoteError`."""
    hint = "A signed note ends with an empty line and lines that begin with an em dash."
    body, empty, rest = text.rpartition("\n\n")
    is_text = len(text) <= _MOST_BYTES and not re.search(r"[\x00-\x09\x0b-\x1f]", text)
    if not empty or not is_text or not rest.endswith("\n"):
        raise NoteError("This is not a signed checkpoint.", hint=hint)
    signatures = []
    for line in rest[:-1].split("\n"):
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NoteError("A signature of the checkpoint cannot be read.", hint=hint) from error
        if not line.startswith(_DASH) or not is_key_name(name) or len(raw) < 5:
            raise NoteError("A signature of the checkpoint cannot be read.", hint=hint)
        if base64.b64encode(raw).decode() != encoded:
            raise NoteError("A signature of the checkpoint is not written as it must be.", hint=hint)
        signatures.append((name, raw))
    return f"{body}\n", signatures


def _is_signed(body: str, name: str, raw: bytes, key: VerifierKey) -> bool:
    if name != key.name or raw[:4] != key.id or key.kind != ED25519:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], body.encode())
    except InvalidSignature:
        return False
    return True


def keep_key(path: Path, key: SigningKey) -> None:
    """Write a new private key, readable by its owner only. Raises `FileExistsError`, `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
        stream.write(key.text() + "\n")
        stream.flush()
        os.fsync(stream.fileno())
