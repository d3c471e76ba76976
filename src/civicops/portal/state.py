"""How a product is, in words.

Belongs here: judging runs and releases for people. Does not belong here: reading them (`reading`), or watching a product over
time (`civicops.observe`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from civicops.errors import CivicopsError
from civicops.observe.incidents import learnings
from civicops.observe.monitors import dead_man_signals, freshness_signals
from civicops.observe.tables import open_database
from civicops.observe.watch import products_with_incidents
from civicops.observe.watched import watch
from civicops.portal.reading import last_good_run, newest_run, run_log, shelf, store, workspace
from civicops.release.described import package
from civicops.runs import RunRecord
from civicops.workspace import Product

Mark = Literal["fresh", "late", "failing", "running", "waiting", "fault", "retired"]
LABELS: dict[Mark, str] = {
    "fresh": "Up to date",
    "late": "Late",
    "failing": "Last run failed",
    "running": "Updating now",
    "waiting": "No data yet",
    "fault": "Needs mending",
    "retired": "Retired",
}


@dataclass(frozen=True)
class ProductState:
    """One product, as a card shows it. `rows` and `datasets` count what is published and public."""

    name: str
    title: str
    summary: str
    mark: Mark
    sentence: str
    detail: str
    """What stopped the last run, for those who can do something about it."""
    rows: int
    datasets: int
    changed_at: datetime | None
    checked_at: datetime | None
    owner: str = ""
    stage: str = ""

    @property
    def label(self) -> str:
        """The state in a word or two."""
        return LABELS[self.mark]


def product_states() -> tuple[ProductState, ...]:
    """Every product of the workspace, those with faults in their files last."""
    found = [state_of(product) for product in shelf().products]
    for name, fault in shelf().faults:
        sentence = "Its files have a fault, so nothing can be shown until they are mended."
        found.append(ProductState(name, name, "", "fault", sentence, fault, 0, 0, None, None))
    return tuple(found)


def state_of(product: Product) -> ProductState:
    """How one product is now."""
    switch = store().last_switch(product.name)
    current = store().snapshot(product.name)
    public = {item.dataset for item in product.published if item.access == "public"}
    rows = 0
    for name, release in current.items():
        if name in public:
            try:
                rows += int(package(release)["resources"][0]["rowcount"])
            except (OSError, ValueError, KeyError, IndexError, TypeError):
                continue
    newest, good = newest_run(product.name), last_good_run(product.name)
    checked = _moment(good.finished_at) if good else None
    mark, sentence, detail = _judge(product, newest, has_data=bool(current))
    return ProductState(
        name=product.name,
        title=product.file.title,
        summary=product.file.summary,
        mark=mark,
        sentence=sentence,
        detail=detail,
        rows=rows,
        datasets=len(public & set(current)),
        changed_at=switch.at if switch else None,
        checked_at=checked,
        owner=product.file.owner,
        stage=product.file.stage,
    )


def _judge(product: Product, newest: RunRecord | None, *, has_data: bool) -> tuple[Mark, str, str]:
    if product.file.stage == "retired":
        return "retired", "It is no longer updated; what it published last stays readable.", ""
    if newest is None:
        return "waiting", "It has not run here yet.", ""
    kept = " What you see is the last good data." if has_data else ""
    if not newest.is_over:
        if run_log().is_alive(product.name):
            return "running", f"New data are being fetched and checked right now.{kept}", ""
        return (
            "failing",
            f"The last run stopped half-way.{kept}",
            "Its process is gone; the next run goes on from there.",
        )
    if newest.status == "failed":
        return "failing", f"The last run failed and published nothing.{kept}", f"{newest.message} {newest.hint}".strip()
    if sentence := _lateness(product):
        return "late", sentence, ""
    if newest.status == "unchanged":
        return "fresh", "Checked: the source had nothing new since the last release.", ""
    return "fresh", "New data were fetched, checked and published.", ""


def _lateness(product: Product) -> str:
    """What the monitors that open incidents about late data say now, in words that name no dataset; empty when all is in time."""
    # What people have said of an incident is in the database; without one there is nothing to ask it.
    going = product.name in products_with_incidents(workspace())
    try:
        learning = learnings(open_database(workspace()), product.name) if going else None
        watched = watch(workspace(), product, datetime.now(UTC), learning)
        for said in freshness_signals(watched):
            if said.is_firing:
                limit, newest = hours(said.values["promised_hours"]), datetime.fromisoformat(said.values["newest"])
                if said.subject == product.name:
                    return f"It should be looked at every {limit}, and was not."
                # A day counts to its end, which is the first moment of the next one.
                day = (newest - timedelta(seconds=1)).astimezone(watched.zone)
                return f"Its newest data are of {day:%-d %B %Y}; they should be at most {limit} old."
        if any(said.is_firing for said in dead_man_signals(watched)):
            return "An update was due and did not come."
    except (CivicopsError, OSError):
        return ""  # the monitors themselves do not work; an incident says so
    return ""


def hours(count: float) -> str:
    """A time span in words: hours up to two days, days above."""
    if count <= 48:
        return "hour" if count == 1 else f"{count:g} hours"
    return f"{count / 24:g} days"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
