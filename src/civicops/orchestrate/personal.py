"""What a run does about personal data that nobody declared: a finding for each, and no public release.

Belongs here: from finds to findings and a stop. Does not belong here: looking (`civicops.govern.personal_scan`).

What was accepted and what stays with named people is only noted. A public release is looked at as it would be published, after
its privacy rules, and is not made when anything counts.
"""

from __future__ import annotations

from civicops.checks.sql import parquet
from civicops.contracts import Contract
from civicops.govern.personal_scan import Found, counting, scan
from civicops.ingest.values import Finding
from civicops.orchestrate.context import ProductRun
from civicops.release.publish import StagedRelease

CHECK = "personal_data"
HINT = (
    "Give the column a class (`classification`), treat it by a privacy rule, or say under `personalDataExpected` why it may "
    "stand there. See docs/howto/protect-people.md."
)


def note_accepted(run: ProductRun, contract: Contract, select: str) -> None:
    """Note personal data in the accepted rows of one dataset."""
    run.find(*(_finding(item, stops=False) for item in counting(scan(run.con, contract, select))))


def note_release(run: ProductRun, contract: Contract, staged: StagedRelease) -> tuple[str, ...]:
    """Note personal data in a release that nobody sees yet; the messages that stop it when it is public."""
    select = f"SELECT * FROM {parquet([staged.data])}"
    found = counting(scan(run.con, contract, select))
    stops = contract.access == "public"
    run.find(*(_finding(item, stops=stops) for item in found))
    return tuple(item.words for item in found) if stops else ()


def _finding(item: Found, *, stops: bool) -> Finding:
    return Finding(CHECK, item.words, item.values, "stop" if stops else "flag")
