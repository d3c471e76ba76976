"""The framework's own monitors: what they look at and what they say.

Belongs here: one function per monitor, from what is `Watched` to signals. Does not belong here: declaring them
(`civicops.contracts.monitoring`), daily counts (`volume`), comparing profiles (`drift`), what follows (`incidents`).

Signals with the same group are one incident: `runs` (no run ends well), `late` (the source gives nothing new), `data:<dataset>`
(what a dataset holds is not as it was).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median

from civicops.contracts import Contract
from civicops.contracts.monitoring import Severity
from civicops.observe import drift
from civicops.observe.calendar import last_due
from civicops.observe.drift import Shift
from civicops.observe.ethics import ethics_signals
from civicops.observe.history import Observation
from civicops.observe.sheets import sheet_signals
from civicops.observe.signals import Signal
from civicops.observe.volume import volume_signals
from civicops.observe.watched import GOOD, Learning, Watched
from civicops.people import gaps, read_people

RUNS, LATE = "runs", "late"
_FEW_RUNS = 5
"""History below this many runs says nothing about what is usual."""

RETENTION_LATE = timedelta(days=3)
"""So long may the daily job that lets go of old data stay away."""


def cheap_signals(watched: Watched) -> tuple[Signal, ...]:
    """What can be said after any run, also one with nothing new: whether runs end well and data are fresh."""
    return (
        *_run_failed(watched),
        *dead_man_signals(watched),
        *freshness_signals(watched),
        *_reconciliation(watched),
        *sheet_signals(watched),
        *people_signals(watched),
        *_retention(watched),
        *ethics_signals(watched),
    )


def data_signals(watched: Watched) -> tuple[Signal, ...]:
    """What can be said once data changed: volume, drift, checks, durations."""
    found = [*_duration(watched), *_quarantine_share(watched), *_checks(watched)]
    for contract in watched.product.published:
        found += [*volume_signals(watched, contract), *_drift(watched, contract)]
    return tuple(found)


def _retention(watched: Watched) -> Iterator[Signal]:
    """Whether the job that lets go of old data works; nothing for a product that keeps all, or before the job ever ran."""
    path = watched.workspace.folder("retention") / "last.json"
    if not path.is_file() or not any(contract.retention for contract in watched.product.contracts):
        return
    told = json.loads(path.read_text(encoding="utf-8"))
    at, failure = datetime.fromisoformat(told["at"]), str(told["failure"])
    late = watched.now - at > RETENTION_LATE
    title = watched.product.file.title
    yield Signal(
        "retention", watched.subject(), bool(failure) or late, "warning",
        f"{title}: what is old was not let go" if failure or late else f"{title}: what is old is let go",
        detail=failure or (f"The job ran last on {at:%Y-%m-%d}." if late else ""), since=at if failure or late else None,
        runbook="Old data were not let go", group="retention", evidence={"at": told["at"]},
    )  # fmt: skip


def people_signals(watched: Watched) -> Iterator[Signal]:
    """Whether those who answer for the product are still there; nothing where the group keeps no `people.yaml`."""
    known = read_people(watched.workspace)
    if known is None or watched.product.file.stage == "retired":
        return
    found = [gap for gap in gaps(watched.product, known, watched.now.date()) if gap.severity != "info"]
    severity: Severity = "critical" if any(gap.severity == "critical" for gap in found) else "warning"
    title = watched.product.file.title
    yield Signal(
        "people", watched.subject(), bool(found), severity,
        f"{title}: somebody who answers for it is gone" if found else f"{title}: those who answer for it are there",
        detail="; ".join(gap.text for gap in found[:5]), values={"gaps": len(found)},
        runbook="Somebody is gone", group="people", evidence={"gaps": [gap.text for gap in found]},
    )  # fmt: skip


def _run_failed(watched: Watched) -> Iterator[Signal]:
    newest = watched.newest
    if newest is None:
        return
    failed = newest.status == "failed" and not _is_accepted(watched, _moment(newest.finished_at, watched))
    title = watched.product.file.title
    evidence = {"run": newest.run_id, "status": newest.status, "ended": newest.finished_at}
    yield Signal(
        "run", watched.subject(), failed, "warning",
        f"{title}: the last run failed" if failed else f"{title}: the last run ended well",
        detail=f"{newest.message} {newest.hint}".strip() if failed else "",
        since=_first_failure(watched) if failed else None,
        runbook="A run failed", group=RUNS, evidence=evidence,
    )  # fmt: skip


def _first_failure(watched: Watched) -> datetime | None:
    """When the failures began that have not been interrupted since."""
    first: datetime | None = None
    for line in watched.backwards():
        if line.status != "failed":
            break
        first = line.moment
    return first


def dead_man_signals(watched: Watched) -> Iterator[Signal]:
    """Whether a run ended well when one was due; none before the first run."""
    rule = watched.product.monitors().dead_man
    begun = watched.begun_at
    if not rule.enabled or begun is None:
        return
    due = last_due(watched.product.file.schedule, watched.zone, watched.now - timedelta(hours=rule.grace_hours))
    good = watched.last_good_at
    missed = due > begun and (good is None or good < due) and not _is_accepted(watched, due)
    title = watched.product.file.title
    words = "it has never ended well" if good is None else f"the last good run ended {_ago(good, watched.now)}"
    yield Signal(
        "dead_man", watched.subject(), missed, rule.severity,
        f"{title}: no run ended well although one was due" if missed else f"{title}: runs come when they are due",
        detail=f"One was due {due:%Y-%m-%d %H:%M} UTC; {words}." if missed else "",
        since=due if missed else None, values={"due": due.isoformat(), "last_good": good.isoformat() if good else None},
        runbook="No run when one was due", group=RUNS, evidence={"last_good": good.isoformat() if good else None},
    )  # fmt: skip


def freshness_signals(watched: Watched) -> Iterator[Signal]:
    """Whether the last good run, and the newest row of each dataset that says how new its rows are, are as fresh as promised."""
    promised = watched.product.file.freshness_hours
    own = watched.product.monitors().freshness
    limit = own.hours or promised
    if own.enabled and limit is not None and watched.last_good_at is not None:
        yield _age(watched, None, watched.last_good_at, limit, group=RUNS)
    for contract in watched.product.published:
        rule = watched.product.monitors(contract).freshness
        limit = rule.hours or contract.freshness_hours or promised
        if not rule.enabled or rule.column is None or limit is None:
            continue
        current, _ = watched.profiles(contract)
        newest = _moment((current or {}).get("columns", {}).get(rule.column, {}).get("max"), watched)
        if newest is not None:
            yield _age(watched, contract, newest, limit, group=LATE)


def _age(watched: Watched, contract: Contract | None, newest: datetime, limit: float, *, group: str) -> Signal:
    rule = watched.product.monitors(contract).freshness
    age = watched.calendar.hours_that_count(newest, watched.now, holidays=rule.holidays, quiet_months=rule.quiet_months)
    late = age > limit + rule.grace_hours
    title = contract.title if contract else watched.product.file.title
    what = "the newest row is" if contract else "the last good run was"
    return Signal(
        "freshness", watched.subject(contract), late, rule.severity,
        f"{title}: late" if late else f"{title}: as fresh as promised",
        detail=f"{what.capitalize()} from {newest:%Y-%m-%d %H:%M} UTC; {limit:g} hours are promised, {age:,.0f} that count have "
        f"gone by." if late else "",
        since=newest + timedelta(hours=limit) if late else None,
        values={"age_hours": round(age, 1), "promised_hours": limit, "newest": newest.isoformat()},
        runbook="Late data", group=group, evidence={"newest": newest.isoformat()},
    )  # fmt: skip


def _reconciliation(watched: Watched) -> Iterator[Signal]:
    newest = watched.newest
    rule = watched.product.monitors().reconciliation
    if newest is None or not rule.enabled or newest.status not in GOOD:
        return
    for source in newest.sources:
        # Runs of an older civicops did not note what is counted; their rows hold every version of a row.
        there, here = source.get("at_source"), source.get("counted")
        if not isinstance(there, int) or not isinstance(here, int):
            continue
        off = abs(there - here) / max(there, 1)
        firing = off > rule.share
        subject = f"{watched.product.name}/{source['source']}"
        more = "more" if there > here else "fewer"
        yield Signal(
            "reconciliation", subject, firing, rule.severity,
            f"{source['source']}: {here:,} rows here, {there:,} at the source" if firing
            else f"{source['source']}: all rows here",
            detail=f"The source counts {abs(there - here):,} rows {more} than have landed." if firing else "",
            values={"landed": here, "at_source": there, "share": round(off, 6), "allowed": rule.share},
            runbook="The source counts other rows", group=f"source:{source['source']}",
            evidence={"landed": here, "at_source": there, "run": newest.run_id},
        )  # fmt: skip


def _duration(watched: Watched) -> Iterator[Signal]:
    rule = watched.product.monitors().duration
    took = [line.seconds for line in watched.lines if line.status == "succeeded"]
    if not rule.enabled or len(took) <= _FEW_RUNS:
        return
    usual = median(took[-31:-1])
    slow = took[-1] > max(rule.seconds, rule.times * usual)
    title = watched.product.file.title
    yield Signal(
        "duration", watched.subject(), slow, rule.severity,
        f"{title}: the last run took {took[-1]:,.0f} seconds, usually {usual:,.0f}" if slow else f"{title}: runs take as usual",
        values={"seconds": took[-1], "usual": usual, "allowed": max(rule.seconds, rule.times * usual)},
        runbook="A slow run", group="duration", evidence={"seconds": took[-1]},
    )  # fmt: skip


def _quarantine_share(watched: Watched) -> Iterator[Signal]:
    for contract in watched.product.accepted:
        rule = watched.product.monitors(contract).quarantine_share
        lines = [line for line in watched.by_dataset.get(contract.dataset, ()) if line.quarantine_share is not None]
        if not rule.enabled or len(lines) < 2:
            continue
        now = lines[-1].quarantine_share or 0.0
        usual = median(line.quarantine_share or 0.0 for line in lines[-31:-1])
        firing = now - usual >= rule.change
        yield Signal(
            "quarantine_share", watched.subject(contract), firing, rule.severity,
            f"{contract.title}: {now:.1%} of the rows are held back, usually {usual:.1%}" if firing
            else f"{contract.title}: rows held back as usual",
            detail=f"{lines[-1].quarantined or 0:,} of {lines[-1].rows_in or 0:,} rows." if firing else "",
            values={"share": round(now, 6), "usual": round(usual, 6), "rise_allowed": rule.change},
            runbook="Many rows held back", group=f"data:{contract.dataset}",
            evidence={"share": round(now, 6), "run": lines[-1].run_id},
        )  # fmt: skip


def _checks(watched: Watched) -> Iterator[Signal]:
    for contract in watched.product.contracts:
        rule = watched.product.monitors(contract).checks
        lines = watched.by_dataset.get(contract.dataset, ())
        if not rule.enabled or not lines:
            continue
        bad = _worse_checks(watched, contract, rule.change, lines)
        run = lines[-1].run_id
        yield Signal(
            "checks", watched.subject(contract), bool(bad), rule.severity,
            f"{contract.title}: {len(bad)} check{'s' if len(bad) > 1 else ''} broken more than usual" if bad
            else f"{contract.title}: checks as usual",
            detail="\n".join(words for _, words in bad), values=dict(bad),
            runbook="A check is broken", group=f"data:{contract.dataset}", evidence={"run": run},
        )  # fmt: skip


def _worse_checks(
    watched: Watched, contract: Contract, change: float, lines: Sequence[Observation]
) -> list[tuple[str, str]]:
    whole = {check.id for check in contract.dataset_checks}
    told = {check.id: check.description for check in contract.checks}
    rates: dict[str, list[float]] = {}
    outcome: dict[str, str] = {}
    for count in watched.history.check_counts(watched.product.name, contract.dataset, days=60):
        rates.setdefault(count.check_id, []).append(count.pass_rate)
        if count.run_id == lines[-1].run_id:
            outcome[count.check_id] = count.outcome
    bad = []
    for name, result in outcome.items():
        now, before = rates[name][-1], rates[name][-31:-1]
        if name in whole and result != "passed" and (not before or before[-1] == 1.0):
            bad.append((name, f"{name}: {told.get(name, '')} Not so any more."))
        elif name not in whole and len(before) >= 2 and median(before) - now >= change:
            bad.append(
                (name, f"{name}: {told.get(name, '')} Kept by {now:.1%} of the rows, usually by {median(before):.1%}.")
            )
    return bad


def _drift(watched: Watched, contract: Contract) -> Iterator[Signal]:
    current, earlier = watched.profiles(contract)
    if current is None or not earlier:
        return
    rules = watched.product.monitors(contract)
    if rules.schema_drift.enabled:
        found = tuple(drift.schema_shifts(current, earlier[-1]))
        yield _shifted(watched, contract, "schema_drift", "other columns", rules.schema_drift.severity, found)
    if rules.null_share.enabled:
        found = tuple(drift.null_shifts(current, earlier, rules.null_share.change))
        yield _shifted(watched, contract, "null_share", "columns lost values", rules.null_share.severity, found)
    rule = rules.category_drift
    if rule.enabled:
        found = tuple(drift.category_shifts(current, earlier, columns=rule.columns, index=rule.index, share=rule.share))
        yield _shifted(watched, contract, "category_drift", "categories shifted", rule.severity, found)
    if rules.distribution_drift.enabled:
        found = tuple(drift.distribution_shifts(current, earlier, rules.distribution_drift.index))
        severity = rules.distribution_drift.severity
        yield _shifted(watched, contract, "distribution_drift", "numbers shifted", severity, found)


def _shifted(
    watched: Watched, contract: Contract, monitor: str, words: str, severity: Severity, found: Sequence[Shift]
) -> Signal:
    release = watched.releases[contract.dataset]
    return Signal(
        monitor, watched.subject(contract), bool(found), severity,
        f"{contract.title}: {words}" if found else f"{contract.title}: columns as before",
        detail="\n".join(f"{shift.words}." for shift in found), since=release.created if found else None,
        values={s.column: {"measured": round(s.measured, 4), "expected": round(s.expected, 4), **s.values} for s in found},
        runbook="Drift", group=f"data:{contract.dataset}", evidence={"release": release.version},
    )  # fmt: skip


def _moment(text: str | None, watched: Watched) -> datetime | None:
    """A date or moment of a profile; a date stands for the end of that day in the product's time zone."""
    if not text:
        return None
    if len(text) == 10:
        return watched.day_start(date.fromisoformat(text) + timedelta(days=1))
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_accepted(watched: Watched, at: datetime | None) -> bool:
    """Whether somebody resolved the product's incident after a moment, knowing of it."""
    accepted = watched.learning.get(watched.subject(), Learning()).accepted_at
    return accepted is not None and at is not None and at <= accepted


def _ago(moment: datetime, now: datetime) -> str:
    hours = (now - moment).total_seconds() / 3600
    return f"{hours:,.0f} hours ago" if hours < 72 else f"{hours / 24:,.0f} days ago"
