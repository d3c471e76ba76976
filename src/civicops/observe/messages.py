"""What people are told: what, since when, how bad, what is affected, what to do, one link.

Belongs here: words. Does not belong here: to whom and when (`delivery`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from civicops.observe.asking import Incident
from civicops.workspace import Workspace

HEADS = {
    "opened": "New", "worse": "Worse", "reopened": "Again", "resolved": "Over", "repeat": "Still", "escalated": "Nobody acts",
    "digest": "Digest", "test": "Test",
}  # fmt: skip
RUNBOOK = "docs/howto/what-monitors-say.md"
RUNBOOK_SECTIONS = (
    "A run failed", "No run when one was due", "Late data", "A volume anomaly", "Drift", "Many rows held back",
    "A check is broken", "The sheet was not updated", "The source counts other rows", "A slow run", "Own monitors do not work",
    "An ethics review has ended or is missing", "Somebody is gone", "Old data were not let go",
)  # fmt: skip
"""What the framework's monitors give as their runbook; a section of that page each."""
HOW_BAD = {
    "info": "worth knowing, nothing is broken",
    "warning": "something is wrong; readers may see old or odd data",
    "critical": "data are missing or nobody is watching; act today",
}


@dataclass(frozen=True)
class Image:
    """A PNG that the HTML of a message shows as `cid:<name>`."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """A title of one line and a body of plain text; the same as HTML with pictures for mails, where it has more to show."""

    title: str
    body: str
    html: str = ""
    images: tuple[Image, ...] = ()


def about(workspace: Workspace, incident: Incident, kind: str, *, people: bool, now: datetime) -> Message:
    """The message about one incident. Without `people` nothing in it names anybody."""
    zone = ZoneInfo(workspace.settings.workspace.timezone)
    over = kind == "resolved"
    lines = [f"What: {incident.title}"]
    if kind == "escalated":
        lines.append("Why you: those who were told first have not acknowledged it.")
    if not over:
        lines += [f"  {line}" for text in incident.details(people=people) for line in text.splitlines()]
    ended = f", over since {_when(incident.resolved_at or now, zone)}" if over else ""
    lines.append(f"Since: {_when(incident.since, zone)} ({_span(incident.since, incident.resolved_at or now)}{ended})")
    if over:
        lines.append(f"Resolved by: {_who(incident.resolved_by, people)}")
    else:
        lines.append(f"How bad: {incident.severity}: {HOW_BAD[incident.severity]}")
    lines.append(f"Affected: {', '.join(incident.affected) or incident.subject}")
    if not over:
        lines.append(f"What to do: {what_to_do(incident)}")
    if incident.reopened_count > 1 and not over:
        lines.append(f"It has come back {incident.reopened_count} times; the next messages wait until it stays.")
    lines.append(f"More: {link(workspace, incident)}")
    title = f"{HEADS[kind]}: {incident.title}" if over else f"{HEADS[kind]} [{incident.severity}]: {incident.title}"
    return Message(title, "\n".join(lines))


def digest(workspace: Workspace, incidents: Sequence[Incident], *, people: bool, now: datetime) -> Message:
    """Several incidents in one message."""
    going = [item for item in incidents if not item.is_over]
    title = f"Digest: {len(going)} open incident{'' if len(going) == 1 else 's'}, {len(incidents) - len(going)} over"
    parts = [
        about(workspace, item, "resolved" if item.is_over else "repeat", people=people, now=now).body
        for item in incidents
    ]
    return Message(title, "\n\n".join(parts))


def trial(workspace: Workspace, route: str) -> Message:
    """What `civicops alerts test` sends."""
    who = workspace.settings.workspace.organisation or "civicops"
    return Message(
        f"Test: alerts of {who} reach you", f"The route '{route}' works. Nothing is wrong, nothing is to do."
    )


def what_to_do(incident: Incident) -> str:
    """Where the runbook says what to do: the page on the framework's monitors, or the product's README."""
    section = f", section '{incident.runbook}'" if incident.runbook else ""
    page = RUNBOOK if incident.runbook in RUNBOOK_SECTIONS else f"products/{incident.product}/README.md"
    return f"{page}{section}; `civicops incidents show {incident.id}` shows more"


def link(workspace: Workspace, incident: Incident | None = None) -> str:
    """The address of an incident's page in the portal."""
    portal = workspace.settings.portal
    base = f"{'https' if portal.https else 'http'}://"
    base += portal.hosts[0] if portal.hosts else f"127.0.0.1:{portal.port}"
    return f"{base}/incidents/{incident.id}/" if incident else f"{base}/incidents/"


def _who(name: str | None, people: bool) -> str:
    if name == "civicops" or name is None:
        return "the monitors, which see nothing wrong any more"
    return name if people else "a person; the page says more"


def _when(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%A %Y-%m-%d %H:%M %Z}"


def _span(start: datetime, end: datetime) -> str:
    minutes = max(0, int((end - start).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 72 * 60 else f"{minutes // 1440} days"
