"""Runs as the portal shows them: what each did, and rules and rows held back over time.

Belongs here: bringing history and run records together for pages. Does not belong here: who may see them (`access`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from civicops.observe.charts import shares_chart
from civicops.observe.history import Observation
from civicops.observe.watched import history_of
from civicops.portal.reading import workspace
from civicops.runs import RunRecord
from civicops.workspace import Product

PER_PAGE = 50
CHART_DAYS = 400
CHECKS_SHOWN = 8
"""A chart of more lines than that cannot be read."""


@dataclass(frozen=True)
class RunRow:
    """One run in a list. Counts are over all its datasets; None where they do not apply."""

    run_id: str
    ended_at: datetime
    status: str
    trigger: str
    seconds: float
    fetched: int | None
    accepted: int | None
    quarantined: int | None
    published: int | None
    broken: int | None


@dataclass(frozen=True)
class CheckRow:
    """What one check of one dataset found in one run."""

    dataset: str
    id: str
    sentence: str
    rows: int
    broken: int
    action: str

    @property
    def kept(self) -> str:
        """The share of rows that keep it, in words; a single row that does not is seen."""
        if not self.rows:
            return "no rows"
        share = 100 * (1 - self.broken / self.rows)
        return "100 %" if not self.broken else f"{min(share, 99.99):.2f} %"


def run_rows(product: Product, page: int) -> tuple[tuple[RunRow, ...], int]:
    """One page of a product's runs, newest first, and how many pages there are (at least one)."""
    by_run: dict[str, list[Observation]] = {}
    for line in history_of(workspace()).observations(product.name, days=CHART_DAYS * 10):
        by_run.setdefault(line.run_id, []).append(line)
    runs = list(reversed(by_run.values()))
    pages = max(1, -(-len(runs) // PER_PAGE))
    page = min(max(page, 1), pages)
    return tuple(_row(lines) for lines in runs[(page - 1) * PER_PAGE : page * PER_PAGE]), pages


def _row(lines: Sequence[Observation]) -> RunRow:
    whole = next((line for line in lines if not line.dataset), lines[0])

    def total(name: str) -> int | None:
        found = [value for line in lines if line.dataset and (value := getattr(line, name)) is not None]
        return sum(found) if found else None

    return RunRow(
        run_id=whole.run_id,
        ended_at=whole.moment,
        status=whole.status,
        trigger=whole.trigger,
        seconds=whole.seconds,
        fetched=whole.new_rows,
        accepted=total("accepted"),
        quarantined=total("quarantined"),
        published=total("rows"),
        broken=whole.broken if whole.checks else None,
    )


def checks_of(run: RunRecord) -> tuple[CheckRow, ...]:
    """The checks of a run that found something, those of most rows first."""
    found = [
        CheckRow(
            item["dataset"], check["check_id"], check["description"], check["rows"], check["broken"], check["action"]
        )
        for item in run.datasets
        for check in item.get("checks", ())
        if check["broken"] or check["outcome"] != "passed"
    ]
    return tuple(sorted(found, key=lambda row: (-row.broken, row.dataset, row.id)))


def chart_of(product: Product, name: str) -> dict[str, Any] | None:
    """A Vega-Lite chart over all runs: `rules` (pass rates of those that changed most) or `held` (share held back).

    None where there is nothing to draw yet.
    """
    if name == "rules":
        lines, title = _rules(product), "rows that keep the rule"
    elif name == "held":
        lines, title = _held(product), "rows held back"
    else:
        return None
    if len({line["at"] for line in lines}) < 2:
        return None
    spec: dict[str, Any] = shares_chart(lines, title).to_dict()
    return spec


def _rules(product: Product) -> list[Mapping[str, Any]]:
    rates: dict[str, list[Mapping[str, Any]]] = {}
    for contract in product.contracts:
        for count in history_of(workspace()).check_counts(product.name, contract.dataset, days=CHART_DAYS):
            name = f"{contract.dataset}: {count.check_id}"
            rates.setdefault(name, []).append({"at": count.at, "name": name, "share": count.pass_rate})
    broken = {name: lines for name, lines in rates.items() if any(line["share"] < 1 for line in lines)}

    def change(lines: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
        shares = [line["share"] for line in lines]
        return max(shares) - min(shares), 1 - min(shares)

    chosen = sorted(broken, key=lambda name: (change(broken[name]), name), reverse=True)[:CHECKS_SHOWN]
    return [line for name in sorted(chosen) for line in broken[name]]


def _held(product: Product) -> list[Mapping[str, Any]]:
    def lines() -> Iterator[Mapping[str, Any]]:
        for contract in product.accepted:
            for line in history_of(workspace()).observations(product.name, contract.dataset, days=CHART_DAYS):
                if line.quarantine_share is not None:
                    yield {"at": line.at, "name": contract.title, "share": round(line.quarantine_share, 6)}

    return list(lines())
