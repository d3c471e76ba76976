"""What has been kept for as long as its contract says, and letting it go.

Belongs here: finding what may go (a value that can be printed), removing it, the report, and the day before which rows no longer
count. Does not belong here: one person's record (`erasure`), reading the span (`civicops.contracts.periods`).

    retention/<day>.json, .md        what a look removed, and why
    retention/last.json              when the job ran last, and whether it failed
    landing/<product>/kept.json      dataset: column and the day before which its rows no longer count

What goes: releases older than their contract's retention, or beyond the workspace's rule; deliveries that newer ones replaced;
rows held back under rules or bytes that count no more. Rows themselves go where the contract names their day (`element` of its
retention): the next run leaves them out, counted under that reason. What is current, and what a rollback would go to, stays
whatever its age.

Doing it twice removes nothing more; killed, the next look goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from civicops.audit import Event, open_log
from civicops.checks.batches import BatchStore
from civicops.checks.suppressed import Suppression
from civicops.contracts import Contract
from civicops.contracts.periods import Period, period
from civicops.ingest.declared import product_sources
from civicops.ingest.landing import Landing
from civicops.release.prune import PrunePlan, Retention, plan_prune
from civicops.release.prune import apply as apply_prune
from civicops.release.sql import identifier
from civicops.release.store import ReleaseStore
from civicops.runs import write_json
from civicops.workspace import Product, Workspace

FOLDER = "retention"
Kind = Literal["release", "delivery", "held rows", "rows"]
_BY_RULE = ("one of the newest", "newest of")
"""Reasons for keeping a release that a shorter retention of its contract overrides."""


@dataclass(frozen=True)
class Due:
    """One thing whose time is over. `name`: version, delivery, file, or the day before which rows go."""

    kind: Kind
    product: str
    dataset: str
    name: str
    size_bytes: int
    why: str


class Expired(Suppression):
    """Rows of a dataset that are older than they are kept."""

    @property
    def words(self) -> str:
        """The reason under which they are counted."""
        return "past its retention"


def kept_for(contract: Contract) -> Period | None:
    """How long a dataset is kept; None without an end."""
    return period(contract.retention) if contract.retention else None


def due(workspace: Workspace, now: datetime | None = None) -> tuple[Due, ...]:
    """Everything whose time is over now; nothing is changed."""
    at = now or datetime.now(UTC)
    found: list[Due] = []
    for product in workspace.products:
        found += _releases(workspace, product, at)
        found += _deliveries(workspace, product, at)
        found += _held(workspace, product, at)
        found += _rows(workspace, product, at)
    return tuple(found)


def retain(workspace: Workspace, now: datetime | None = None) -> tuple[Due, ...]:
    """Remove what is due, keep a report and an entry of the audit log; returns what went. Raises what the disk raises."""
    at = now or datetime.now(UTC)
    found = due(workspace, at)
    store, landing = ReleaseStore(workspace.folder("releases")), Landing(workspace.folder("landing"))
    for product in workspace.products:
        mine = [item for item in found if item.product == product.name]
        _report(workspace, mine, at, product.name)
        if gone := [item for item in mine if item.kind == "release"]:
            remove = tuple(store.release(product.name, item.dataset, item.name) for item in gone)
            apply_prune(store, PrunePlan(product.name, (), remove, 0), wait=60)
        for item in mine:
            if item.kind == "delivery":
                source, _, identity = item.name.partition(" ")
                landing.forget_deliveries(product.name, source, frozenset({identity}))
            elif item.kind == "held rows":
                (workspace.folder("quarantine") / product.name / item.dataset / item.name).unlink(missing_ok=True)
        if rows := {item.dataset: item for item in mine if item.kind == "rows"}:
            _let_rows_go(workspace, product, rows)
        if mine:
            counts = {
                kind: sum(item.kind == kind for item in mine) for kind in ("release", "delivery", "held rows", "rows")
            }
            event = Event("erasure", "civicops", product.name, {"retention": counts, "day": at.date().isoformat()})
            open_log(workspace).append(event)
    return found


def note_last(workspace: Workspace, now: datetime, failure: str = "") -> None:
    """Keep when the job ran, and what went wrong."""
    folder = workspace.folder(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "last.json", {"at": now.isoformat(timespec="seconds"), "failure": failure})


def ran_today(workspace: Workspace, now: datetime) -> bool:
    """Whether the job has ended well on the day of `now` (UTC)."""
    path = workspace.folder(FOLDER) / "last.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return not told["failure"] and datetime.fromisoformat(told["at"]).date() >= now.date()
    except (FileNotFoundError, ValueError, KeyError):
        return False


def expired(workspace: Workspace, product: Product) -> tuple[Expired, ...]:
    """The rows of a product that no longer count, as the job last said; empty before it ever ran.

    Runs read the day from the file and not from the clock, so that the same inputs give the same rows.
    """
    found = []
    for dataset, item in _kept(workspace, product.name).items():
        condition = f"CAST({identifier(item['column'])} AS DATE) < DATE '{date.fromisoformat(item['before'])}'"
        found.append(Expired(operation=f"retention-{dataset.replace('_', '-')}", dataset=dataset, condition=condition,
                             reason="Kept for as long as the contract says."))  # fmt: skip
    return tuple(found)


def kept_text(workspace: Workspace, product: str) -> str:
    """What `expired` is made from, for the hash of a run's inputs."""
    return json.dumps(_kept(workspace, product), sort_keys=True)


def _kept(workspace: Workspace, product: str) -> dict[str, dict[str, str]]:
    path = workspace.folder("landing") / product / "kept.json"
    if not path.is_file():
        return {}
    found: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _let_rows_go(workspace: Workspace, product: Product, rows: dict[str, Due]) -> None:
    known = _kept(workspace, product.name)
    for dataset, item in rows.items():
        known[dataset] = {"column": str(product.contract(dataset).retention_by), "before": item.name}
    path = workspace.folder("landing") / product.name / "kept.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, known)


def _releases(workspace: Workspace, product: Product, now: datetime) -> Iterator[Due]:
    store, settings = ReleaseStore(workspace.folder("releases")), workspace.settings.retention
    rule = Retention(newest=settings.keep_newest, months=None if settings.keep_monthly else 0)
    for contract in product.published:
        plan = plan_prune(store, product.name, rule, dataset=contract.dataset)
        for release in plan.remove:
            yield Due("release", product.name, contract.dataset, release.version, _size(release.path),
                      f"beyond the newest {settings.keep_newest} and one a month")  # fmt: skip
        kept = kept_for(contract)
        if kept is None:
            continue
        oldest = kept.before(now.date())
        for item in plan.keep:
            if item.release.created.date() < oldest and all(reason.startswith(_BY_RULE) for reason in item.reasons):
                yield Due("release", product.name, contract.dataset, item.release.version, _size(item.release.path),
                          f"older than {kept}")  # fmt: skip


def _deliveries(workspace: Workspace, product: Product, now: datetime) -> Iterator[Due]:
    landing = Landing(workspace.folder("landing"))
    landed = {source for owner, source in landing.sources() if owner == product.name}
    for source in product_sources(workspace, product):
        if source.name not in landed:
            continue
        contract = next((c for c in product.accepted if c.dataset == source.dataset), None)
        kept = kept_for(contract) if contract else None
        if contract is None or kept is None:
            continue
        live = {delivery.id for delivery in landing.live(product.name, source.name)}
        for delivery in landing.deliveries(product.name, source.name):
            if delivery.id not in live and delivery.finished_at.date() < kept.before(now.date()):
                size = sum(item.bytes_size for item in delivery.objects)
                yield Due("delivery", product.name, contract.dataset, f"{source.name} {delivery.id}", size,
                          f"replaced by a newer one and older than {kept}")  # fmt: skip


def _held(workspace: Workspace, product: Product, now: datetime) -> Iterator[Due]:
    """Files of rows held back whose batch counts no more."""
    store = BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), product.name)
    for contract in product.accepted:
        kept = kept_for(contract)
        if kept is None:
            continue
        counting = {batch.id for batch in store.batches(contract.dataset)}
        for path in sorted((store.quarantine / contract.dataset).glob("*.parquet")):
            made = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
            if path.stem not in counting and made < kept.before(now.date()):
                yield Due("held rows", product.name, contract.dataset, path.name, path.stat().st_size,
                          f"held back under rules that count no more, older than {kept}")  # fmt: skip


def _rows(workspace: Workspace, product: Product, now: datetime) -> Iterator[Due]:
    known = _kept(workspace, product.name)
    for contract in product.accepted:
        kept = kept_for(contract)
        if kept is None or contract.retention_by is None:
            continue
        before = kept.before(now.date()).isoformat()
        told = known.get(contract.dataset)
        if told is None or told["before"] < before or told["column"] != contract.retention_by:
            why = f"rows whose {contract.retention_by} is before it are older than {kept}; the next run leaves them out"
            yield Due("rows", product.name, contract.dataset, before, 0, why)


def _report(workspace: Workspace, found: list[Due], now: datetime, product: str) -> None:
    """Written before anything goes, so that what a killed look removed is on paper."""
    if not found:
        return
    folder = workspace.folder(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now.date()}-{product}.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    lines = [*known, *(item for one in found if (item := asdict(one)) not in known)]
    write_json(path, lines)
    text = [
        f"# What {product} let go on {now.date()}",
        "",
        "| what | dataset | which | bytes | why |",
        "|---|---|---|---:|---|",
    ]
    text += [f"| {i['kind']} | {i['dataset']} | {i['name']} | {i['size_bytes']:,} | {i['why']} |" for i in lines]
    path.with_suffix(".md").write_text("\n".join(text) + "\n", encoding="utf-8")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
