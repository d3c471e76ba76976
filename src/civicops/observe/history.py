"""What every run did, kept for good: one line per run and dataset, appended and never changed.

    observe/history/<product>/runs-2026-03.jsonl      one line per run, then one per dataset it touched
    observe/history/<product>/checks-2026-03.jsonl    what every check of it counted, with its pass rate
    observe/profiles/<product>/<dataset>/<version>.json

Belongs here: writing and reading those files. Does not belong here: making profiles (`profile`) or judging (`monitors`).

They stay when releases are pruned. Any tool can ask them: `SELECT * FROM 'var/observe/history/*/runs-*.jsonl'` in DuckDB.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import from_json

from civicops.release.store import ReleaseStore
from civicops.release.values import version_time
from civicops.runs import RunRecord, write_json

RUN = ""
"""The dataset of the line that is about the run as a whole."""


@dataclass(frozen=True)
class Observation:
    """One run and one dataset (or, with an empty `dataset`, the run as a whole). Numbers that do not apply are None."""

    at: str
    """When the run ended, ISO with zone."""
    run_id: str
    product: str
    dataset: str
    layer: str
    status: str
    trigger: str
    seconds: float
    """Of the whole run."""
    rows_in: int | None = None
    accepted: int | None = None
    quarantined: int | None = None
    ignored: int | None = None
    rows: int | None = None
    """Published rows."""
    is_changed: bool | None = None
    version: str | None = None
    size_bytes: int | None = None
    new_rows: int | None = None
    """Rows that this run fetched, over all sources (line of the run only)."""
    checks: int | None = None
    broken: int | None = None
    """How many checks there were, and how many of them were broken."""

    @property
    def moment(self) -> datetime:
        """`at` as a moment."""
        return datetime.fromisoformat(self.at)

    @property
    def quarantine_share(self) -> float | None:
        """The share of rows held back, from 0 to 1; None where no rows came in."""
        return self.quarantined / self.rows_in if self.rows_in and self.quarantined is not None else None


@dataclass(frozen=True)
class CheckCount:
    """What one check of one dataset counted in one run."""

    at: str
    run_id: str
    dataset: str
    check_id: str
    action: str
    outcome: str
    rows: int
    broken: int
    pass_rate: float


_NAMES = frozenset(item.name for item in fields(Observation))
_COUNTED = frozenset(item.name for item in fields(CheckCount))
_T = TypeVar("_T")


class History:
    """The history of all products below `<data>/observe`. Holds no state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # Writing -----------------------------------------------------------------------------------------------------------

    def append(self, record: RunRecord, releases: ReleaseStore) -> tuple[Observation, ...]:
        """Append what a finished run did; returns the lines. Raises `OSError` when it cannot be written."""
        lines = observations_of(record, releases)
        folder = self.folder / "history" / record.product
        month = lines[0].at[:7]
        _append(folder / f"runs-{month}.jsonl", (_brief(asdict(line)) for line in lines))
        _append(folder / f"checks-{month}.jsonl", (asdict(count) for count in _check_counts(record, lines[0].at)))
        return lines

    def save_profile(self, product: str, dataset: str, version: str, content: Mapping[str, Any]) -> None:
        """Keep the profile of one release."""
        write_json(self._profiles(product, dataset) / f"{version}.json", content)

    # Reading -----------------------------------------------------------------------------------------------------------

    def observations(self, product: str, dataset: str | None = None, *, days: int = 400) -> tuple[Observation, ...]:
        """Lines of the newest `days`, oldest first; of one dataset if named (`RUN` for whole runs)."""
        found: list[Observation] = []
        for path in self._files(product, "runs", days):
            found.extend(_observations(str(path), *_stamp(path)))
        return tuple(found if dataset is None else (line for line in found if line.dataset == dataset))

    def backwards(self, product: str, dataset: str, *, days: int = 400) -> Iterator[Observation]:
        """Lines of a dataset (`RUN` for whole runs), newest first; older months are only read when they are asked for."""
        for path in reversed(self._files(product, "runs", days)):
            yield from (line for line in reversed(_observations(str(path), *_stamp(path))) if line.dataset == dataset)

    def first(self, product: str, dataset: str, *, days: int = 400) -> Observation | None:
        """The oldest line of a dataset within the newest `days`."""
        for path in self._files(product, "runs", days):
            for line in _observations(str(path), *_stamp(path)):
                if line.dataset == dataset:
                    return line
        return None

    def check_counts(self, product: str, dataset: str, *, days: int = 400) -> Iterator[CheckCount]:
        """What the checks of a dataset counted, oldest run first."""
        for path in self._files(product, "checks", days):
            yield from _counted(str(path), *_stamp(path)).get(dataset, ())

    def has_profile(self, product: str, dataset: str, version: str) -> bool:
        """Whether a release has been profiled."""
        return (self._profiles(product, dataset) / f"{version}.json").is_file()

    def profiles(self, product: str, dataset: str, newest: int = 30) -> tuple[dict[str, Any], ...]:
        """The profiles of the newest releases, oldest first."""
        paths = sorted(self._profiles(product, dataset).glob("*.json"))[-newest:]
        return tuple(_profile(str(path), *_stamp(path)) for path in paths)

    def _profiles(self, product: str, dataset: str) -> Path:
        return self.folder / "profiles" / product / dataset

    def _files(self, product: str, kind: str, days: int) -> list[Path]:
        paths = sorted((self.folder / "history" / product).glob(f"{kind}-????-??.jsonl"))
        return paths[-(days // 28 + 1) :]


def observations_of(record: RunRecord, releases: ReleaseStore) -> tuple[Observation, ...]:
    """The lines of one run, that of the whole run first."""
    at = record.finished_at or datetime.now(UTC).isoformat()
    seconds = round((datetime.fromisoformat(at) - datetime.fromisoformat(record.started_at)).total_seconds(), 3)
    common = (at, record.run_id, record.product)
    tail = (record.status, record.trigger, seconds)
    checks = [check for item in record.datasets for check in item.get("checks", ())]
    lines = [
        Observation(
            *common, RUN, "", *tail,
            new_rows=sum(source.get("new_rows") or 0 for source in record.sources),
            checks=len(checks),
            broken=sum(check["outcome"] != "passed" for check in checks),
        )
    ]  # fmt: skip
    for item in record.datasets:
        mine = item.get("checks", ())
        counts = {"checks": len(mine), "broken": sum(check["outcome"] != "passed" for check in mine)}
        if item["layer"] == "accepted":
            lines.append(Observation(
                *common, item["dataset"], "accepted", *tail, rows_in=item["rows_in"], accepted=item["accepted"],
                quarantined=item["quarantined"], ignored=sum(item["ignored"].values()), **counts,
            ))  # fmt: skip
        else:
            version = record.released.get(item["dataset"])
            lines.append(Observation(
                *common, item["dataset"], "published", *tail, rows=item["rows"], is_changed=item["changed"],
                version=version, size_bytes=_size(releases, record.product, item["dataset"], version), **counts,
            ))  # fmt: skip
    return tuple(lines)


def last_rows_per_day(lines: Iterable[Observation], zone: Any) -> dict[str, int]:
    """ISO day (in a time zone) to the rows that the last good run of that day published."""
    found: dict[str, int] = {}
    for line in lines:
        if line.rows is not None and line.status == "succeeded":
            found[line.moment.astimezone(zone).date().isoformat()] = line.rows
    return found


def profile_time(profile: Mapping[str, Any]) -> datetime:
    """When the release of a profile was made."""
    return version_time(profile["version"])


def _size(releases: ReleaseStore, product: str, dataset: str, version: str | None) -> int | None:
    if version is None:
        return None
    try:
        return releases.release(product, dataset, version).data.stat().st_size
    except OSError:
        return None


def _check_counts(record: RunRecord, at: str) -> Iterator[CheckCount]:
    for item in record.datasets:
        for check in item.get("checks", ()):
            rows, broken = check["rows"], check["broken"]
            rate = 1.0 if not rows else round(1 - broken / rows, 6)
            yield CheckCount(
                at,
                record.run_id,
                item["dataset"],
                check["check_id"],
                check["action"],
                check["outcome"],
                rows,
                broken,
                rate,
            )


def _brief(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if value is not None}


def _append(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Append lines in one write, after ending a line that a crash left half written."""
    text = "".join(json.dumps(line, separators=(",", ":"), default=str) + "\n" for line in lines)
    if not text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        if stream.seek(0, os.SEEK_END) > 0:
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                text = "\n" + text
        stream.write(text.encode())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    texts = path.read_bytes().splitlines()
    try:
        # All lines at once, by the parser that comes with pydantic: three times as fast as one by one.
        yield from from_json(b"[" + b",".join(texts) + b"]")
    except ValueError:
        for text in texts:
            with suppress(ValueError):  # half a line of a process that was killed while it wrote
                yield from_json(text)


def _stamp(path: Path) -> tuple[int, int]:
    at = path.stat()
    return at.st_mtime_ns, at.st_size


@lru_cache(maxsize=4096)
def _observations(path: str, _mtime: int, _size: int) -> tuple[Observation, ...]:
    found = []
    for line in _lines(Path(path)):
        # A line of a later civicops may say more; what this one knows is enough for it.
        found.append(_record(Observation, line, _NAMES))
    return tuple(found)


@lru_cache(maxsize=64)
def _counted(path: str, _mtime: int, _size: int) -> dict[str, list[CheckCount]]:
    found: dict[str, list[CheckCount]] = {}
    for line in _lines(Path(path)):
        found.setdefault(line["dataset"], []).append(_record(CheckCount, line, _COUNTED))
    return found


def _record(kind: type[_T], line: dict[str, Any], names: frozenset[str]) -> _T:
    """A frozen record of a line, its values put in place at once.

    A year of 500 datasets is a million lines, and a frozen dataclass that is made field by field takes ten times as long.
    """
    made = object.__new__(kind)
    made.__dict__.update(line if line.keys() <= names else {name: line[name] for name in names & line.keys()})
    return made


@lru_cache(maxsize=4096)
def _profile(path: str, _mtime: int, _size: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content
