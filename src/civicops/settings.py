"""What `civicops.toml` may say, each setting with its meaning and what it is when left out.

Belongs here: the tables, as closed values. Does not belong here: reading the file and the paths that follow (`workspace`), routes
of alerts (`alert_settings`).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from civicops.alert_settings import AlertsTable


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkspaceTable(_Closed):
    """`[workspace]`: who runs this and where things lie."""

    organisation: str = Field(
        default="", description="The group that runs this workspace, as pages and messages name it."
    )
    contact: str = Field(
        default="",
        pattern=r"^$|^[^@\s:]+@[^@\s:]+\.[^@\s:]+$",
        description="Address of mail that somebody reads, such as 'data@example.org'; catalogues of data need one.",
    )
    data: str = Field(default="var", description="Folder that keeps everything fetched and made, beside this file.")
    products: str = Field(default="products", description="Folder that holds one folder per product, beside this file.")
    internal_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts of sources inside your network, though their names do not say so, such as 'data.example.org'.",
    )
    timezone: str = Field(default="UTC", description="IANA time zone of schedules that name none of their own.")
    downloads: str = Field(
        default="", description="Folder that relative paths of sources are meant from; this file's own when left out."
    )
    agreement: Literal["said", "signed"] = Field(
        default="said",
        description="Whose agreement to a plan counts: 'said' takes names that somebody gives and lines 'Approved-by' of "
        "commits; 'signed' only such lines of commits that are signed with a key of people.yaml, and agreement in the portal.",
    )
    preview: str = Field(
        default="",
        description="Name of the preview that this workspace is; `civicops preview` writes it. Nothing is sent out.",
    )


class EngineTable(_Closed):
    """`[engine]`: how much of the machine a run may use."""

    threads: int = Field(default=2, ge=1, description="Threads of one run.")
    memory_limit: str = Field(
        default="2GB", pattern=r"^\d+(\.\d+)?(MB|GB)$", description="Memory of one run's engine, such as '2GB'."
    )


class RetentionTable(_Closed):
    """`[retention]`: which old releases and keys stay."""

    keep_newest: int = Field(default=10, ge=1, description="How many of the newest releases of a dataset stay.")
    keep_monthly: bool = Field(default=True, description="Whether the last release of each month stays as well.")
    hash_key_days: int = Field(
        default=30,
        ge=0,
        description="For how many days after its month, quarter or year a key of hashes is kept; then nobody can make or compare "
        "its hashes any more. The next run of its product destroys it.",
    )


class PortalTable(_Closed):
    """`[portal]`: the web pages and the programming interface."""

    host: str = Field(
        default="127.0.0.1", description="Address that the portal listens on; this machine only by default."
    )
    port: int = Field(default=8000, ge=1, le=65535, description="Port that the portal listens on.")
    mail: str = Field(
        default="",
        description="Name of an environment variable with the Apprise address of a mail server, such as 'CIVICOPS_PORTAL_MAIL'; "
        "letters to organisations go out through it. Left out, members copy links into letters of their own.",
    )
    mail_allow: tuple[str, ...] = Field(
        default=(), description="Internal hosts that the address in `mail` may name, such as '127.0.0.1'."
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="Names under which people reach it besides localhost, such as 'data.example.org'."
    )
    address: str = Field(
        default="",
        description="Where the public pages stand, such as 'https://data.example.org'; links in catalogues begin with it.",
    )
    https: bool = Field(
        default=False,
        description="Whether a proxy of yours before it speaks HTTPS; cookies then travel over HTTPS only.",
    )
    proxies: int = Field(
        default=0, ge=0, description="How many proxies of yours stand before it; who asks is read from what they say."
    )
    connect: tuple[str, ...] = Field(
        default=(),
        description="Other hosts that pages may fetch from, such as 'https://tiles.example.org' for a base map; none by default.",
    )
    api_rows: int = Field(default=10_000, ge=1, description="Most rows that one answer of the interface gives.")
    api_seconds: float = Field(
        default=10, gt=0, description="Longest time that one question to the interface may take."
    )
    api_per_minute: int = Field(
        default=120, ge=1, description="Questions per minute and address that the interface answers."
    )
    import_megabytes: int = Field(
        default=20, ge=1, le=500, description="Largest file that the page for importing lists takes, in MB."
    )
    sign_ins_per_minute: int = Field(default=10, ge=1, description="Failed sign-ins per minute and address.")
    threads: int = Field(default=1, ge=1, description="Engine threads of all questions together.")
    memory_limit: str = Field(
        default="512MB", pattern=r"^\d+(\.\d+)?(MB|GB)$", description="Engine memory of all questions together."
    )


class ObserveTable(_Closed):
    """`[observe]`: what watching needs to know besides the monitors of products."""

    country: str = Field(
        default="", description="Two letters of the country whose public holidays count, such as 'US'; none by default."
    )
    subdivision: str = Field(default="", description="State or province of it, such as 'CA'.")
    tick_minutes: int = Field(default=5, ge=1, description="How often `civicops up` looks at all monitors.")
    flapping_hours: float = Field(
        default=24, gt=0, description="What comes back within this time is the same incident, reopened."
    )
    openlineage_url: str = Field(
        default="", description="Where OpenLineage events are sent besides the file `observe/openlineage.jsonl`."
    )
    openlineage_allow: tuple[str, ...] = Field(
        default=(), description="Internal hosts that `openlineage_url` may name, such as 'localhost'."
    )


class Settings(_Closed):
    """All of `civicops.toml`. Each table may be left out."""

    workspace: WorkspaceTable = WorkspaceTable()
    engine: EngineTable = EngineTable()
    retention: RetentionTable = RetentionTable()
    portal: PortalTable = PortalTable()
    observe: ObserveTable = ObserveTable()
    alerts: AlertsTable = AlertsTable()
    products: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="`[products.NAME]`: settings that the product's own `sources.py` reads; "
        "`[products.NAME.sources.SOURCE]` with `url` or `path` replaces where one source comes from.",
    )
