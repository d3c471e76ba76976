"""Whether the log is what was logged, and if not, which entry is the first bad one.

Belongs here: walking through all files of a log and holding them against each other, the signature, what the database knows, and
checkpoints that others kept. Does not belong here: proofs for others (`prove`) or whether something is missing that should
have been logged (`civicops.orchestrate.auditing`).

What is believed, in this order: a signed root; hashes that lead up to it; the database's copy of leaf hashes. Entries whose
hashes lead up to the signed root are what was signed, whatever else was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from civicops.audit.events import AuditError, fields, moment_text
from civicops.audit.index import Index
from civicops.audit.log import Log
from civicops.audit.merkle import leaf_hash, tree_hash
from civicops.audit.notes import Checkpoint, VerifierKey, cosigned_at, read_checkpoint
from civicops.audit.personal_check import PersonalCheck
from civicops.audit.problem import Problem
from civicops.audit.tiles import ENTRIES, HASH, WIDTH, TileError, Tiles, tile_name, unpack, widths
from civicops.audit.writing import CHECKPOINT

_CLOCKS = timedelta(minutes=5)
"""How far the clocks of two machines may differ."""
_STEP = 64
"""Bundles whose hashes are asked of the database at once."""


@dataclass(frozen=True)
class Known:
    """A checkpoint that somebody kept, and when it was seen if that is known."""

    checkpoint: Checkpoint
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Report:
    """What verifying found. `problems` is empty when all is well; the worst evidence comes first, then by index."""

    size: int
    root: str
    origin: str
    problems: tuple[Problem, ...]
    known: int
    """How many kept checkpoints it was held against."""
    erased: int
    """Personal fields that are gone, each with an erasure in the log."""

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    @property
    def first_bad(self) -> int | None:
        """The first bad entry, if an entry is."""
        return min((one.index for one in self.problems if one.index is not None), default=None)


def read_known(text: str, key: VerifierKey, *, seen_at: datetime | None = None, witness: str = "") -> Known:
    """A kept checkpoint from its text; with a witness' verifier key the time of its cosignature counts as seen.

    Raises `NoteError` when the log's key did not sign it, or the witness did not.
    """
    text = text.strip("\n") + "\n" if "\n\n" in text.strip("\n") else text
    checkpoint = read_checkpoint(text, key)
    if witness:
        seen_at = cosigned_at(text, VerifierKey.parse(witness))
    return Known(checkpoint, seen_at)


def verify(log: Log, known: Sequence[Known] = (), *, key: VerifierKey | None = None) -> Report:
    """Verify a workspace's log against its files, its database and kept checkpoints. Raises `AuditError` without any key."""
    beside = log.verifier_key
    own = log.signing_key.verifier if log.key_file.exists() else None
    believed = key or own or beside
    others = [other for other in (own, beside) if other is not None and str(other) != str(believed)]
    while True:
        before = _head_bytes(log.folder)
        problems = [
            Problem(None, "key", f"The key {other} is not the key {believed} that the log is held against.")
            for other in dict.fromkeys(others)
        ]
        report = _verify(log.folder, believed, known, log.index, PersonalCheck(log.database), problems)
        # Somebody may have appended or erased meanwhile; what was found is only believed of a log that stood still.
        if report.is_good or _head_bytes(log.folder) == before:
            return report


def verify_folder(folder: Path, key: VerifierKey, known: Sequence[Known] = ()) -> Report:
    """Verify a copy of a log's files, with nothing but the published key."""
    return _verify(folder, key, known, None, None, [])


@dataclass
class _Walk:
    """What one pass over the files gave."""

    tops: list[bytes] = field(default_factory=list)
    """The hash over the entries of each bundle, as they are on the disk."""
    bad: dict[int, list[Problem]] = field(default_factory=dict)
    """By bundle: entries that differ from the stored hashes, the database, or cannot be read."""
    late: list[Problem] = field(default_factory=list)


def _verify(
    folder: Path,
    key: VerifierKey,
    known: Sequence[Known],
    index: Index | None,
    people: PersonalCheck | None,
    problems: list[Problem],
) -> Report:
    held = index.count() if index else 0  # first: the log may grow meanwhile, and is never behind its index
    head, is_signed = _head(folder, key, problems)
    size = head.size if head else max([held, *(one.checkpoint.size for one in known)])
    tiles = Tiles(folder, size)
    walk = _walk(tiles, known, index, people)
    root = tree_hash(walk.tops) if all(walk.tops) else b""
    if is_signed and head is not None and root == head.root:
        # The entries are what was signed; what differs from them is wrong itself.
        problems += [one for found in walk.bad.values() for one in found if one.what != "entry"]
        problems += _upper_tiles(tiles, walk.tops)
    else:
        problems += _first_bad(tiles, head if is_signed else None, walk)
    problems += walk.late
    if held > size:
        message = f"The log has {size:,} entries; {held:,} were logged. It was cut off: this is the first one missing."
        problems.append(Problem(size, "truncated", message))
    problems += _against(known, size, walk, tiles, index)
    if people is not None:
        problems += people.finish()
    # What the signature says comes first, then the entries in their order.
    ordered = sorted(dict.fromkeys(problems), key=lambda one: (-1 if one.index is None else one.index, one.what))
    return Report(size, root.hex(), key.name, tuple(ordered), len(known), people.erased if people else 0)


def _head_bytes(folder: Path) -> bytes:
    try:
        return (folder / CHECKPOINT).read_bytes()
    except OSError:
        return b""


def _head(folder: Path, key: VerifierKey, problems: list[Problem]) -> tuple[Checkpoint | None, bool]:
    try:
        text = (folder / CHECKPOINT).read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(None, "checkpoint", f"The checkpoint cannot be read: {error}."))
        return None, False
    try:
        return read_checkpoint(text, key), True
    except AuditError as error:
        problems.append(Problem(None, "checkpoint", error.message))
        return None, False


def _walk(tiles: Tiles, known: Sequence[Known], index: Index | None, people: PersonalCheck | None) -> _Walk:
    walk = _Walk()
    logged: dict[int, str] = {}
    before = datetime.min.replace(tzinfo=UTC)
    seen = [(one.checkpoint.size, one.seen_at) for one in known if one.seen_at]
    for number in range((tiles.size + WIDTH - 1) // WIDTH):
        width, first = tiles.width(0, number), number * WIDTH
        problems: list[Problem] = []
        entries = _bundle(tiles, number, width, problems)
        leaves = [leaf_hash(entry) for entry in entries]
        _compare_tile(tiles, number, leaves, problems)
        if index is not None:
            if number % _STEP == 0:
                logged = index.leaf_hashes(first, first + _STEP * WIDTH)
            _compare_index(logged, first, leaves, problems)
        walk.tops.append(tree_hash(leaves) if len(leaves) == width else b"")
        if problems:
            walk.bad[number] = problems
        for place, entry in _decoded(first, entries, walk.late):
            at = entry["at"]
            if at < before:
                words = f"It says {moment_text(at)}, before the entry ahead of it ({moment_text(before)}): back-dated or moved."
                walk.late.append(Problem(place, "back-dated", words))
            else:
                before = at
            for size, moment in seen:
                words = f"when {size:,} entries were seen at {moment_text(moment)}."
                if place >= size and at < moment - _CLOCKS:
                    text = f"It says {moment_text(at)}, but was not in the log yet {words}"
                    walk.late.append(Problem(place, "back-dated", text))
                if place < size and at > moment + _CLOCKS:
                    text = f"It says {moment_text(at)}, but was in the log already {words}"
                    walk.late.append(Problem(place, "post-dated", text))
            if people is not None:
                people.see(place, entry)
    return walk


def _bundle(tiles: Tiles, number: int, width: int, problems: list[Problem]) -> list[bytes]:
    first, name = number * WIDTH, tile_name(ENTRIES, number, width)
    try:
        data = tiles.content(ENTRIES, number, width)
    except TileError as error:
        problems.append(Problem(first, "entry", f"Its file {error}."))
        return []
    try:
        entries = unpack(data)
    except ValueError as error:
        entries = error.args[1]
        problems.append(Problem(first + len(entries), "entry", f"{name} {error.args[0]}."))
    is_own = (tiles.folder / name).is_file()
    if len(entries) > width and is_own:
        # The whole bundle may stand in for an unfinished one that is gone; otherwise nothing comes after the last.
        problems.append(Problem(first + width, "file", f"{name} has {len(entries)} entries, not {width}."))
    elif len(entries) < width and not problems:
        problems.append(Problem(first + len(entries), "entry", f"{name} has {len(entries)} entries, not {width}."))
    return entries[:width]


def _compare_tile(tiles: Tiles, number: int, leaves: Sequence[bytes], problems: list[Problem]) -> None:
    first, width = number * WIDTH, tiles.width(0, number)
    name = tile_name(0, number, width)
    try:
        data = tiles.content(0, number, width)
    except TileError as error:
        problems.append(Problem(first, "tile", f"Its hash is gone: {error}."))
        return
    if (tiles.folder / name).is_file() and len(data) != width * HASH:
        words = f"{name} has {len(data)} bytes, not {width * HASH}."
        problems.append(Problem(first + min(len(data) // HASH, width - 1), "tile", words))
    if b"".join(leaves) == data:
        return
    for at, leaf in enumerate(leaves):
        if data[at * HASH : (at + 1) * HASH] != leaf:
            problems.append(Problem(first + at, "tile", f"It does not fit its hash in {name}."))
            return


def _compare_index(known: dict[int, str], first: int, leaves: Sequence[bytes], problems: list[Problem]) -> None:
    for at, leaf in enumerate(leaves):
        if known.get(first + at, leaf.hex()) != leaf.hex():
            problems.append(Problem(first + at, "database", "It is not the one whose hash the database holds."))
            return


def _decoded(first: int, entries: Sequence[bytes], late: list[Problem]) -> Iterator[tuple[int, dict[str, Any]]]:
    for at, data in enumerate(entries):
        try:
            yield first + at, fields(data)
        except ValueError as error:
            late.append(Problem(first + at, "entry", f"It is not an entry: {error}."))


def _upper_tiles(tiles: Tiles, tops: list[bytes]) -> Iterator[Problem]:
    """Stored hashes above the leaves that are not those over the entries."""
    current = tops if tiles.size % WIDTH == 0 else tops[:-1]
    for level, full, rest in widths(tiles.size):
        if level == 0:
            continue
        for number in range(full + bool(rest)):
            width = WIDTH if number < full else rest
            name = tile_name(level, number, width)
            wanted = b"".join(current[number * WIDTH : number * WIDTH + width])
            try:
                data = tiles.content(level, number, width)
            except TileError as error:
                yield Problem(number * WIDTH ** (level + 1), "tile", f"{error}.")
                continue
            if data != wanted and not (data.startswith(wanted) and not (tiles.folder / name).is_file()):
                at = next(
                    (n for n in range(width) if data[n * HASH : (n + 1) * HASH] != wanted[n * HASH : (n + 1) * HASH]), 0
                )
                first = (number * WIDTH + at) * WIDTH**level
                yield Problem(first, "tile", f"{name} does not fit the entries from {first} on.")
        current = [tree_hash(current[n * WIDTH : (n + 1) * WIDTH]) for n in range(full)]


def _first_bad(tiles: Tiles, head: Checkpoint | None, walk: _Walk) -> Iterator[Problem]:
    """The entries do not lead up to a signed root: the first that is to blame."""
    trusted = _trusted(tiles, head)
    suspects = [
        number for number, top in enumerate(walk.tops) if trusted is not None and trusted.get(number, top) != top
    ]
    if head is not None and trusted is None and not walk.bad:
        words = "The entries do not add up to the root that was signed, and nothing says which of them was changed."
        yield Problem(None, "root", words)
    for number in sorted({*suspects, *walk.bad}):
        found = walk.bad.get(number, [])
        is_fine = trusted is not None and trusted.get(number) == walk.tops[number] and walk.tops[number] != b""
        if found:
            yield from (one for one in found if not (is_fine and one.what == "entry"))
        else:
            last = number * WIDTH + tiles.width(0, number) - 1
            words = (
                f"It or one up to {last} was changed together with its hash; the hash over all of them does not fit."
            )
            yield Problem(number * WIDTH, "entry", words)


def _trusted(tiles: Tiles, head: Checkpoint | None) -> dict[int, bytes] | None:
    """The hash over each bundle, as far as stored hashes lead up to the signed root; None when they do not."""
    if head is None:
        return None
    found: dict[int, bytes] = {}
    above: dict[int, bytes] = {}
    edges = []
    levels = list(widths(tiles.size))
    for level, full, rest in levels:
        try:
            edges.append(tiles.hashes(level, full) if rest else [])
        except TileError:
            return None
    carried: list[bytes] = []
    for hashes in edges:
        items = [*hashes, *carried]
        carried = [tree_hash(items)] if items else []
    if (carried[0] if carried else tree_hash([])) != head.root:
        return None
    for (level, full, rest), edge in zip(reversed(levels), reversed(edges), strict=True):
        here = {full * WIDTH + at: one for at, one in enumerate(edge)}
        for number, wanted in above.items():
            try:
                hashes = tiles.hashes(level, number)
            except TileError:
                continue
            if tree_hash(hashes) == wanted:
                here |= {number * WIDTH + at: one for at, one in enumerate(hashes)}
        if level == 0:
            found = above | ({full: tree_hash(edge)} if rest else {})
        above = here
    return found


def _against(known: Sequence[Known], size: int, walk: _Walk, tiles: Tiles, index: Index | None) -> Iterator[Problem]:
    for one in known:
        wanted = one.checkpoint
        if wanted.size > size:
            words = f"The log has {size:,} entries; one signed over {wanted.size:,} was kept. This is the first one missing."
            yield Problem(size, "truncated", words)
            continue
        full, rest = divmod(wanted.size, WIDTH)
        try:
            last = [tree_hash([leaf_hash(entry) for entry in tiles.entries(full)[:rest]])] if rest else []
        except TileError:
            continue  # said already
        if tree_hash([*walk.tops[:full], *last]) != wanted.root:
            words = f"The first {wanted.size:,} entries are not those of the checkpoint that was kept: the past was rewritten."
            first = min((p.index for found in walk.bad.values() for p in found if p.index is not None), default=None)
            yield Problem(first if index is not None else None, "rewritten", words)
