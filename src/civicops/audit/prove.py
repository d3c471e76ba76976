"""Proofs for others: that an entry is in the log, and that the log only grew.

Belongs here: making proofs, C2SP's tlog-proof text, checking one without the log. Does not belong here: the tree's arithmetic
(`merkle`).

A proof needs no trust in who sends it: with the published verifier key anybody can check it, long after, offline.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from civicops.audit import personal
from civicops.audit.events import AuditError, Entry, decode
from civicops.audit.index import VERIFY, DamagedError
from civicops.audit.log import Log
from civicops.audit.merkle import is_consistent, leaf_hash, root_from_inclusion
from civicops.audit.notes import Checkpoint, VerifierKey, read_checkpoint
from civicops.audit.personal import Sealed
from civicops.audit.tiles import TileError, Tiles

_FIRST = "c2sp.org/tlog-proof@v1"


class ProofError(AuditError):
    """A proof cannot be made, or does not prove what it says."""


@dataclass(frozen=True)
class Inclusion:
    """That an entry is in the log: its bytes, the hashes that lead from it to the root, and the signed root."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    def text(self) -> str:
        """The proof as a file; the entry itself is its `extra` line."""
        lines = [_FIRST, f"extra {_encoded(self.entry)}", f"index {self.index}", *map(_encoded, self.path)]
        return "\n".join(lines) + f"\n\n{self.checkpoint.text}"


@dataclass(frozen=True)
class Consistency:
    """That the log of `new` entries begins with that of `old`: both roots, and the hashes that lead from one to the other."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]


def prove(log: Log, index: int) -> Inclusion:
    """The proof that an entry is in the log as it is now. Raises `AuditError`; a proof that is returned holds."""
    log.entry(index)
    checkpoint = log.checkpoint()
    tiles = Tiles(log.folder, checkpoint.size)
    try:
        found = Inclusion(index, tiles.entry(index), tuple(tiles.inclusion(index)), checkpoint)
    except TileError as error:
        raise DamagedError(f"The proof cannot be made: {error}.", hint=VERIFY) from error
    if root_from_inclusion(leaf_hash(found.entry), index, checkpoint.size, found.path) != checkpoint.root:
        raise DamagedError(f"Entry {index} does not lead up to the signed root.", hint=VERIFY)
    return found


def prove_growth(log: Log, old: int, new: int | None = None) -> Consistency:
    """The proof that the log of `new` entries (all, when left out) begins with that of `old`. Raises `AuditError`."""
    tiles = log.tiles()
    wanted = tiles.size if new is None else new
    if not 0 <= old <= wanted <= tiles.size:
        raise ProofError(f"The log never had {old:,} and then {wanted:,} entries.", hint=f"It has {tiles.size:,} now.")
    try:
        found = Consistency(old, wanted, tiles.root(old), tiles.root(wanted), tuple(tiles.consistency(old, wanted)))
    except TileError as error:
        raise DamagedError(f"The proof cannot be made: {error}.", hint=VERIFY) from error
    if not is_consistent(old, found.old_root, wanted, found.new_root, found.path):
        raise DamagedError("The stored hashes do not make a proof.", hint=VERIFY)
    return found


def opened(log: Log, entry: Entry) -> tuple[tuple[Sealed, ...], tuple[Sealed, ...]]:
    """What proves the personal parts of an entry: its fields, and its people, each with the salt. Erased ones are left out.

    Whoever is given a salt can prove the value to others too; hand it only to those who may know the value.
    """
    with log.database.reading() as con:
        fields = personal.kept(con, entry.index, entry.index + 1).get(entry.index, {})
        people = personal.people(con, [name for name in (entry.actor, entry.about) if name])
    return tuple(fields.values()), people


def check(text: str, key: VerifierKey) -> tuple[Entry, Checkpoint]:
    """The entry that a proof's text proves, and the signed checkpoint it leads up to. Raises `AuditError` unless it holds."""
    hint = "It is a file that `civicops audit prove INDEX` wrote."
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 3 or lines[0] != _FIRST or not re.fullmatch(r"index (0|[1-9][0-9]*)", lines[2]):
        raise ProofError("This is not a proof of an entry.", hint=hint)
    checkpoint = read_checkpoint(note, key)
    try:
        data = base64.b64decode(lines[1].removeprefix("extra "), validate=True)
        path = [base64.b64decode(line, validate=True) for line in lines[3:]]
        index = int(lines[2].removeprefix("index "))
        entry = decode(index, data)
    except (binascii.Error, ValueError) as error:
        raise ProofError(f"The proof cannot be read: {error}.", hint=hint) from error
    if root_from_inclusion(leaf_hash(data), index, checkpoint.size, path) != checkpoint.root:
        raise ProofError(
            "The proof does not hold: the entry does not lead up to the signed root.", hint="It was changed on the way."
        )
    return entry, checkpoint


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
