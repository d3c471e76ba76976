"""The tables of review.

Belongs here: tables. Does not belong here: opening the database (`civicops.database`), or what is written into them.

`review_version`, `review_decision`, `review_event`, `review_measure` and `review_suggestion` are append-only: triggers of the
database refuse anything else. The other tables say how things are now and could be made again from those.
"""

from __future__ import annotations

import sqlalchemy as sa

from civicops import database
from civicops.database import Database
from civicops.workspace import Workspace

METADATA = sa.MetaData()
_WHO = sa.String(150)
_AT = sa.String(40)
_HASH = sa.String(64)

TASK = sa.Table(
    "review_task",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(200), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("record", sa.String(300), nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("origin", sa.String(12), nullable=False),
    sa.Column("filed_by", _WHO, nullable=False, default=""),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("version_id", sa.Integer),
    sa.Column("content_hash", _HASH, nullable=False),
    sa.Column("needed", sa.Integer, nullable=False),
    sa.Column("left", sa.Integer, nullable=False),
    sa.Column("is_audit", sa.Boolean, nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("rank", sa.Float, nullable=False),
    sa.Column("filed_at", _AT, nullable=False),
    sa.Column("opened_at", _AT, nullable=False),
    sa.Column("changed_at", _AT, nullable=False),
    sa.Column("due_at", _AT),
    sa.Column("snoozed_until", _AT),
    sa.Column("assigned_to", _WHO),
    sa.Column("escalated_to", sa.String(20)),
    sa.Column("decision_id", sa.Integer),
    sa.Column("decided_at", _AT),
    sa.Index("review_task_subject", "kind", "subject", unique=True),
    sa.Index("review_task_rank", "kind", "state", "rank", "id"),
    sa.Index("review_task_due", "kind", "state", "due_at"),
    sa.Index("review_task_assigned", "assigned_to", "state"),
)
"""How every task is now. `decision_id` is the decision that counts, also while the task is open again."""

VERSION = sa.Table(
    "review_version",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("task_id", sa.ForeignKey("review_task.id"), nullable=False, index=True),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("content_hash", _HASH, nullable=False),
    sa.Column("seen_hash", _HASH, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("shown", sa.JSON, nullable=False),
    sa.Column("at", _AT, nullable=False),
    sa.Column("run_id", sa.String(200), nullable=False),
)
"""Everything a task ever was about; append-only."""

DECISION = sa.Table(
    "review_decision",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("task_id", sa.ForeignKey("review_task.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(200), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("stage", sa.String(12), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("who", _WHO, nullable=False),
    sa.Column("at", _AT, nullable=False),
    sa.Column("value", sa.JSON(none_as_null=True)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float),
    sa.Column("content_hash", _HASH, nullable=False),
    sa.Column("seen_hash", _HASH, nullable=False),
    sa.Column("undoes", sa.Integer),
    sa.Index("review_decision_kind", "kind", "id"),
    sa.Index("review_decision_who", "who", "id"),
)
"""Every answer, approval and undo; append-only."""

EVENT = sa.Table(
    "review_event",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("task_id", sa.ForeignKey("review_task.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("who", _WHO, nullable=False),
    sa.Column("at", _AT, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)
"""Everything else that happened to a task; append-only."""

CLAIM = sa.Table(
    "review_claim",
    METADATA,
    sa.Column("task_id", sa.ForeignKey("review_task.id"), primary_key=True),
    sa.Column("who", _WHO, primary_key=True),
    sa.Column("since", _AT, nullable=False),
    sa.Column("until", _AT, nullable=False),
    sa.Index("review_claim_who", "who", "until"),
)
"""Who has which task in hand."""

DRAFT = sa.Table(
    "review_draft",
    METADATA,
    sa.Column("task_id", sa.ForeignKey("review_task.id"), primary_key=True),
    sa.Column("who", _WHO, primary_key=True),
    sa.Column("seen_hash", _HASH, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("at", _AT, nullable=False),
)
"""Half-finished answers; a run never touches them."""

LANDED = sa.Table(
    "review_landed",
    METADATA,
    sa.Column("kind", sa.String(200), primary_key=True),
    sa.Column("decision_id", sa.Integer, nullable=False),
    sa.Column("at", _AT, nullable=False),
)
"""Up to which decision a run has taken them up; those can no longer be undone."""

MEASURE = sa.Table(
    "review_measure",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(200), nullable=False, index=True),
    sa.Column("at", _AT, nullable=False),
    sa.Column("what", sa.String(12), nullable=False),
    sa.Column("threshold", sa.Float),
    sa.Column("decision_id", sa.Integer, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)
"""What was measured of a kind's confidence, and when accepting without a person was switched on or off; append-only."""

SECRET = sa.Table(
    "review_secret",
    METADATA,
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("value", sa.String(64), nullable=False),
)
"""What draws samples and signs links; made once, never shown."""

SENDER = sa.Table(
    "review_sender",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("at", _AT, nullable=False),
    sa.Column("erased_at", _AT),
)
"""Who sent something in and how to reach them; personal, and erased when they ask for it."""

SUGGESTION = sa.Table(
    "review_suggestion",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("token_hash", _HASH, nullable=False, unique=True),
    sa.Column("kind", sa.String(200), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("task_id", sa.ForeignKey("review_task.id"), nullable=False, index=True),
    sa.Column("sender_id", sa.ForeignKey("review_sender.id")),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("at", _AT, nullable=False),
)
"""What the public sent in; append-only."""

LINK = sa.Table(
    "review_link",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("task_id", sa.ForeignKey("review_task.id"), nullable=False),
    sa.Column("content_hash", _HASH, nullable=False),
    sa.Column("expires_at", _AT, nullable=False),
    sa.Column("used_at", _AT),
)
"""Links by which an organisation confirms its own record, each used once."""

ATTEMPT = sa.Table(
    "review_attempt",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("address_hash", _HASH, nullable=False, index=True),
    sa.Column("at", _AT, nullable=False),
)
"""Who sent how much within the last hour, by a keyed hash of the address."""

_APPEND_ONLY = (VERSION, DECISION, EVENT, MEASURE, SUGGESTION)


def open_tables(workspace: Workspace) -> Database:
    """The workspace's database with the tables of review in it. Raises `CivicopsError` when it cannot be used."""
    return database.open_database(workspace, METADATA, append_only=_APPEND_ONLY)
