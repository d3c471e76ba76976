"""Kill -9, readers during promotions, a full disk, a folder that cannot be written: real processes, real signals."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from release_kit import column, contract_text

from civicops.release import Release, ReleaseStore

WORKER = Path(__file__).with_name("release_worker.py")
KILLS = int(os.environ.get("CIVICOPS_KILLS", "25"))
ROUND_COLUMNS = [
    column("thing_id", "integer", primaryKey=True, required=True),
    column("round", "integer"),
    column("note"),
]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a publishing process; whatever still runs at the end is ended."""
    contracts = []
    for dataset in ("items", "others"):
        path = tmp_path / f"{dataset}.yaml"
        path.write_text(contract_text(dataset, ROUND_COLUMNS), encoding="utf-8")
        contracts.append(str(path))
    started: list[subprocess.Popen[str]] = []

    def run(root: Path, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(WORKER), str(root), *contracts, *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def round_of(release: Release) -> int:
    """The one number that all rows of a release hold; the file must be what its descriptor says."""
    resource = release.package()["resources"][0]
    content = release.data.read_bytes()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == resource["hash"]
    table = pq.read_table(release.data, columns=["round"])
    assert table.num_rows == resource["rowcount"]
    numbers: set[Any] = set(table.column("round").to_pylist())
    assert len(numbers) == 1
    return int(numbers.pop())


def assert_whole(store: ReleaseStore) -> int:
    """Both datasets are of one round, and every release that can be seen is whole. Returns the round, -1 before the first."""
    snapshot = store.snapshot("things")
    rounds = {round_of(release) for release in snapshot.values()}
    assert len(rounds) <= 1 and set(snapshot) in (set(), {"items", "others"})
    for dataset in store.datasets("things"):
        for release in store.versions("things", dataset):
            assert release.is_complete(), release
            assert {path.name for path in release.path.iterdir()} == {"data.parquet", "datapackage.json"}
    history = store.history("things")
    assert [switch.sequence for switch in history] == list(range(1, len(history) + 1))
    if history:
        assert dict(history[-1].after) == {name: release.version for name, release in snapshot.items()}
    return rounds.pop() if rounds else -1


def test_kill_at_any_moment_leaves_whole_releases_and_the_next_publish_works(start: Start, tmp_path: Path) -> None:
    """Kills fall all over a round; after each the store is whole as it lies, and the next publisher mends and goes on."""
    store = ReleaseStore(tmp_path / "releases")
    chance = random.Random(311)
    reached, number, interrupted = -1, 0, 0
    for kill in range(KILLS):
        process = start(store.root, "--first", str(number))
        assert process.stdout is not None
        first = process.stdout.readline()  # imports are over and one round has passed: from here on kills hit the work
        assert first.startswith("round "), first
        time.sleep(chance.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        lines = (first + rest).splitlines()
        told = int(next(line for line in reversed(lines) if line.startswith("round ")).split()[1])
        now = assert_whole(store)
        assert now in (told, told + 1), f"kill {kill}: what was told as published is current"
        assert now > reached
        interrupted += any((store.root / "things").glob("*/.staging-*"))
        reached, number = now, now + 1
    done = start(store.root, "--first", str(number), "--rounds", "1")
    assert done.wait(60) == 0
    assert assert_whole(store) == number
    hidden = [path.name for path in store.root.rglob(".*") if path.name not in (".publish.lock", ".staging.lock")]
    assert hidden == []
    assert interrupted, "at least one kill fell into the middle of a round"


def test_a_reader_during_200_promotions_never_sees_a_mix_or_a_missing_file(start: Start, tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path / "releases")
    process = start(store.root, "--rounds", "200", "--rows", "50")
    seen: list[int] = []
    while process.poll() is None:
        snapshot = store.snapshot("things")
        if snapshot:
            rounds = {round_of(release) for release in snapshot.values()}
            assert len(rounds) == 1 and set(snapshot) == {"items", "others"}
            seen.append(rounds.pop())
    assert process.returncode == 0
    assert seen == sorted(seen), "never back"
    assert len(set(seen)) > 20, "the reader looked while releases were switched"
    assert assert_whole(store) == 199
    assert len(store.history("things")) == 200


def test_two_publishers_at_once_never_mix_and_the_loser_is_told(start: Start, tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path / "releases")
    start(store.root, "--rounds", "1").wait(60)
    both = [start(store.root, "--first", first, "--rounds", "400", "--rows", "50") for first in ("1000", "5000")]
    while all(process.poll() is None for process in both):
        time.sleep(0.01)
    loser = next(process for process in both if process.poll() is not None)
    output, _ = loser.communicate()
    assert loser.returncode == 3, "four hundred rounds of each cannot pass without meeting"
    told = json.loads(output.splitlines()[-1])
    assert told["kind"] in ("ReleaseBusyError", "ReleaseConflictError")
    assert "othing was changed" in told["text"] and "\n" not in told["text"]
    winner = next(process for process in both if process is not loser)
    winner.kill()
    winner.wait()
    assert_whole(store)


def test_a_full_disk_is_one_line_and_the_last_release_stays(start: Start, tmp_path: Path) -> None:
    """Files may grow to 20 kB and no more: descriptors still fit, the data does not."""
    store = ReleaseStore(tmp_path / "releases")
    assert start(store.root, "--rounds", "1", "--rows", "10").wait(60) == 0
    process = start(store.root, "--first", "1", "--rows", "20000", "--largest-file", "20000")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 3, output
    told = json.loads(output)
    assert told["kind"] == "ReleaseWriteError"
    assert "\n" not in told["text"]
    assert "Cannot write a release of things.items in" in told["text"] and "File too large" in told["text"]
    assert "The last release is untouched." in told["text"]
    assert assert_whole(store) == 0
    assert list(store.root.rglob(".staging-*")) == []


@pytest.mark.parametrize("largest", [100, 600])
def test_a_disk_that_fills_while_switching_leaves_the_last_release(start: Start, tmp_path: Path, largest: int) -> None:
    """So little room that even small files fail: the descriptor, the journal or the pointer."""
    store = ReleaseStore(tmp_path / "releases")
    assert start(store.root, "--rounds", "1", "--rows", "10").wait(60) == 0
    process = start(store.root, "--first", "1", "--rows", "1", "--largest-file", str(largest))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 3, output
    assert json.loads(output)["kind"] == "ReleaseWriteError"
    assert assert_whole(store) == 0
    assert start(store.root, "--first", "2", "--rounds", "1").wait(60) == 0
    assert assert_whole(store) == 2


def test_a_folder_that_cannot_be_written_is_one_line_and_the_last_release_stays(start: Start, tmp_path: Path) -> None:
    """As root the process becomes nobody first, because root may write anywhere."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "releases"
        Path(folder).chmod(0o755)
        store = ReleaseStore(root)
        assert start(root, "--rounds", "1").wait(60) == 0
        product = root / "things"
        folders = [path for path in (product, *product.rglob("*")) if path.is_dir()]
        try:
            for path in folders:
                path.chmod(0o555)
            process = start(root, "--first", "1", *(("--user", "65534") if os.geteuid() == 0 else ()))
            output, _ = process.communicate(timeout=60)
        finally:
            for path in folders:
                path.chmod(0o755)
        assert process.returncode == 3, output
        told = json.loads(output)
        assert told["kind"] == "ReleaseWriteError" and "\n" not in told["text"]
        assert "Permission denied" in told["text"] and "right to write there" in told["text"]
        assert assert_whole(store) == 0
