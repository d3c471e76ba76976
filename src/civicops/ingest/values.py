"""The values of fetching: what a source is, what was landed, what was found wrong on the way.

Belongs here: frozen values, the protocol of a progress bar, and the errors of this room. Does not belong here: anything
that touches a disk (`landing`, `files`) or a network (`web`, `socrata`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from civicops.errors import CivicopsError

Media = Literal["csv", "json", "ndjson", "geojson", "parquet", "answer"]
"""`answer` is one answer of an interface, kept as it came and read by its own connector only."""
Severity = Literal["flag", "stop"]
DeliveryKind = Literal["full", "increment"]

MEDIA: tuple[Media, ...] = ("csv", "json", "ndjson", "geojson", "parquet")


class IngestError(CivicopsError):
    """Something about a source, or about getting it, that a person has to know."""


class SourceError(IngestError):
    """A source that cannot be read as described: missing, unreadable, of an unknown kind, not what it says it is."""


class FetchError(IngestError):
    """A portal that could not be reached, refused, or answered with something else than data."""


class LandingError(IngestError):
    """The landing zone cannot be written or is damaged."""


@dataclass(frozen=True)
class Finding:
    """Something wrong with a delivery as a whole, counted. `stop` means: nothing of this run is published."""

    check_id: str
    message: str
    count: int
    severity: Severity


@dataclass(frozen=True)
class Shape:
    """What was seen in the bytes while they were landed, without any help from the engine that reads them later.

    `rows` counts records without the header, readable or not; `unreadable` those of them that cannot be split into as many
    fields as the header has, or are not UTF-8. `clean` is true when the whole object follows RFC 4180 to the letter, so that
    the engine may read it directly; the rest is split by `csv_split`. `fields` are the names as the source writes them.
    `multiline`: some quoted value holds a line break.
    """

    rows: int | None
    fields: tuple[str, ...] = ()
    clean: bool = True
    unreadable: int = 0
    utf8: bool = True
    bom: bool = False
    multiline: bool = False


@dataclass(frozen=True)
class LandedObject:
    """One page or file as received: where its bytes are, where they came from, what is in them.

    `sha256` is of the bytes before compression, `bytes_size` their number. `url` and `headers` carry no secrets.
    `first_seen` is false when the same bytes had been landed before.
    """

    sha256: str
    bytes_size: int
    rows: int | None
    media: Media
    url: str
    status: int
    headers: Mapping[str, str]
    retrieved_at: datetime
    first_seen: bool
    shape: Shape = field(default_factory=lambda: Shape(None))


@dataclass(frozen=True)
class Delivery:
    """One complete answer of a source: everything it has (`full`), or what changed since the one before (`increment`).

    `source_count_before` and `source_count_after` are what the source itself counted around the fetch, over all its rows;
    `newest` is the largest value of its update column then, `high_water` the largest one not in the future, both as the source
    writes them. When the source changed during the fetch the three describe the last state of which everything is known to have
    been fetched, so that the next increment reaches back far enough. `rows` is the sum over the objects.
    """

    id: str
    sequence: int
    source: str
    kind: DeliveryKind
    objects: tuple[LandedObject, ...]
    rows: int
    source_count_before: int | None
    source_count_after: int | None
    high_water: str | None
    started_at: datetime
    finished_at: datetime
    findings: tuple[Finding, ...] = ()
    newest: str | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether something was found that forbids publishing; such a delivery is fetched afresh the next time."""
        return any(finding.severity == "stop" for finding in self.findings)


@dataclass(frozen=True)
class SocrataSource:
    """One dataset of a Socrata portal.

    `update_column` is the API name of the column that changes whenever a row does. `overlap` is how far an increment reaches
    back before the newest change seen, because portals are not exact about it. After `frozen_after` the dataset is expected
    to stand still: it is checked, and fetched as a whole only when it changed after all. The app token is read from the
    environment variable `app_token_env` and from nowhere else.
    `is_internal`: the portal is inside, although its name does not say so.
    """

    name: str
    dataset: str
    base_url: str
    dataset_id: str
    update_column: str
    note: str = ""
    key_order: str = ":id"
    overlap: timedelta = timedelta(days=1)
    page_rows: int = 50_000
    frozen_after: date | None = None
    app_token_env: str = "SOCRATA_APP_TOKEN"  # noqa: S105 - the name of a variable, not a token
    is_internal: bool = False


@dataclass(frozen=True)
class FileSource:
    """A file, or every file of a folder whose name matches `pattern` and not `without`.

    `media` is only needed when the name does not say it. A path that begins with `{data}` lies in the workspace's folder
    of data. A folder without such a file is an error, unless `may_be_empty`.
    """

    name: str
    dataset: str
    path: Path
    pattern: str = "*"
    note: str = ""
    media: Media | None = None
    without: str = ""
    may_be_empty: bool = False


@dataclass(frozen=True)
class UrlSource:
    """One file behind an http(s) address. `is_internal`: its host is inside, although its name does not say so."""

    name: str
    dataset: str
    url: str
    note: str = ""
    media: Media | None = None
    is_internal: bool = False


@dataclass(frozen=True)
class DriveSource:
    """All shared drives that a Google service account sees, observed anew by every fetch: one row per drive and observation.

    `url` replaces the root of Google's interfaces. `drives` are the ids to watch; all that are seen unless given. With `as_admin`
    all of the domain are listed. The key file is the one that the environment variable `key_env` names. `timezone` decides
    where a day ends: a second observation of the same day that finds the same adds nothing. `subject` is the administrator
    for whom the audit log is read; without one it is left out.
    """

    name: str
    dataset: str
    url: str = ""
    drives: tuple[str, ...] = ()
    as_admin: bool = False
    subject: str = ""
    timezone: str = "UTC"
    daily_days: int = 90
    note: str = ""
    key_env: str = "GOOGLE_SERVICE_ACCOUNT_FILE"


@dataclass(frozen=True)
class DriveEventSource:
    """What an observation of `drives` found besides, one row each.

    `<name>_events`: items that were lost or came back. `<name>_folders`: folders, at any depth, below which files were deleted.
    """

    name: str
    dataset: str
    drives: DriveSource
    note: str = ""


@dataclass(frozen=True)
class SheetSource:
    """What people wrote into one column of a Google Sheet, beside rows that civicops wrote: the key of each row, and the mark.

    `key` are the names of the columns that say which row it is, `mark` that of the people's column; rows without a mark are left
    out. A sheet that is not there yet has none.
    """

    name: str
    dataset: str
    spreadsheet: str
    sheet: str
    key: tuple[str, ...]
    mark: str
    url: str = ""
    note: str = ""
    key_env: str = "GOOGLE_SERVICE_ACCOUNT_FILE"


@dataclass(frozen=True)
class GatheredSource:
    """Rows that the product's own `gather.py` writes before the fetch, in a folder of the workspace named like the source."""

    name: str
    dataset: str
    note: str = ""


@dataclass(frozen=True)
class DecisionSource:
    """What people decided on review tasks of one kind of this product; `civicops.review` lands it before a run fetches the rest.

    `what`: `decisions`, those that count, one row per task; `ratings`, every single answer of rounds that are over; `contacts`,
    logged attempts to reach somebody, without names and notes; `suggestions`, that the public sent something in and about which
    columns, without the sender and what they wrote; `open`, tasks that somebody has been given or that wait for approval.
    """

    name: str
    dataset: str
    kind: str
    what: Literal["decisions", "ratings", "contacts", "suggestions", "open"] = "decisions"
    note: str = ""


@dataclass(frozen=True)
class MarkSource:
    """What people ticked off on a page of the product (`Page.marks`): the key of each row, `done` (their note),
    `done_by` and `done_at`.

    `marks` is the published dataset whose rows were ticked, `key` are the names of its key's columns, in order.
    """

    name: str
    dataset: str
    marks: str
    key: tuple[str, ...]
    note: str = ""


Source = (
    SocrataSource
    | FileSource
    | UrlSource
    | DriveSource
    | DriveEventSource
    | SheetSource
    | GatheredSource
    | DecisionSource
    | MarkSource
)


@dataclass(frozen=True)
class FetchResult:
    """What a fetch did: the delivery it added last (None when the source had nothing new), and all that counts now."""

    delivery: Delivery | None
    live: tuple[Delivery, ...]


class Progress(Protocol):
    """Shows how far a fetch is. The command line has one that draws bars; this room only reports."""

    def start(self, label: str, total: int | None) -> None:
        """A new piece of work of `total` rows (None: not known)."""

    def advance(self, rows: int) -> None:
        """`rows` more rows have landed."""

    def done(self) -> None:
        """The piece of work is over, however it ended."""


class NoProgress:
    """Reports to nobody."""

    def start(self, label: str, total: int | None) -> None:
        """Ignored."""

    def advance(self, rows: int) -> None:
        """Ignored."""

    def done(self) -> None:
        """Ignored."""


def override(source: Source, *, url: str | None = None, path: Path | None = None) -> Source:
    """The same source read from a local file or folder, or from another address.

    Raises `SourceError` when both are given.
    """
    if url and path:
        raise SourceError(
            f"Source '{source.name}' has both 'url' and 'path' in civicops.toml.", hint="Keep the one that is meant."
        )
    if path is not None:
        return FileSource(source.name, source.dataset, path, note=source.note)
    if url is not None:
        return UrlSource(source.name, source.dataset, url, note=source.note)
    return source
