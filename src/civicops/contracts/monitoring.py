"""What can be said about how a product and its datasets are watched, in `product.yaml` and in contracts.

Belongs here: the closed models of those keys, their good defaults, and how a contract's words change the product's. Does not
belong here: watching (`civicops.observe`).

The same keys stand under `monitors` of `product.yaml`, for all datasets of the product, and as the value of the custom property
`monitors` of a contract, for that dataset. Every key may be left out: a new product is watched without writing anything.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["info", "warning", "critical"]


class _Monitor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Whether it watches at all.")


class DeadMan(_Monitor):
    """No run ended well although one was due: the watch over the watchers. Holidays and quiet months do not excuse it."""

    grace_hours: float = Field(default=6, gt=0, description="Hours after the scheduled time before it is missed.")
    severity: Severity = Field(default="critical", description="How bad it is.")


class Freshness(_Monitor):
    """The newest data are older than promised. Time does not run on holidays and in quiet months."""

    hours: float | None = Field(
        default=None, gt=0, description="The promise; the contract's freshness, then the product's `freshness_hours`."
    )
    column: str | None = Field(
        default=None, description="Date or moment that says how new a row is; without it the last good run counts."
    )
    grace_hours: float = Field(default=6, ge=0, description="Hours on top of the promise before anybody is told.")
    holidays: bool = Field(default=True, description="Whether public holidays of `[observe] country` do not count.")
    quiet_months: tuple[int, ...] = Field(
        default=(), description="Months (1 to 12) in which nothing is expected, such as [7, 12]."
    )
    severity: Severity = Field(default="warning", description="How bad it is.")


class Volume(_Monitor):
    """A day has far more or fewer rows than season and trend of the past let one expect, or the level shifts slowly."""

    column: str | None = Field(
        default=None, description="Date or moment by which rows are counted per day; without it, rows added per day."
    )
    settle_days: int = Field(default=1, ge=0, description="Newest days that are not judged yet, as rows still come in.")
    points: int = Field(default=42, ge=14, description="Days of history it needs before it says anything.")
    strictness: float = Field(
        default=1.0, gt=0, description="Above 1: wider bands, fewer alarms. Below 1: the opposite."
    )
    severity: Severity = Field(default="warning", description="How bad it is; critical when a day is missing wholly.")


class SchemaDrift(_Monitor):
    """A column came, went or changed its type although the version of the contract stayed."""

    severity: Severity = Field(default="warning", description="How bad it is.")


class NullShare(_Monitor):
    """A column is empty far more often than in earlier releases."""

    change: float = Field(default=0.05, gt=0, le=1, description="Rise of the share, at least, before it counts.")
    severity: Severity = Field(default="warning", description="How bad it is.")


class CategoryDrift(_Monitor):
    """A category has gone, or the mix of categories is no longer what it was."""

    columns: tuple[str, ...] = Field(default=(), description="Columns; all with few values when left out.")
    index: float = Field(default=0.25, gt=0, description="Population stability index above which the mix has changed.")
    share: float = Field(default=0.02, gt=0, le=1, description="A category below this share may come and go.")
    severity: Severity = Field(default="warning", description="How bad it is.")


class DistributionDrift(_Monitor):
    """The numbers of a column are spread otherwise than in earlier releases."""

    index: float = Field(default=0.25, gt=0, description="Population stability index above which they have shifted.")
    severity: Severity = Field(default="info", description="How bad it is.")


class Duration(_Monitor):
    """A run that publishes takes far longer than usual."""

    times: float = Field(default=3, gt=1, description="How many times the usual time is too long.")
    seconds: float = Field(default=60, gt=0, description="Shorter runs are never too long.")
    severity: Severity = Field(default="info", description="How bad it is.")


class Checks(_Monitor):
    """A check of a whole dataset is broken, or a check of its rows is broken far more often than usual."""

    change: float = Field(default=0.01, gt=0, le=1, description="Fall of the pass rate, at least, before it counts.")
    severity: Severity = Field(default="warning", description="How bad it is.")


class QuarantineShare(_Monitor):
    """Far more rows are held back than usual."""

    change: float = Field(default=0.01, gt=0, le=1, description="Rise of the share, at least, before it counts.")
    severity: Severity = Field(default="warning", description="How bad it is.")


class Reconciliation(_Monitor):
    """The source itself counts another number of rows than have landed."""

    share: float = Field(
        default=0.001, ge=0, le=1, description="Difference that is put up with, as rows come in meanwhile."
    )
    severity: Severity = Field(default="warning", description="How bad it is.")


class Monitors(BaseModel):
    """How a product or one dataset is watched; every part may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dead_man: DeadMan = Field(default=DeadMan(), description="No good run when one was due; for the product only.")
    freshness: Freshness = Field(default=Freshness(), description="Data older than promised.")
    volume: Volume = Field(default=Volume(), description="Days with too many or too few rows.")
    schema_drift: SchemaDrift = Field(default=SchemaDrift(), description="Columns that came, went or changed.")
    null_share: NullShare = Field(default=NullShare(), description="Columns that lost their values.")
    category_drift: CategoryDrift = Field(default=CategoryDrift(), description="Categories that went or shifted.")
    distribution_drift: DistributionDrift = Field(default=DistributionDrift(), description="Numbers that shifted.")
    duration: Duration = Field(default=Duration(), description="Runs that take too long; for the product only.")
    quarantine_share: QuarantineShare = Field(default=QuarantineShare(), description="Rows held back.")
    checks: Checks = Field(default=Checks(), description="Checks that are broken more often than usual.")
    reconciliation: Reconciliation = Field(default=Reconciliation(), description="The source's own count.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is named."""
        named = (self.freshness.column, self.volume.column, *self.category_drift.columns)
        return tuple(name for name in named if name)

    def with_changes(self, other: Monitors | None) -> Monitors:
        """These monitors, changed by what `other` says outright; what it leaves out stays."""
        if other is None:
            return self
        return Monitors.model_validate(_merged(self.model_dump(), other.model_dump(exclude_unset=True)))


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return old | {
        key: _merged(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value
        for key, value in new.items()
    }


MONITORS: tuple[tuple[str, type[_Monitor]], ...] = (
    ("dead_man", DeadMan),
    ("freshness", Freshness),
    ("volume", Volume),
    ("schema_drift", SchemaDrift),
    ("null_share", NullShare),
    ("category_drift", CategoryDrift),
    ("distribution_drift", DistributionDrift),
    ("duration", Duration),
    ("quarantine_share", QuarantineShare),
    ("checks", Checks),
    ("reconciliation", Reconciliation),
)
"""Key to model, in the order of the reference."""
