"""Two snapshots of a drive of a million items compared, with paths, beside pandas; and what 23 drives take on disk.

Belongs here: made-up snapshots and the measurement. Does not belong here: Drive's own speed: a million items
are a thousand calls.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.table import Row, Table, main
from civicops.ingest.snapshots.difference import changes
from civicops.ingest.snapshots.items import FOLDER, SCHEMA
from civicops.ingest.snapshots.store import SnapshotStore

LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype="u1")
WORDS = np.array(
    ["agenda", "budget", "minutes", "persona", "interview", "wireframe", "roadmap", "survey", "handoff", "logo"]
)
KINDS = ["application/pdf", "image/png", "text/csv", "application/vnd.google-apps.document"]
PEOPLE = [f"volunteer.{number}@example.org" for number in range(300)]
START = datetime(2026, 1, 1, 6, tzinfo=UTC)


def ids(draw: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    """Ids as Drive makes them: 33 letters that no compression makes shorter than 25 bytes."""
    return LETTERS[draw.integers(0, 64, (count, 33))].view("S33").ravel().astype("U33")


def made_up(count: int, seed: int = 1) -> pa.Table:
    """A drive of `count` items, one in twelve a folder, up to nine levels deep."""
    draw = np.random.default_rng(seed)
    folders = max(20, count // 12)
    every = ids(draw, count)
    # A folder lies in one of those before it, in the first twenty at the root.
    above = (draw.random(count) * np.minimum(np.arange(count), folders) ** 0.97).astype(int)
    parents = np.where(np.arange(count) < 20, "root", every[above])
    is_folder = np.arange(count) < folders
    numbers = draw.integers(0, 10_000, count).astype("U5")
    names = np.char.add(np.char.add(WORDS[draw.integers(0, 10, count)], " "), numbers)
    made = (START.timestamp() - draw.integers(0, 200_000_000, count)).astype("i8") * 1000
    digits = np.frombuffer(b"0123456789abcdef", dtype="u1")
    checksums = digits[draw.integers(0, 16, (count, 32))].view("S32").ravel().astype("U32")
    plain = ~is_folder & (draw.random(count) < 0.7)
    columns: list[Any] = [
        every, names, np.where(is_folder, FOLDER, np.array(KINDS)[draw.integers(0, 4, count)]), parents,
        pa.array(draw.integers(1_000, 9_000_000, count), pa.int64(), mask=~plain), pa.array(checksums, mask=~plain),
        pa.array(made, pa.int64()).cast(SCHEMA.field("created_at").type),
        pa.array(made + draw.integers(0, 9_000_000, count) * 1000, pa.int64()).cast(SCHEMA.field("created_at").type),
        np.array(PEOPLE)[(draw.random(count) ** 3 * 300).astype(int)], np.zeros(count, bool),
        pa.nulls(count, SCHEMA.field("trashed_at").type), pa.nulls(count, pa.string()),
    ]  # fmt: skip
    return pa.Table.from_arrays([pa.array(one) for one in columns], names=SCHEMA.names).cast(SCHEMA).sort_by("id")


def next_day(table: pa.Table, seed: int, share: float) -> pa.Table:
    """The drive a day later: `share` of its items changed, half as many gone, half as many new."""
    draw = np.random.default_rng(seed)
    count = len(table)
    is_file = np.array(table["mime_type"].to_pylist(), dtype=object) != FOLDER
    keep = (draw.random(count) > share / 2) | ~is_file
    changed = (draw.random(count) < share) & is_file
    at = np.array(table["modified_at"].cast(pa.int64()))
    moments = int(START.timestamp() * 1000) + seed * 86_400_000 + draw.integers(0, 86_400_000, count)
    at = np.where(changed, moments, at)
    parents = np.array(table["parent_id"].to_pylist(), dtype=object)
    moved = changed & (draw.random(count) < 0.2)
    parents[moved] = draw.choice(parents, int(moved.sum()))
    # What was edited has another size and checksum (Google's own documents have neither) and another last editor.
    edited = changed & ~moved & ~np.array(table["size_bytes"].is_null())
    sizes = np.where(
        edited,
        draw.integers(1_000, 9_000_000, count),
        np.nan_to_num(np.array(table["size_bytes"], dtype=float)).astype("i8"),
    )
    sums = np.array(table["checksum"].to_pylist(), dtype=object)
    sums[edited] = [draw.bytes(16).hex() for _ in range(int(edited.sum()))]
    editors = np.array(table["editor"].to_pylist(), dtype=object)
    editors[changed] = draw.choice(PEOPLE, int(changed.sum()))
    no_size = np.array(table["size_bytes"].is_null())
    table = table.set_column(4, SCHEMA.field(4), pa.array(sizes, pa.int64(), mask=no_size))
    table = table.set_column(5, SCHEMA.field(5), pa.array(sums, pa.string()))
    table = table.set_column(8, SCHEMA.field(8), pa.array(editors, pa.string()))
    table = table.set_column(7, SCHEMA.field(7), pa.array(at).cast(SCHEMA.field(7).type))
    table = table.set_column(3, SCHEMA.field(3), pa.array(parents, pa.string())).filter(pa.array(keep))
    new = made_up(max(40, int(count * share / 2)), seed + 1000)
    return pa.concat_tables([table, new]).sort_by("id")


def ours(before: Path, after: Path) -> int:
    return len(changes(before, after))


def pandas_merge(before: Path, after: Path) -> int:
    """The same with pandas: an outer merge, paths by a dictionary of folders."""
    import pandas as pd  # type: ignore[import-untyped]

    both = [pd.read_parquet(path) for path in (before, after)]
    merged = both[0].merge(both[1], on="id", how="outer", suffixes=("", "_after"), indicator=True)
    same = pd.Series(True, index=merged.index)
    for name in ("parent_id", "name", "size_bytes", "checksum", "modified_at", "is_trashed"):
        left, right = merged[name], merged[f"{name}_after"]
        same &= (left == right) | (left.isna() & right.isna())
    changed = merged[(merged["_merge"] != "both") | ~same].copy()
    for frame, column, name, parent in (
        (both[0], "path", "name", "parent_id"),
        (both[1], "path_after", "name_after", "parent_id_after"),
    ):
        rows = frame[frame["mime_type"] == FOLDER]
        folders = dict(zip(rows["id"], zip(rows["name"], rows["parent_id"], strict=True), strict=True))
        paths: dict[str, str] = {}

        def path_of(one: str, folders: dict[str, Any] = folders, paths: dict[str, str] = paths) -> str:
            if one not in folders:
                return ""
            if one not in paths:
                paths[one] = path_of(folders[one][1]) + "/" + folders[one][0]
            return paths[one]

        changed[column] = [
            path_of(where) + "/" + text if isinstance(text, str) else None
            for where, text in zip(changed[parent], changed[name], strict=True)
        ]
    return len(changed)


Measured = tuple[int, float, float, int]
"""Rows, seconds, processor seconds, peak bytes."""


def _alone(work: Callable[[Path, Path], int], before: Path, after: Path, answers: Any) -> None:
    used, began = time.process_time(), time.perf_counter()
    count = work(before, after)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    answers.put((count, seconds, used, _peak()))


def _peak() -> int:
    """Peak memory of this process in bytes. `ru_maxrss` would not do on Linux: it begins with that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(work: Callable[[Path, Path], int], before: Path, after: Path, times: int) -> Measured:
    """The best of the times and the peak memory of a process that does nothing else."""
    context = multiprocessing.get_context("spawn")
    results: list[Measured] = []
    for _ in range(times):
        answers = context.Queue()
        process = context.Process(target=_alone, args=(work, before, after, answers))
        process.start()
        results.append(answers.get())
        process.join()
    counts, seconds, used, memory = zip(*results, strict=True)
    return counts[0], min(seconds), min(used), max(memory)


def stored(folder: Path, count: int, days: int, share: float) -> tuple[float, float, float]:
    """Bytes of the newest snapshot and of one day's step back, and seconds to seal one."""
    store, table = SnapshotStore(folder), made_up(count)
    seconds = 0.0
    for day in range(days + 1):
        began = time.perf_counter()
        snapshot = store.seal("d", table, taken_at=START + timedelta(days=day), origin=str(day))
        seconds = time.perf_counter() - began
        table = next_day(table, day + 1, share)
    full = store.path(snapshot).stat().st_size
    steps = [path.stat().st_size for path in (folder / "d").glob("back-*.parquet")]
    return full, sum(steps) / len(steps), seconds


def run(quick: bool) -> Table:
    """The table of docs/benchmarks.md; `quick` takes a tenth of the items and measures once."""
    counts = (25_000, 50_000, 100_000) if quick else (250_000, 500_000, 1_000_000)
    folder = Path(tempfile.mkdtemp(prefix="civicops-bench-"))
    rows = []
    try:
        for count in counts:
            before = made_up(count)
            after = next_day(before, 1, 0.02)
            paths = (folder / "before.parquet", folder / "after.parquet")
            for table, path in zip((before, after), paths, strict=True):
                pq.write_table(table, path, compression="zstd")
            del before, after
            contenders: list[tuple[str, Callable[[Path, Path], int]]] = [("civicops", ours)]
            if count == counts[-1]:
                contenders.append(("pandas merge", pandas_merge))
            found = set()
            for name, work in contenders:
                changed, seconds, used, memory = measured(work, *paths, 1 if quick else 3)
                found.add(changed)
                figures = {
                    "changed": f"{changed:,}",
                    "seconds": f"{seconds:.2f}",
                    "processor": f"{used:.2f}",
                    "peak memory": f"{memory / 1e6:,.0f} MB",
                }
                rows.append(Row(f"{name}, 2 x {count:,} items", figures))
            if len(found) != 1:
                raise SystemExit(f"they found different numbers of changes: {found}")
        count = counts[1]
        full, step, seconds = stored(folder / "store", count, 3, 0.0035)
        rows.append(
            Row(f"snapshot of {count:,} items", {"seconds": f"{seconds:.2f}", "on disk": f"{full / 1e6:.1f} MB"})
        )
        rows.append(
            Row("one day's step back, 0.7 % of the items changed, gone or new", {"on disk": f"{step / 1e6:.2f} MB"})
        )
        for months, days in ((0, 0), (12, 8), (24, 8), (24, 20)):
            total = 23 * (full + 90 * step + months * days * step)
            words = f" and {months} months of {days} days' changes each" if months else ""
            rows.append(Row(f"23 drives, 90 days{words} (reckoned)", {"on disk": f"{total / 1e9:.2f} GB"}))
    finally:
        shutil.rmtree(folder)
    notes = (
        "Two snapshots of a drive compared: what was added, trashed, moved, renamed, changed or is absent, each with its path. "
        "Read from Parquet, each contender in a process of its own, best of three. 2 % of the files changed, 1 % gone, 1 % new. "
        "`processor`: seconds of both cores together; on a busy machine they say more.",
        "The last lines reckon 23 drives of that size: the newest snapshot in whole, 90 daily steps, and monthly ones, in which "
        "an item that changes every day counts once: they hold the changes of some eight days where people work on the "
        "same files, of twenty where they never do. 0.7 % of the items a day is what eight real histories have on average, "
        "small drives whose first years are in it; their quietest has 0.05 %.",
    )
    return Table("drive_diff", tuple(rows), notes)


if __name__ == "__main__":
    main(run)
