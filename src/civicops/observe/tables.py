"""The tables of observation.

Belongs here: tables. Does not belong here: opening the database (`civicops.database`), or what is written into them (`incidents`,
`delivery`).

`observe_event` and `observe_attempt` are append-only; the other tables say how things are now. Moments are texts in UTC, ISO with
microseconds, so that both databases sort and show them alike.
"""

from __future__ import annotations

import sqlalchemy as sa

from civicops import database
from civicops.audit import tables as audit_tables
from civicops.database import Database, moment, stamp
from civicops.workspace import Workspace

__all__ = [
    "ATTEMPT",
    "EVALUATED",
    "EVENT",
    "INCIDENT",
    "METADATA",
    "SIGNAL",
    "WINDOW",
    "Database",
    "moment",
    "open_database",
    "stamp",
]

METADATA = sa.MetaData()

INCIDENT = sa.Table(
    "observe_incident",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("product", sa.String(100), nullable=False),
    sa.Column("cause", sa.String(300), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("since", sa.String(40), nullable=False),
    sa.Column("opened_at", sa.String(40), nullable=False),
    sa.Column("changed_at", sa.String(40), nullable=False),
    sa.Column("quiet_since", sa.String(40)),
    sa.Column("resolved_at", sa.String(40)),
    sa.Column("resolved_by", sa.String(150)),
    sa.Column("acknowledged_by", sa.String(150)),
    sa.Column("reopened_count", sa.Integer, nullable=False, default=0),
    sa.Column("runbook", sa.Text, nullable=False, default=""),
    sa.Index("observe_incident_product", "product", "state"),
    # One cause, one incident: two processes that notice the same at once cannot open two.
    sa.Index(
        "observe_incident_one_open",
        "product",
        "cause",
        unique=True,
        sqlite_where=sa.text("state <> 'resolved'"),
        postgresql_where=sa.text("state <> 'resolved'"),
    ),
)
"""The current view of every incident."""

SIGNAL = sa.Table(
    "observe_signal",
    METADATA,
    sa.Column("incident_id", sa.ForeignKey("observe_incident.id"), primary_key=True),
    sa.Column("monitor_id", sa.String(100), primary_key=True),
    sa.Column("subject", sa.String(300), primary_key=True),
    sa.Column("is_firing", sa.Boolean, nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("is_personal", sa.Boolean, nullable=False),
    sa.Column("since", sa.String(40)),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("runbook", sa.Text, nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)
"""What each monitor of an incident said last."""

EVENT = sa.Table(
    "observe_event",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("incident_id", sa.ForeignKey("observe_incident.id"), nullable=False, index=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("who", sa.String(150), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)
"""Everything that ever happened to an incident; append-only."""

WINDOW = sa.Table(
    "observe_maintenance",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("scope", sa.String(300), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("who", sa.String(150), nullable=False),
    sa.Column("starts_at", sa.String(40), nullable=False),
    sa.Column("ends_at", sa.String(40), nullable=False),
)
"""Announced work: incidents within its scope are kept but nobody is alerted until it ends."""

ATTEMPT = sa.Table(
    "observe_attempt",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("incident_id", sa.ForeignKey("observe_incident.id"), index=True),
    sa.Column("route", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("event_id", sa.Integer),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("is_delivered", sa.Boolean, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
)
"""Every try to tell somebody; append-only."""

EVALUATED = sa.Table(
    "observe_evaluated",
    METADATA,
    sa.Column("product", sa.String(100), primary_key=True),
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)
"""Up to which run the data of each product have been looked at."""

_APPEND_ONLY = (EVENT, ATTEMPT)


def open_database(workspace: Workspace) -> Database:
    """The workspace's database with the tables of observation in it. Raises `CivicopsError` when it cannot be used."""
    audit_tables.open_database(workspace)  # what people do to an incident is posted to the audit log's outbox
    return database.open_database(workspace, METADATA, append_only=_APPEND_ONLY)
