"""What a transform takes and gives, as values.

Belongs here: results and the error of this room. Does not belong here: anything that runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from civicops.errors import CivicopsError

Status = Literal["success", "error", "skipped"]
TestStatus = Literal["pass", "fail", "error"]


class TransformError(CivicopsError):
    """A model, a unit test or what they read is not as it must be."""


@dataclass(frozen=True)
class ModelResult:
    """One model of a build. `rows` is None for views, which hold none; `message` is the engine's, empty on success; `sql` is
    the SELECT that was run."""

    name: str
    rows: int | None
    seconds: float
    status: Status
    message: str = ""
    sql: str = ""


@dataclass(frozen=True)
class UnitTestResult:
    """One unit test of a model; `message` shows expected against actual rows when it failed."""

    model: str
    name: str
    status: TestStatus
    seconds: float
    message: str = ""


@dataclass(frozen=True)
class LayerFinding:
    """Something odd about a boundary set that did not keep it from being used, or a set without any boundary.

    `check_id` is one of `civicops.geo.CHECKS`, the kind of a repair, or `boundary_set_missing`.
    """

    layer: str
    set_id: str
    check_id: str
    area_code: str | None
    message: str


@dataclass(frozen=True)
class BuildResult:
    """A build that went through: every model in the order it was finished.

    `seconds` is the wall time of the whole; `startup_seconds` the part before the first model: importing dbt, preparing the
    warehouse, parsing.
    """

    models: tuple[ModelResult, ...]
    layers: tuple[LayerFinding, ...]
    seconds: float
    startup_seconds: float

    def model(self, name: str) -> ModelResult:
        """The result of one model; `KeyError` when it was not part of the build."""
        for result in self.models:
            if result.name == name:
                return result
        raise KeyError(name)
