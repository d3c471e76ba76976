"""Durable appends to the audit log and verifying it, beside a chain of hashes in SQLite and one in a file.

Belongs here: the two peers and the measurement. Does not belong here: whether the log finds changes (its tests do that).

Peers write the same entries. *SQLite chain*: a table with triggers that refuse changes, each row with the hash over the one
before and its own entry, one durable transaction per batch. *JSONL chain*: one line each with the same hash, `fsync` per batch.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.table import Row, Table, main
from civicops.audit import Event, Log, open_log
from civicops.audit.prove import prove
from civicops.audit.verify import verify
from civicops.workspace import Workspace

BATCHES = (1, 10, 100, 1000, 10_000)
SECONDS = 6.0
"""How long each size of batch is appended."""
PEOPLE = [f"volunteer-{number}" for number in range(40)]
Append = Callable[[Sequence[Event]], object]


def events(start: int, count: int, *, notes: bool = True) -> list[Event]:
    """Decisions as a review makes them; every fifth with a note."""
    return [
        Event(
            "decision",
            PEOPLE[number % 40],
            f"food_listings.listing/{number % 5000}",
            {"task": number, "choice": "accept", "content_sha256": f"{number:064x}", "field": "phone"},
            {"note": f"called them at noon, answer {number}"} if notes and number % 5 == 0 else {},
        )
        for number in range(start, start + count)
    ]


def plain(event: Event) -> bytes:
    """The same as the peers keep it: everything in one place, nothing erasable."""
    values = {"kind": event.kind, "actor": event.actor, "subject": event.subject, "content": event.content}
    return json.dumps({**values, "personal": event.personal, "at": time.time()}, sort_keys=True).encode()


class SqliteChain:
    """A table whose rows nobody changes, each with the hash over all before it."""

    def __init__(self, path: Path) -> None:
        self.con = sqlite3.connect(path, isolation_level=None)
        self.con.execute("PRAGMA journal_mode = WAL")
        self.con.execute("PRAGMA synchronous = FULL")
        self.con.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, entry BLOB, hash BLOB)")
        for what in ("UPDATE", "DELETE"):
            self.con.execute(
                f"CREATE TRIGGER no_{what} BEFORE {what} ON log BEGIN SELECT RAISE(ABORT, 'append-only'); END"
            )

    def append(self, items: Sequence[Event]) -> None:
        self.con.execute("BEGIN IMMEDIATE")
        last = self.con.execute("SELECT hash FROM log ORDER BY id DESC LIMIT 1").fetchone()
        before, rows = last[0] if last else b"", []
        for event in items:
            entry = plain(event)
            before = hashlib.sha256(before + entry).digest()
            rows.append((entry, before))
        self.con.executemany("INSERT INTO log (entry, hash) VALUES (?, ?)", rows)
        self.con.execute("COMMIT")

    def verify(self) -> bool:
        before = b""
        for entry, kept in self.con.execute("SELECT entry, hash FROM log ORDER BY id"):
            json.loads(entry)
            before = hashlib.sha256(before + entry).digest()
            if before != kept:
                return False
        return True


class JsonlChain:
    """A file of lines, each with the hash over all before it."""

    def __init__(self, path: Path) -> None:
        self.path, self.stream, self.before = path, path.open("ab"), b""

    def append(self, items: Sequence[Event]) -> None:
        for event in items:
            entry = plain(event)
            self.before = hashlib.sha256(self.before + entry).digest()
            self.stream.write(self.before.hex().encode() + b" " + entry + b"\n")
        self.stream.flush()
        os.fsync(self.stream.fileno())

    def verify(self) -> bool:
        before = b""
        with self.path.open("rb") as stream:
            for line in stream:
                kept, entry = line[:64], line[65:-1]
                json.loads(entry)
                before = hashlib.sha256(before + entry).digest()
                if before.hex().encode() != kept:
                    return False
        return True


def rate(append: Append, batch: int, seconds: float, notes: bool) -> float:
    """Appended events a second, made beforehand, in batches that are each durable."""
    ready = events(0, batch, notes=notes)
    append(ready)
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        append(ready)
        count += batch
    return count / (time.perf_counter() - begin)


def opened(folder: Path) -> Log:
    folder.mkdir()
    (folder / "civicops.toml").write_text('[workspace]\norganisation = "Bench"\n')
    return open_log(Workspace.find(folder))


def filled(append: Append, total: int) -> None:
    for start in range(0, total, 10_000):
        append(events(start, min(10_000, total - start)))


def run(quick: bool = False) -> Table:
    """The table of appends and of verifying a million entries."""
    total, seconds = (20_000, 0.5) if quick else (1_000_000, SECONDS)
    rows: list[Row] = []
    os.environ.pop("DATABASE_URL", None)
    with tempfile.TemporaryDirectory(prefix="civicops-bench-") as name:
        folder = Path(name)
        log, chain, lines = opened(folder / "log"), SqliteChain(folder / "c.sqlite"), JsonlChain(folder / "c.jsonl")
        figures = {}
        contenders: list[tuple[str, Append, bool]] = [
            ("civicops.audit", lambda items: log.append(*items), True),
            ("civicops.audit, nothing personal", lambda items: log.append(*items), False),
            ("SQLite chain", chain.append, True),
            ("JSONL chain", lines.append, True),
        ]
        for title, append, notes in contenders:
            figures[title] = {
                f"events/s, batches of {batch:,}": f"{rate(append, batch, seconds, notes):,.0f}" for batch in BATCHES
            }
        big = opened(folder / "big")
        filled(lambda items: big.append(*items), total)
        begin = time.perf_counter()
        report = verify(big)
        figures["civicops.audit"]["all verified"] = f"{time.perf_counter() - begin:.1f} s"
        assert report.is_good and report.size == total, report.problems[:3]
        begin = time.perf_counter()
        for index in range(0, total, total // 100):
            prove(big, index)
        proof = (time.perf_counter() - begin) / 100
        path = len(prove(big, total // 3).text())
        for title, peer, file in (
            ("SQLite chain", SqliteChain(folder / "b.sqlite"), "b.sqlite"),
            ("JSONL chain", JsonlChain(folder / "b.jsonl"), "b.jsonl"),
        ):
            filled(peer.append, total)
            begin = time.perf_counter()
            assert peer.verify()
            figures[title]["all verified"] = f"{time.perf_counter() - begin:.1f} s"
            figures[title]["disk"] = f"{sum(one.stat().st_size for one in folder.glob(file + '*')) / 1e6:,.0f} MB"
            figures[title]["proof of one entry"] = "the whole chain"
        disk = sum(one.stat().st_size for one in (folder / "big" / "var").rglob("*") if one.is_file())
        figures["civicops.audit"] |= {
            "disk": f"{disk / 1e6:,.0f} MB",
            "proof of one entry": f"{path / 1000:.1f} kB, {proof * 1000:.0f} ms",
        }
        rows = [Row(title, found) for title, found in figures.items()]
    words = (
        f"Appends are durable when they return (`fsync`), one batch after another by one process. *All verified*: "
        f"{total:,} entries, every one parsed, every hash and signature, and the personal parts against their commitments "
        "(every fifth entry has one). A chain finds a changed entry as well, but its owner can make all of it anew; and nobody "
        "can be shown one entry without all of them.",
    )
    return Table("audit", tuple(rows), words)


if __name__ == "__main__":
    main(run)
