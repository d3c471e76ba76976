"""Where each product stands: every practice with its evidence, goals and pain points, and how that changed.

Belongs here: bringing measures, stage and goals together, keeping a line a day, and what a stable product must not lack. Does not
belong here: measuring (`measures`), the practices (`practices`), showing it (`cli`, `portal`).

    observe/scorecard/<product>.jsonl     one line per day on which something changed: practice to state
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from civicops.errors import CivicopsError
from civicops.govern.measures import MEASURES, Found, State, Subject, today_of
from civicops.govern.practices import Goal, Pain, Practice, Weight, goals_of, practices_of
from civicops.workspace import Product, Workspace

TREND_DAYS = 365


@dataclass(frozen=True)
class Result:
    """One practice of one product. `weight`: what it means for a product of this stage."""

    practice: Practice
    weight: Weight
    found: Found

    @property
    def is_binding_gap(self) -> bool:
        """Whether a product of this stage must not be so."""
        return self.weight == "binds" and self.found.state in ("missing", "partly")


@dataclass(frozen=True)
class GoalState:
    """A goal and where it stands: `reached`, `open` or `overdue`."""

    goal: Goal
    title: str
    state: str


@dataclass(frozen=True)
class ProductScore:
    """All of one product."""

    product: str
    title: str
    owner: str
    stage: str
    results: tuple[Result, ...]
    goals: tuple[GoalState, ...] = ()
    pains: tuple[Pain, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many practices are in each state."""
        states = [result.found.state for result in self.results]
        return {state: states.count(state) for state in ("met", "partly", "missing", "not_applicable")}  # type: ignore[arg-type] # all are states

    @property
    def gaps(self) -> tuple[Result, ...]:
        """What a product of this stage must not lack, and does."""
        return tuple(result for result in self.results if result.is_binding_gap)

    @property
    def next(self) -> Result | None:
        """The best next step: what binds and is missing, then what binds and is partly there, then the rest."""
        rank = {("binds", "missing"): 0, ("binds", "partly"): 1, ("advises", "missing"): 2, ("advises", "partly"): 3}
        wanted = [result for result in self.results if (result.weight, result.found.state) in rank]
        return min(wanted, key=lambda item: rank[item.weight, item.found.state], default=None)


@dataclass(frozen=True)
class Day:
    """What a scorecard said on one day: practice to state, and the stage."""

    day: date
    stage: str
    states: Mapping[str, State] = field(default_factory=dict)

    @property
    def met(self) -> int:
        """How many practices were met."""
        return sum(state == "met" for state in self.states.values())

    @property
    def asked(self) -> int:
        """How many applied."""
        return sum(state != "not_applicable" for state in self.states.values())


def score(workspace: Workspace, product: Product, now: datetime | None = None, *, stage: str = "") -> ProductScore:
    """One product against every practice that is not off for its stage; `stage` asks as if it were of another.

    Raises `ContractFileError` for faults in practices or goals, and what reading the workspace raises.
    """
    at = now or datetime.now(UTC)
    held = stage or product.file.stage
    practices = practices_of(workspace, tuple(MEASURES))
    written = goals_of(product, practices)
    subject = Subject(workspace, product, at, has_goals=written is not None and bool(written.goals or written.pains))
    results = []
    for practice in practices:
        weight = practice.stages.of(held)  # type: ignore[arg-type] # product.yaml knows the same three
        if weight != "off":
            results.append(Result(practice, weight, _measured(practice, subject)))
    states = {result.practice.id: result.found.state for result in results}
    titles = {practice.id: practice.title for practice in practices}
    goals = tuple(_goal(goal, states, titles, today_of(at)) for goal in (written.goals if written else ()))
    pains = written.pains if written else ()
    return ProductScore(product.name, product.file.title, product.file.owner, held, tuple(results), goals, pains)


def scores(workspace: Workspace, now: datetime | None = None) -> tuple[ProductScore, ...]:
    """Every product."""
    return tuple(score(workspace, product, now) for product in workspace.products)


def _measured(practice: Practice, subject: Subject) -> Found:
    """A measure that fails is a finding: the rest is still worth reading."""
    try:
        return MEASURES[practice.measure](subject)
    except (CivicopsError, OSError) as error:
        text = error.message if isinstance(error, CivicopsError) else str(error)
        return Found("missing", f"It cannot be measured: {text}", "mend that first")


def _goal(goal: Goal, states: Mapping[str, State], titles: Mapping[str, str], today: date) -> GoalState:
    reached = states.get(goal.practice) == "met" if goal.practice else goal.reached is not None
    state = "reached" if reached else "overdue" if goal.by < today else "open"
    return GoalState(goal, goal.text or titles[goal.practice], state)


def record(workspace: Workspace, now: datetime | None = None) -> int:
    """Keep where every product stands today, if it is not what was kept last; returns how many lines were written.

    Once a day is enough: a second look on the same day writes nothing. Raises `OSError` when the disk does not take it.
    """
    at = now or datetime.now(UTC)
    written = 0
    for product in workspace.products:
        path = _file(workspace, product.name)
        known = trend(workspace, product.name, at)
        if known and known[-1].day >= today_of(at):
            continue
        found = score(workspace, product, at)
        states = {result.practice.id: result.found.state for result in found.results}
        if known and known[-1].states == states and known[-1].stage == found.stage:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        line = {"day": today_of(at).isoformat(), "stage": found.stage, "states": states}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        written += 1
    return written


def trend(workspace: Workspace, product: str, now: datetime | None = None) -> tuple[Day, ...]:
    """What was kept of the last year, oldest first; between two days nothing changed. A line that was cut off is left out."""
    path = _file(workspace, product)
    if not path.is_file():
        return ()
    since = today_of(now or datetime.now(UTC)) - timedelta(days=TREND_DAYS)
    found: list[Day] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            item = json.loads(line)
            found.append(Day(date.fromisoformat(item["day"]), item["stage"], item["states"]))
        except (ValueError, KeyError):
            continue  # killed while it was written; the next look writes it anew
    before = [day for day in found if day.day < since]
    return (*before[-1:], *(day for day in found if day.day >= since))


def changes(days: Iterable[Day], now: ProductScore) -> tuple[str, ...]:
    """What became better or worse since the oldest day that is kept, in sentences."""
    first = next(iter(days), None)
    if first is None:
        return ()
    order = {"missing": 0, "partly": 1, "met": 2}
    said = []
    for result in now.results:
        before, after = first.states.get(result.practice.id), result.found.state
        if before in order and after in order and before != after:
            way = "better" if order[after] > order[before] else "worse"
            said.append(f"{way}: {result.practice.title} ({before} on {first.day}, {after} now)")
    return tuple(said)


def stage_gaps(workspace: Workspace, product: Product, *, now: datetime | None = None) -> tuple[Result, ...]:
    """What a product would lack if it were stable: the gate that a change of its stage has to pass."""
    return score(workspace, product, now, stage="stable").gaps


def _file(workspace: Workspace, product: str) -> Path:
    return workspace.folder("observe") / "scorecard" / f"{product}.jsonl"
