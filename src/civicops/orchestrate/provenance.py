"""What a release says about where it comes from, put together from a run.

Belongs here: turning a run's values into the release room's `Provenance`. Does not belong here: writing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from civicops import __version__
from civicops.checks.values import CheckResult
from civicops.contracts import Contract
from civicops.contracts import checktypes as ct
from civicops.contracts.checktypes import Action
from civicops.ingest.values import (
    DecisionSource,
    DriveEventSource,
    FileSource,
    GatheredSource,
    MarkSource,
    SheetSource,
    SocrataSource,
    Source,
)
from civicops.product_files import files_hash, git_state
from civicops.release.values import CheckOutcome, Conservation, InputManifest, Provenance

if TYPE_CHECKING:
    from civicops.orchestrate.context import Accepted, ProductRun


def provenance(
    run: ProductRun, contract: Contract, accepted: Sequence[Accepted], results: Iterable[CheckResult]
) -> Provenance:
    """The provenance of one published dataset of `run`: all inputs of the product, and the results of its own checks."""
    commit, dirty = git_state(run.product.folder)
    accepted = _own(contract, accepted)
    ignored: dict[str, int] = {}
    for item in accepted:
        for reason, count in item.conservation.ignored.items():
            ignored[reason] = ignored.get(reason, 0) + count
    inputs = []
    for source in run.sources:
        url = source.base_url if isinstance(source, SocrataSource) else _address(source)
        for delivery in run.landing.live(run.product.name, source.name):
            inputs.append(
                InputManifest(
                    source=source.name,
                    sequence=delivery.sequence,
                    objects=tuple(item.sha256 for item in delivery.objects),
                    delivery=delivery.id,
                    title=f"{source.name}: {source.note}" if source.note else source.name,
                    url=url,
                    rows=delivery.rows,
                    retrieved_at=delivery.finished_at,
                )
            )
    return Provenance(
        run_id=run.record.run_id,
        git_commit=commit,
        git_dirty=dirty,
        files_hash=files_hash(run.product.folder),
        inputs=tuple(inputs),
        checks=tuple(
            CheckOutcome(
                item.check_id, _effect(item), item.broken, item.rows, item.outcome == "passed", item.description
            )
            for item in results
        ),
        conservation=Conservation(
            rows_in=sum(item.conservation.rows_in for item in accepted),
            accepted=sum(item.conservation.accepted for item in accepted),
            quarantined=sum(item.conservation.quarantined for item in accepted),
            ignored=tuple(sorted(ignored.items())),
        ),
        tools=(("civicops", __version__), ("dbt-core", version("dbt-core"))),
    )


def _address(source: Source) -> str:
    if isinstance(source, SocrataSource):
        return f"{source.base_url}/resource/{source.dataset_id}"
    if isinstance(source, DriveEventSource):
        return source.drives.url
    if isinstance(source, SheetSource):
        return f"spreadsheet:{source.spreadsheet}"
    if isinstance(source, DecisionSource):
        return f"review:{source.kind}/{source.what}"
    if isinstance(source, MarkSource):
        return f"marks:{source.marks}"
    return "" if isinstance(source, FileSource | GatheredSource) else source.url


def _own(contract: Contract, accepted: Sequence[Accepted]) -> list[Accepted]:
    """The accepted datasets whose rows this one holds, if its contract says so; else all of the product's."""
    named = {
        name
        for check in contract.dataset_checks
        if isinstance(check.spec, ct.Conservation)
        for name in check.spec.sources
    }
    return [item for item in accepted if not named or item.contract.dataset in named]


def _effect(result: CheckResult) -> Action:
    """A broken upper bound only warns, whatever its check would do about the lower one."""
    return "flag" if result.outcome == "warned" and result.action == "stop" else result.action
