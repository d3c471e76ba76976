"""What checking found, as values.

Belongs here: results and counts that other rooms store, show and judge. Does not belong here: how they were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from civicops.contracts import Check
from civicops.contracts.checktypes import Action

Outcome = Literal["passed", "warned", "stopped"]


@dataclass(frozen=True)
class CheckResult:
    """One check of one dataset in one run: how many of how many rows broke it, and what follows."""

    check_id: str
    dataset: str
    description: str
    action: Action
    rows: int
    broken: int
    outcome: Outcome
    detail: str = ""

    @property
    def pass_rate(self) -> float:
        """The share of rows that keep the rule, from 0 to 1; 1 for no rows."""
        return 1.0 if self.rows == 0 else 1 - self.broken / self.rows


def row_result(check: Check, dataset: str, *, rows: int, broken: int) -> CheckResult:
    """The result of a row check from its count."""
    outcome: Outcome = "passed" if broken == 0 else "stopped" if check.action == "stop" else "warned"
    return CheckResult(check.id, dataset, check.description, check.action, rows, broken, outcome)


@dataclass(frozen=True)
class Conservation:
    """`rows in = accepted + quarantined + ignored` for one dataset, with a name for every row that was ignored.

    `rows_in` is counted by the landing zone, without the engine that reads the rows; the other numbers by the checks.
    """

    dataset: str
    rows_in: int
    accepted: int
    quarantined: int
    ignored: dict[str, int]

    @property
    def missing(self) -> int:
        """How many rows are not accounted for (negative: rows that came from nowhere)."""
        return self.rows_in - self.accepted - self.quarantined - sum(self.ignored.values())

    @property
    def holds(self) -> bool:
        return self.missing == 0
