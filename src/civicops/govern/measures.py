"""How each practice is measured: from files and from what is recorded, never from what somebody says of themselves.

Belongs here: one function per measure, from a `Subject` to a `Found`. Does not belong here: which practices there are and whom
they bind (`practices`), bringing results together (`scorecard`).

No marks out of ten: a practice is met, partly met, missing, or does not apply, with what was seen and what would mend it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from civicops.marks import current_marks, open_marks
from civicops.observe.asking import incidents as all_incidents
from civicops.observe.delivery import routes_of
from civicops.observe.history import RUN
from civicops.observe.signals import MONITORS_FILE
from civicops.observe.tables import open_database
from civicops.observe.watched import GOOD, history_of
from civicops.people import PEOPLE_FILE, gaps, read_people
from civicops.runs import RunLog
from civicops.texts import read_text
from civicops.workspace import Product, Workspace

State = Literal["met", "partly", "missing", "not_applicable"]
ROOM, RUNBOOK = "scorecard", "runbook"
"""Under which it is marked that somebody tried a runbook."""
LOOKED_BACK_DAYS = 90
TRIED_DAYS = 365
"""A runbook that was tried longer ago counts as not tried."""
KEPT_SHARE = 0.95
"""Share of the time in which data were as fresh as promised, from which the promise counts as kept."""
UNANSWERED_DAYS = 7


@dataclass(frozen=True)
class Subject:
    """What a measure is given."""

    workspace: Workspace
    product: Product
    now: datetime
    has_goals: bool = False
    """Whether the product has a `goals.yaml` that says something."""


@dataclass(frozen=True)
class Found:
    """What a measure found: its state, the evidence in a sentence, and the next step where it is not met."""

    state: State
    evidence: str
    next: str = ""


def contracts(subject: Subject) -> Found:
    """Every dataset says what it is for, and every column what it means."""
    held = subject.product.contracts
    if not held:
        return Found("missing", "There is no contract.", "write one per dataset")
    bare = [f"{c.dataset}.{column.name}" for c in held for column in c.columns if not column.description.strip()]
    bare += [c.dataset for c in held if not c.purpose.strip()]
    columns = sum(len(c.columns) for c in held)
    if not bare:
        return Found("met", f"{len(held)} contracts describe {columns} columns.")
    state: State = "partly" if len(bare) < columns / 10 else "missing"
    return Found(state, f"{len(bare)} of {columns} columns say nothing: {_some(bare)}.", f"describe {bare[0]}")


def people(subject: Subject) -> Found:
    """Owner and backup are two people who are there."""
    file = subject.product.file
    if not file.backup or file.backup == file.owner:
        return Found("missing", f"Only {file.owner} answers for it.", "name a backup in product.yaml")
    known = read_people(subject.workspace)
    if known is None:
        text = f"{file.owner} and {file.backup}; without {PEOPLE_FILE} nobody can tell whether they are still there."
        return Found("partly", text, f"write {PEOPLE_FILE}")
    found = gaps(subject.product, known, subject.now.date())
    if any(gap.severity == "critical" for gap in found):
        return Found("missing", _some([gap.text for gap in found]) + ".", "hand over: civicops people")
    if found:
        return Found("partly", _some([gap.text for gap in found]) + ".", "hand over: civicops people")
    return Found("met", f"{file.owner}, and {file.backup} in their place.")


def checks(subject: Subject) -> Found:
    """Every published dataset has at least one rule that does not follow from its types."""
    published = subject.product.published
    if not published:
        return Found("not_applicable", "It publishes nothing.")
    bare = [c.dataset for c in published if all(check.implied for check in c.checks)]
    rules = sum(not check.implied for c in subject.product.contracts for check in c.checks)
    if not bare:
        return Found("met", f"{rules} rules besides types and keys.")
    state: State = "partly" if len(bare) < len(published) else "missing"
    return Found(state, f"No rule of their own: {_some(bare)}.", f"add a rule to {bare[0]}")


def model_tests(subject: Subject) -> Found:
    """Every published dataset's model has a unit test."""
    made = [c.dataset for c in subject.product.published if any(subject.product.models.glob(f"**/{c.dataset}.sql"))]
    if not made:
        return Found("not_applicable", "It has no SQL models of what it publishes.")
    text = "\n".join(read_text(path) for path in sorted(subject.product.models.rglob("*.y*ml")))
    tested = set(re.findall(r"(?m)^\s*-?\s*model:\s*[\"']?(\w+)", text))
    bare = [name for name in made if name not in tested]
    if not bare:
        return Found("met", f"Models of {len(made)} datasets have unit tests.")
    state: State = "partly" if len(bare) < len(made) else "missing"
    return Found(state, f"No unit test: {_some(bare)}.", f"write one for {bare[0]} beside the models")


def monitors(subject: Subject) -> Found:
    """Freshness is promised and watched, and somebody hears of incidents."""
    product = subject.product
    rule = product.monitors().freshness
    promised = rule.hours or product.file.freshness_hours or any(c.freshness_hours for c in product.contracts)
    heard = routes_of(subject.workspace, product.file.alerts)
    lacks = []
    if not rule.enabled or not promised:
        lacks.append("no freshness is promised")
    if not product.monitors().dead_man.enabled:
        lacks.append("nobody is told when no run comes")
    if not heard:
        lacks.append("no alert route hears of it")
    if not lacks:
        return Found("met", f"Watched; {', '.join(heard)} hears of it.")
    step = "add [alerts.routes.default] to civicops.toml" if not heard else "set freshness_hours in product.yaml"
    return Found("partly" if len(lacks) < 3 else "missing", f"{_some(lacks).capitalize()}.", step)


def runbook(subject: Subject) -> Found:
    """The README says what can go wrong, and has a section for each thing that the product's own monitors say."""
    path = subject.product.folder / "README.md"
    if not path.is_file():
        return Found("missing", "There is no README.md.", "write one: what can go wrong, how to see it, how to mend it")
    text = read_text(path)
    headings = {line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")}
    own = subject.product.folder / MONITORS_FILE
    named = _runbooks(read_text(own)) if own.is_file() else set()
    lacks = sorted(named - headings)
    says = any("go wrong" in heading.lower() for heading in headings) or bool(named & headings)
    if says and not lacks:
        return Found("met", f"README.md, {len(headings)} sections.")
    missing = lacks or ["what can go wrong"]
    return Found("partly", f"README.md lacks: {_some(missing)}.", f"write the section '{missing[0]}'")


def runbook_tried(subject: Subject) -> Found:
    """Somebody who is not the owner followed the runbook within a year, and said so."""
    marks = current_marks(open_marks(subject.workspace), ROOM, RUNBOOK)
    mark = next((one for one in marks.values() if one.values == (subject.product.name,)), None)
    step = f"civicops scorecard tried {subject.product.name} --note 'what was wrong in it'"
    if mark is None:
        return Found("missing", "Nobody has said that they tried it.", step)
    days = (subject.now - mark.at).days
    said = f"{mark.who} tried it {days} days ago" + (f": {mark.note}" if mark.note else "") + "."
    if days > TRIED_DAYS or mark.who == subject.product.file.owner:
        return Found("partly", said, step)
    return Found("met", said)


def last_run(subject: Subject) -> Found:
    """The newest run ended well."""
    newest = next(iter(RunLog(subject.workspace.folder("runs")).runs(subject.product.name)), None)
    step = f"civicops run {subject.product.name}"
    if newest is None:
        return Found("missing", "It has never run here.", step)
    if newest.status in GOOD:
        return Found("met", f"{newest.status} on {(newest.finished_at or newest.started_at)[:10]}.")
    return Found(
        "missing",
        f"{newest.status}: {newest.message or 'no reason given'}",
        f"civicops diagnose {subject.product.name}",
    )


def freshness(subject: Subject) -> Found:
    """In the last 90 days the last good run was never older than promised, for nearly all of the time."""
    product = subject.product
    limit = product.monitors().freshness.hours or product.file.freshness_hours
    if limit is None:
        limits = [c.freshness_hours for c in product.contracts if c.freshness_hours]
        limit = min(limits, default=None)
    if limit is None:
        return Found("missing", "Nothing is promised.", "set freshness_hours in product.yaml")
    lines = history_of(subject.workspace).observations(product.name, RUN, days=LOOKED_BACK_DAYS)
    good = [line.moment for line in lines if line.status in GOOD]
    if not good:
        return Found("missing", "No run has ended well yet.", f"civicops run {product.name}")
    begin = max(good[0], subject.now - timedelta(days=LOOKED_BACK_DAYS))
    span = (subject.now - begin).total_seconds()
    if span < timedelta(days=7).total_seconds():
        said = f"{limit:g} hours are promised; it has run here for {span / 86400:.0f} days."
        return Found("partly", said, "come back in a week")
    late = late_seconds(good, begin, subject.now, timedelta(hours=limit))
    share = 1 - late / span
    text = f"As fresh as the promised {limit:g} hours {share:.0%} of the last {span / 86400:.0f} days."
    if share >= KEPT_SHARE:
        return Found("met", text)
    return Found(
        "partly" if share >= 0.5 else "missing", text, "promise what can be kept, or look at why runs are late"
    )


def late_seconds(good: list[datetime], begin: datetime, end: datetime, limit: timedelta) -> float:
    """Seconds between `begin` and `end` in which the newest of some good moments (in order) lay further back than `limit`."""
    late = 0.0
    for at, following in zip(good, [*good[1:], end], strict=True):
        since, until = max(at + limit, begin), min(following, end)
        late += max(0.0, (until - since).total_seconds())
    return late


def incidents(subject: Subject) -> Found:
    """No incident of the product waits for somebody to take it up, or goes on, for longer than a week."""
    database, name = open_database(subject.workspace), subject.product.name
    found = all_incidents(database, subject.workspace, subject.now, every=True, product=name)
    since = subject.now - timedelta(days=LOOKED_BACK_DAYS)
    recent = [one for one in found if not one.is_over or (one.resolved_at and one.resolved_at >= since)]
    old = [one for one in recent if not one.is_over and (subject.now - one.opened_at).days >= UNANSWERED_DAYS]
    unseen = [one for one in old if one.acknowledged_by is None]
    going = sum(not one.is_over for one in recent)
    text = f"{len(recent)} in {LOOKED_BACK_DAYS} days, {going} going on"
    if unseen:
        step = f"civicops incidents show {unseen[0].id}"
        return Found("missing", f"{text}; {len(unseen)} for more than a week with nobody on it.", step)
    if old:
        return Found("partly", f"{text}; {len(old)} for more than a week.", f"civicops incidents show {old[0].id}")
    return Found("met", f"{text}.")


def review_backlog(subject: Subject) -> Found:
    """No question to people is overdue."""
    if not any((subject.product.folder / "reviews").glob("*.yaml")):
        return Found("not_applicable", "It asks people nothing.")
    from civicops.review.room import open_review  # noqa: PLC0415 - only products that ask need it
    from civicops.review.team import backlog  # noqa: PLC0415

    review = open_review(subject.workspace)
    kinds = [name for name in review.kinds if name.startswith(f"{subject.product.name}.")]
    found = backlog(review, subject.now, kinds)
    going, overdue = sum(one.going for one in found), sum(one.overdue for one in found)
    if not overdue:
        return Found("met", f"{going:,} open tasks, none overdue.")
    state: State = "partly" if overdue < going / 2 else "missing"
    return Found(state, f"{overdue:,} of {going:,} open tasks are overdue.", "civicops review team")


def ethics(subject: Subject) -> Found:
    """Every dataset that is meant for the public has a valid ethics review."""
    public = [c for c in subject.product.published if c.declared_access == "public"]
    if not public:
        return Found("not_applicable", "Nothing of it is meant for the public.")
    closed = [c for c in public if c.restricted_because]
    if closed:
        why = f"{len(closed)} of {len(public)} public datasets are closed: {closed[0].restricted_because}"
        return Found("missing", why, f"civicops ethics new {subject.product.name}")
    ends = min((c.reviewed.expires_on for c in public if c.reviewed), default=None)
    return Found("met", f"{len(public)} public datasets are reviewed" + (f", until {ends}." if ends else "."))


def retention(subject: Subject) -> Found:
    """Every dataset that takes rows from a source says how long they are kept."""
    held = subject.product.accepted
    if not held:
        return Found("not_applicable", "It takes no rows from sources.")
    bare = [c.dataset for c in held if not c.retention]
    if not bare:
        return Found("met", f"{len(held)} datasets say how long.")
    return Found(
        "partly" if len(bare) < len(held) else "missing", f"Not said for: {_some(bare)}.", f"add retention to {bare[0]}"
    )


def privacy(subject: Subject) -> Found:
    """`product.yaml` says how people are protected, where a column is about people; classes and rules back it."""
    product = subject.product
    personal = [column.name for c in product.contracts for column in c.columns if column.pii_class != "none"]
    rules = sum(len(c.privacy) for c in product.contracts)
    if not product.file.privacy.strip():
        state: State = "missing" if personal else "partly"
        return Found(state, f"product.yaml does not say; {len(personal)} personal columns.", "write `privacy`")
    return Found("met", f"{len(personal)} columns are marked as personal, {rules} rules take something away.")


def goals(subject: Subject) -> Found:
    """The product's people have written down what hurts and what comes next."""
    if subject.has_goals:
        return Found("met", "goals.yaml.")
    return Found("missing", "Nothing is written down.", f"write products/{subject.product.name}/goals.yaml")


MEASURES: Mapping[str, Callable[[Subject], Found]] = {
    function.__name__: function
    for function in (
        contracts, people, checks, model_tests, monitors, runbook, runbook_tried, last_run, freshness, incidents,
        review_backlog, ethics, retention, privacy, goals,
    )
}  # fmt: skip
"""Name to measure."""


def _runbooks(text: str) -> set[str]:
    """The sections of the runbook that a `monitors.py` names: as `runbook=`, or in a table whose name holds RUNBOOK."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "runbook":
            found.append(node.value)
        elif isinstance(node, ast.Assign) and any("RUNBOOK" in ast.unparse(target) for target in node.targets):
            found += node.value.values if isinstance(node.value, ast.Dict) else [node.value]
    texts = [item.value for value in found for item in ast.walk(value) if isinstance(item, ast.Constant)]
    return {item for item in texts if isinstance(item, str) and item[:1].isupper()}


def _some(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def today_of(now: datetime) -> date:
    """The day of a moment, in UTC, as results are filed."""
    return now.astimezone(UTC).date()


def plain(found: Found) -> dict[str, Any]:
    """A result as JSON."""
    return {"state": found.state, "evidence": found.evidence, "next": found.next}
