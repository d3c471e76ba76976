"""The steps of a run, in the order in which they happen.

    fetch    bytes land
    check    rows are accepted or quarantined; every one is accounted for
    build    models turn accepted rows into tables
    gate     tables are held against their contracts
    publish  all releases of the product are switched in together
    ask      what the product asks people is filed as review tasks

Belongs here: that order and what one step hands to the next, always by way of the disk, so that a killed run goes on where
it stopped. Does not belong here: locks and records (`context`), Dagster (`definitions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from civicops.checks.batches import Batch, ObjectKey, RawBatch, fingerprint_of
from civicops.checks.current import CurrentRows, current_rows
from civicops.checks.gate import GateContext, judge_dataset, judge_rows
from civicops.checks.rules import LookupValues
from civicops.checks.sql import parquet, text
from civicops.checks.suppressed import read_suppressions, suppress
from civicops.checks.values import CheckResult, Conservation, row_result
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.govern.erasure import keep_erased
from civicops.govern.retention import expired
from civicops.ingest.counting import counted_rows
from civicops.ingest.fetch import fetch_all
from civicops.ingest.layout import place
from civicops.ingest.read import raw_rows
from civicops.ingest.values import FetchResult, Source
from civicops.lineage.proved import building_findings, checking_findings, columns_of_tables, made_findings
from civicops.orchestrate.context import Accepted, Gated, ProductRun
from civicops.orchestrate.gathering import gather
from civicops.orchestrate.inputs import inputs_hash
from civicops.orchestrate.noting import accepted_note, layer_finding, published_note
from civicops.orchestrate.personal import HINT, note_accepted, note_release
from civicops.orchestrate.provenance import provenance
from civicops.orchestrate.reviewing import asks_people, file_questions, land_decisions
from civicops.orchestrate.unplanned import hold_unplanned
from civicops.release.publish import Published, discard, publish, stage
from civicops.release.store import ReleaseStore
from civicops.transform import build as transform_build
from civicops.transform import read_ahead
from civicops.transform.project import Engine
from civicops.workspace import Product, Workspace

STEPS = ("fetch", "check", "build", "gate", "publish", "ask")


class StoppedError(CivicopsError):
    """A check said stop: nothing was published, the last release stays."""


def fetch(run: ProductRun) -> dict[str, FetchResult]:
    """Fetch every source; returns what lies in the landing zone of each.

    Raises `StoppedError` when a delivery must not be used, `UnplannedError` when the product changed and needs a plan first.
    """
    with run.step("fetch"):
        run.keys.tidy(run.product.name, run.workspace.settings.retention.hash_key_days, run.now.date())
        run.find(*gather(run.workspace, run.product, run.now))
        decided = land_decisions(run)
        results = fetch_all(
            run.sources, run.landing, run.product.name, progress=run.progress, full=run.full, now=run.now,
            workspace=run.workspace,
        )  # fmt: skip
        if keep_erased(run.workspace, run.product, run.landing, run.sources):
            live = {name: run.landing.live(run.product.name, name) for name in results}
            results = {name: replace(result, live=live[name]) for name, result in results.items()}
        results |= decided
        notes = []
        for source in run.sources:
            newest = (result := results[source.name]).delivery
            notes.append({
                "source": source.name,
                "dataset": source.dataset,
                "new": newest is not None,
                "rows": sum(delivery.rows for delivery in result.live),
                "new_rows": newest.rows if newest else 0,
                "kind": newest.kind if newest else None,
                "counted": counted_rows(result.live),
                "at_source": result.live[-1].source_count_after if result.live else None,
            })  # fmt: skip
            for delivery in result.live:
                run.find(*delivery.findings)
        run.note(sources=tuple(notes))
    bad = [name for name, result in results.items() if any(delivery.is_stopped for delivery in result.live)]
    if bad:
        words = "; ".join(f["message"] for f in run.record.findings if f["severity"] == "stop")
        raise StoppedError(f"{', '.join(bad)}: {words}", hint="Nothing was published. Run again to fetch it afresh.")
    hold_unplanned(run)  # after the fetch: what a source gives today it may not give tomorrow
    return results


def end_if_unchanged(run: ProductRun) -> bool:
    """After the fetch: end the run when the last success was made from the same inputs and its releases are still there."""
    if run.record.inputs is None:
        run.note(inputs=inputs_hash(run))
    last = run.runs.last_success(run.product.name)
    snapshot = run.releases.snapshot(run.product.name)
    if last is None or last.inputs != run.record.inputs:
        return False
    if not {contract.dataset for contract in run.product.published} <= set(snapshot):
        return False
    run.note(released={name: release.version for name, release in snapshot.items()})
    ask(run)  # what is asked may depend on the day
    run.record = run.runs.end(run.record, "unchanged", "Nothing new to fetch; nothing was rebuilt.")
    return True


def check(run: ProductRun, contract: Contract) -> Accepted:
    """Check what landed for one accepted dataset and account for every row.

    Raises `StoppedError` when a check with action `stop` is broken.
    """
    if contract.dataset in run.accepted:
        return run.accepted[contract.dataset]
    lookups = run.product.lookup_values(contract)
    fingerprint = fingerprint_of(contract, lookups)
    with run.step(f"check {contract.dataset}"):
        live = {source: live_objects(run, source) for source in run.sources if source.dataset == contract.dataset}
        everything = [key for keys in live.values() for key in keys]
        batches = list(run.batches.valid(contract.dataset, fingerprint, everything))
        done = {key for batch in batches for key in batch.objects}
        for source, keys in live.items():
            if wanted := [key for key in keys if key not in done]:
                batches.append(_check_source(run, contract, source, wanted, lookups))
        current = current_rows(run.con, contract, run.batches, tuple(batches))
        leaving = (*read_suppressions(run.product.folder), *run.suppressing, *expired(run.workspace, run.product))
        current = suppress(run.con, contract, current, leaving)
        conservation = Conservation(
            contract.dataset,
            sum(batch.rows_in for batch in batches),
            current.rows,
            sum(batch.quarantined for batch in batches),
            current.ignored,
        )
        results = _results(run, contract, tuple(batches), current, conservation)
        accepted = Accepted(contract, tuple(batches), current, conservation, results)
        run.note(datasets=(*run.record.datasets, accepted_note(accepted)))
        held = [run.batches.held(batch) for batch in batches]
        run.find(*checking_findings(run.con, contract, current.select, held))
        note_accepted(run, contract, current.select)
    _stop_on(accepted.results, [finding for batch in batches for finding in batch.findings])
    if not conservation.holds:
        raise StoppedError(
            f"{contract.id}: {conservation.missing:,} rows are not accounted for.",
            hint="This is a fault of civicops: report it. Nothing was published.",
        )
    run.accepted[contract.dataset] = accepted
    return accepted


def build(run: ProductRun, accepted: tuple[Accepted, ...]) -> None:
    """Run the product's models over the current rows of its accepted datasets and the releases it reads."""
    with run.step("build"):
        done = transform_build(
            **_models(run.workspace, run.product),
            accepted={item.contract.dataset: item.current.select for item in accepted},
        )
        run.note(models={model.name: round(model.seconds, 3) for model in done.models})
        run.compiled = {model.name: model.sql for model in done.models}
        run.find(*(layer_finding(item) for item in done.layers))


def read_models(workspace: Workspace, product: Product) -> None:
    """Let dbt read the product's models before they are built; changes nothing but the time `build` takes."""
    read_ahead(**_models(workspace, product))


def _models(workspace: Workspace, product: Product) -> dict[str, Any]:
    """What a build and reading ahead of it must be given alike."""
    settings = workspace.settings.engine
    return {
        "product": product.name,
        "models": product.models,
        "warehouse": warehouse_file(workspace, product),
        "lookups": product.lookups,
        "releases": {name: [path] for name, path in read_releases(workspace, product).items()},
        "contracts": product.contracts,
        "engine": Engine(threads=settings.threads, memory_limit=settings.memory_limit),
    }


def gate(run: ProductRun, accepted: tuple[Accepted, ...]) -> tuple[Gated, ...]:
    """Hold every finished table against its contract and write it aside as a release.

    Raises `StoppedError` when a check with action `stop` is broken, after all checks of all tables have been counted;
    nothing is left behind then.
    """
    gated: list[Gated] = []
    try:
        with run.step("gate"):
            run.con.execute(f"ATTACH {text(str(warehouse_file(run.workspace, run.product)))} AS built (READ_ONLY)")
            tables = columns_of_tables(run.con, "built")
            run.find(*building_findings(run.workspace, run.product, run.compiled or None, tables))
            run.find(*made_findings(run.con, run.product, "built"))
            judged = [(contract, _judge(run, contract, accepted)) for contract in run.product.published]
            _stop_on([result for _, results in judged for result in results], [])
            for contract, results in judged:
                staged = stage(
                    run.con,
                    contract=contract,
                    select_sql=_table(contract.dataset),
                    provenance=provenance(run, contract, accepted, results),
                    store=run.releases,
                    today=run.now.date(),
                    keys=run.keys,
                )
                gated.append(Gated(contract, results, staged))
            personal = [words for item in gated for words in note_release(run, item.contract, item.staged)]
            notes = tuple(published_note(item) for item in gated)
            run.note(datasets=(*run.record.datasets, *notes))
        if personal:
            message = "Nothing was published, the last release stays: personal data that no contract declares. "
            raise StoppedError(message + " ".join(personal), hint=HINT)
    except BaseException:
        discard([item.staged for item in gated])
        raise
    finally:
        run.con.execute("DETACH DATABASE IF EXISTS built")
    return tuple(gated)


def publish_all(run: ProductRun, gated: tuple[Gated, ...]) -> Published:
    """Switch all releases of the product in together, and end the run."""
    try:
        with run.step("publish"):
            done = publish(
                [item.staged for item in gated], store=run.releases, reason="run", run_id=run.record.run_id, wait=30
            )
            run.note(released={release.dataset: release.version for release in done.releases})
    except BaseException:
        discard([item.staged for item in gated])
        raise
    return done


def ask(run: ProductRun) -> None:
    """File what the product's `reviews.py` asks people. Raises `AskingError`, `FilingError`; filing again goes on from there."""
    if asks_people(run.product):
        with run.step("ask"):
            file_questions(run, lambda dataset: check(run, run.product.contract(dataset)).current.select)


def finish(run: ProductRun) -> None:
    """Record that the run succeeded, and remove what no valid batch needs any more."""
    run.record = run.runs.end(run.record, "succeeded")
    for contract in run.product.accepted:
        lookups = run.product.lookup_values(contract)
        live = [
            key for source in run.sources if source.dataset == contract.dataset for key in live_objects(run, source)
        ]
        valid = run.batches.valid(contract.dataset, fingerprint_of(contract, lookups), live)
        run.batches.sweep(contract.dataset, valid)


def warehouse_file(workspace: Workspace, product: Product) -> Path:
    """The product's DuckDB file."""
    return workspace.folder("warehouse") / f"{product.name}.duckdb"


def read_releases(workspace: Workspace, product: Product) -> dict[str, Path]:
    """The Parquet files of the releases a product says it reads, by `<product>__<dataset>`."""
    store = ReleaseStore(workspace.folder("releases"))
    found: dict[str, Path] = {}
    for name in product.file.reads:
        owner, _, dataset = name.partition(".")
        found[f"{owner}__{dataset}"] = store.find(owner, dataset).data
    return found


def live_objects(run: ProductRun, source: Source) -> list[ObjectKey]:
    """The landed objects of a source that count now."""
    return [(item.landed.sha256, item.sequence) for item in place(run.landing.live(run.product.name, source.name))]


def _check_source(
    run: ProductRun, contract: Contract, source: Source, keys: list[ObjectKey], lookups: LookupValues
) -> Batch:
    wanted = set(keys)
    deliveries = [
        replace(
            delivery, objects=tuple(item for item in delivery.objects if (item.sha256, delivery.sequence) in wanted)
        )
        for delivery in run.landing.live(run.product.name, source.name)
    ]
    raw = raw_rows(run.con, run.landing, run.product.name, source.name, deliveries, contract)
    findings = tuple(asdict(finding) for finding in raw.findings)
    _stop_on((), findings)
    batch = RawBatch(
        source.name, tuple(keys), raw.select_sql, raw.source_fields, raw.rejects_sql, raw.rows_landed, findings
    )
    return run.batches.check(run.con, contract, batch, lookups, run.record.run_id)


def _results(
    run: ProductRun, contract: Contract, batches: tuple[Batch, ...], current: CurrentRows, kept: Conservation
) -> tuple[CheckResult, ...]:
    counted = [
        row_result(
            check, contract.dataset, rows=kept.rows_in, broken=sum(batch.counts.get(check.id, 0) for batch in batches)
        )
        for check in contract.row_checks
    ]
    if not any(source.dataset == contract.dataset for source in run.sources):
        return tuple(counted)  # nobody gave this dataset a source here; that it is empty says nothing about anything
    context = GateContext(
        now=run.now, datasets=_datasets(run, (), contract), rows_in=kept.rows_in, quarantined=kept.quarantined
    )
    return (*counted, *judge_dataset(run.con, contract, current.select, context))


def _judge(run: ProductRun, contract: Contract, accepted: tuple[Accepted, ...]) -> tuple[CheckResult, ...]:
    tables = {row[0] for row in run.con.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'built'"
    ).fetchall()}  # fmt: skip
    if contract.dataset not in tables:
        raise StoppedError(
            f"{contract.id} has a contract but no model '{contract.dataset}.sql' made it.",
            hint=f"Write {run.product.models / (contract.dataset + '.sql')}, or remove the contract.",
        )
    context = GateContext(
        now=run.now,
        lookups=run.product.lookup_values(contract),
        datasets=_datasets(run, accepted, contract),
        accepted_rows={item.contract.dataset: item.current.rows for item in accepted},
        ignored={name: _table(name) for name in tables},
    )
    select = _table(contract.dataset)
    return (*judge_rows(run.con, contract, select, context), *judge_dataset(run.con, contract, select, context))


def _datasets(run: ProductRun, accepted: tuple[Accepted, ...], contract: Contract) -> dict[str, str]:
    """A SELECT for every dataset a foreign key of `contract` may name."""
    found = {item.contract.dataset: item.current.select for item in accepted}
    if contract.layer == "published":
        found |= {other.dataset: _table(other.dataset) for other in run.product.published}
    for name in run.product.file.reads:
        product, _, dataset = name.partition(".")
        release = run.releases.current(product, dataset)
        if release is not None:
            found[name] = f"SELECT * FROM {parquet([release.data])}"
    return found


def _table(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'SELECT * FROM built.main."{quoted}"'


def _stop_on(results: Iterable[CheckResult], findings: Iterable[Mapping[str, Any]]) -> None:
    stopped = [result for result in results if result.outcome == "stopped"]
    words = [
        f"{item.dataset}: {item.description} ({item.check_id}: {item.detail or f'{item.broken:,} of {item.rows:,} rows'})"
        for item in stopped
    ]
    words += [finding["message"] for finding in findings if finding["severity"] == "stop"]
    if words:
        raise StoppedError(
            "Nothing was published, the last release stays: " + "; ".join(words),
            hint="If the rule is wrong, change the contract and say why. If the source was, and has mended itself, fetch all "
            "of it again: civicops run PRODUCT --full.",
        )
