"""Checks as Dagster shows them.

Belongs here: turning a contract's checks and their results into Dagster's. Does not belong here: the assets they are of
(`definitions`), what a check counts (`civicops.checks`).
"""

from collections.abc import Iterator

import dagster as dg

from civicops.checks.values import CheckResult
from civicops.contracts import Contract

_GROUPS = {
    "stop": ("nothing_stops", "No check that stops a release is broken."),
    "quarantine": ("no_row_held_back", "No row had to be held back."),
    "blank": ("no_value_blanked", "No value had to be blanked."),
    "flag": ("no_finding", "No check that only flags found anything."),
}
"""One asset check per dataset and action. One per rule would be some 250 for a product like 311, and Dagster takes twenty
milliseconds to store each; the counts of every rule are in the metadata, and in our own record of the run."""


def check_specs(contract: Contract, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """What Dagster is told to expect of a dataset's checks: one per action that any of them has."""
    actions = {check.action for check in contract.checks}
    return [
        dg.AssetCheckSpec(name, asset=key, description=sentence)
        for action, (name, sentence) in _GROUPS.items()
        if action in actions
    ]


def check_results(
    contract: Contract, results: tuple[CheckResult, ...], key: dg.AssetKey
) -> Iterator[dg.AssetCheckResult]:
    """One result per spec, also where no check of that action ran: Dagster takes a missing one for a fault."""
    actions = {check.action for check in contract.checks}
    for action, (name, _) in _GROUPS.items():
        if action not in actions:
            continue
        mine = [result for result in results if result.action == action]
        broken = [result for result in mine if result.outcome != "passed"]
        table = [
            dg.TableRecord(
                {"check": r.check_id, "broken": r.broken, "rows": r.rows, "meaning": r.detail or r.description}
            )
            for r in mine
        ]
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=not broken,
            severity=dg.AssetCheckSeverity.ERROR if action == "stop" else dg.AssetCheckSeverity.WARN,
            metadata={
                "checks": dg.MetadataValue.table(table, _TABLE),
                **{result.check_id: result.broken for result in mine},
            },
        )


_TABLE = dg.TableSchema(
    [
        dg.TableColumn("check"),
        dg.TableColumn("broken", "int"),
        dg.TableColumn("rows", "int"),
        dg.TableColumn("meaning"),
    ]
)
