"""Dagster definitions, made from the product folders: nobody writes Dagster code to add a product.

Belongs here: assets, asset checks, jobs, schedules and the watch for dead runs, each made from `product.yaml` and contracts.
Does not belong here: what a step does (`steps`).

Every product becomes three operations, one after the other in one process: fetch (one asset per source), check (one per
accepted dataset) and publish (one per published dataset). What one leaves for the next lies on the disk, not in memory.
"""

# Dagster reads the annotations of functions at run time, so they must not be postponed to text here.
import functools
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import duckdb

from civicops.contracts import Contract
from civicops.engine_words import without_values
from civicops.errors import CivicopsError
from civicops.ingest.declared import product_sources
from civicops.ingest.values import Source
from civicops.observe.watch import tick
from civicops.orchestrate import steps
from civicops.orchestrate.asset_checks import check_results, check_specs
from civicops.orchestrate.auditing import after_switch
from civicops.orchestrate.closing import close_releases
from civicops.orchestrate.context import ProductRun, open_run
from civicops.orchestrate.reviewing import keep_reviews_up
from civicops.orchestrate.sweeping import sweep_all
from civicops.workspace import Product, Workspace

WATCH_SECONDS = 5
"""How often the daemon looks for runs whose process is gone."""


def definitions(workspace: Workspace) -> dg.Definitions:
    """All products of a workspace as Dagster definitions."""
    # `resource_defs` of an asset is marked beta in the version of Dagster that is pinned; the pin is the answer to that.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    assets: list[Any] = []
    jobs: list[Any] = []
    schedules: list[Any] = []
    for product in workspace.products:
        assets.extend(product_assets(workspace, product))
        job = _job(product)
        jobs.append(job)
        schedules.append(
            dg.ScheduleDefinition(
                name=f"{product.name}_schedule",
                job=job,
                cron_schedule=product.file.schedule,
                execution_timezone=product.file.timezone or workspace.settings.workspace.timezone,
                default_status=dg.DefaultScheduleStatus.STOPPED
                if product.file.stage == "retired"
                else dg.DefaultScheduleStatus.RUNNING,
            )
        )
    return dg.Definitions(
        assets=assets,
        jobs=jobs,
        schedules=schedules,
        sensors=[_watch(workspace), _tick(workspace)],
        executor=dg.in_process_executor,
        loggers={"console": _quiet_logger},
    )


def _job(product: Product) -> Any:
    return dg.define_asset_job(
        product.name,
        dg.AssetSelection.groups(product.name),
        description=product.file.summary,
        executor_def=dg.in_process_executor,
        tags={"civicops/product": product.name},
    )


def product_assets(workspace: Workspace, product: Product, given: ProductRun | None = None) -> list[Any]:
    """The assets of one product. `given` is a run that is open already (the command line's); else each run opens its own."""
    sources = product_sources(workspace, product)
    resource = (
        dg.ResourceDefinition.hardcoded_resource(given) if given is not None else _run_resource(workspace, product.name)
    )
    fetch = _fetch_asset(product, sources, resource)
    check = _check_asset(product, sources, resource) if product.accepted else None
    publish = _publish_asset(product, resource)
    return [asset for asset in (fetch, check, publish) if asset is not None]


def _run_resource(workspace: Workspace, product: str) -> dg.ResourceDefinition:
    @dg.resource
    @contextmanager
    def run(context: dg.InitResourceContext) -> Iterator[ProductRun]:
        dagster_run = context.dagster_run
        tags = dagster_run.tags if dagster_run else {}
        trigger = "schedule" if "dagster/schedule_name" in tags else "daemon"
        with open_run(
            workspace, product, trigger=trigger, dagster_run_id=dagster_run.run_id if dagster_run else None
        ) as opened:
            yield opened

    return run


def _fetch_asset(product: Product, sources: tuple[Source, ...], resource: dg.ResourceDefinition) -> Any:
    specs = [
        dg.AssetSpec(
            [product.name, "landing", source.name],
            group_name=product.name,
            description=source.note or f"Bytes of {source.name}, as received.",
            owners=_owners(product),
            skippable=True,
        )
        for source in sources
    ]
    if not sources:
        specs = [dg.AssetSpec(_reads_key(product), deps=_reads(product), group_name=product.name, skippable=True)]

    @dg.multi_asset(
        name=f"{product.name}__fetch",
        specs=specs,
        resource_defs={_run_key(product): resource},
        retry_policy=dg.RetryPolicy(max_retries=1, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    )
    def fetch(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run: ProductRun = getattr(context.resources, _run_key(product))
        with _plain_failures(run):
            if "fetch" not in run.record.steps:
                steps.fetch(run)
            if steps.end_if_unchanged(run):
                return  # the operations after this one are skipped: nothing is rebuilt
        for note in run.record.sources:
            metadata = {key: value for key, value in note.items() if value is not None and key != "source"}
            yield dg.MaterializeResult(asset_key=[product.name, "landing", note["source"]], metadata=metadata)
        if not sources:
            yield dg.MaterializeResult(asset_key=_reads_key(product))

    return fetch


def _check_asset(product: Product, sources: tuple[Source, ...], resource: dg.ResourceDefinition) -> Any:
    specs = [
        dg.AssetSpec(
            _accepted_key(product, contract),
            deps=[[product.name, "landing", s.name] for s in sources if s.dataset == contract.dataset],
            group_name=product.name,
            description=contract.purpose or contract.title,
            owners=_owners(product),
        )
        for contract in product.accepted
    ]

    @dg.multi_asset(
        name=f"{product.name}__check",
        specs=specs,
        check_specs=[spec for c in product.accepted for spec in check_specs(c, _accepted_key(product, c))],
        resource_defs={_run_key(product): resource},
    )
    def check(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run: ProductRun = getattr(context.resources, _run_key(product))
        for contract in product.accepted:
            with _plain_failures(run):
                accepted = steps.check(run, contract)
            kept = accepted.conservation
            yield from check_results(contract, accepted.results, _accepted_key(product, contract))
            yield dg.MaterializeResult(
                asset_key=_accepted_key(product, contract),
                metadata={
                    "rows_in": kept.rows_in, "accepted": kept.accepted, "quarantined": kept.quarantined,
                    "ignored": dict(kept.ignored), "not_accounted_for": kept.missing,
                },
            )  # fmt: skip

    return check


def _publish_asset(product: Product, resource: dg.ResourceDefinition) -> Any:
    specs = [
        dg.AssetSpec(
            _published_key(product, contract),
            deps=[*([_accepted_key(product, c) for c in product.accepted] or [_reads_key(product)]), *_reads(product)],
            group_name=product.name,
            description=contract.purpose or contract.title,
            owners=_owners(product),
        )
        for contract in product.published
    ]

    @dg.multi_asset(
        name=f"{product.name}__publish",
        specs=specs,
        check_specs=[spec for c in product.published for spec in check_specs(c, _published_key(product, c))],
        resource_defs={_run_key(product): resource},
    )
    def publish(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run: ProductRun = getattr(context.resources, _run_key(product))
        with _plain_failures(run):
            accepted = tuple(steps.check(run, contract) for contract in product.accepted)
            steps.build(run, accepted)
            gated = steps.gate(run, accepted)
            done = steps.publish_all(run, gated)
            steps.ask(run)
            steps.finish(run)
        versions = {release.dataset: release for release in done.releases}
        for item in gated:
            key = _published_key(product, item.contract)
            yield from check_results(item.contract, item.results, key)
            release = versions[item.contract.dataset]
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={
                    "rows": item.staged.rows,
                    "release": release.version,
                    "changed": item.contract.dataset in done.changed,
                    "path": dg.MetadataValue.path(str(release.path)),
                },
            )

    return publish


def _run_key(product: Product) -> str:
    """Of its own, or Dagster refuses a product that reads another's release: two runs under one name."""
    return f"{product.name}__run"


def _reads_key(product: Product) -> dg.AssetKey:
    """Stands where the sources would, for a product that only reads releases of others."""
    return dg.AssetKey([product.name, "reads"])


def _reads(product: Product) -> list[dg.AssetKey]:
    return [dg.AssetKey(name.split(".")) for name in product.file.reads]


def _accepted_key(product: Product, contract: Contract) -> dg.AssetKey:
    return dg.AssetKey([product.name, "accepted", contract.dataset])


def _published_key(product: Product, contract: Contract) -> dg.AssetKey:
    return dg.AssetKey([product.name, contract.dataset])


def _owners(product: Product) -> list[str]:
    return [f"team:{product.file.owner}"]


@contextmanager
def _plain_failures(run: ProductRun) -> Iterator[None]:
    """Failures with a known cause reach Dagster as one sentence; retrying them within the same run helps nobody."""
    try:
        yield
    except CivicopsError as error:
        run.failure = error
        # Dagster keeps causes with all their words, and an engine's words may hold a value.
        raise dg.Failure(description=str(error), allow_retries=False) from None
    except duckdb.Error as error:
        run.failure = error
        raise dg.Failure(description=without_values(str(error)), allow_retries=False) from None
    except Exception as error:
        run.failure = error
        raise


def _watch(workspace: Workspace) -> dg.SensorDefinition:
    @dg.sensor(
        name="dead_runs",
        minimum_interval_seconds=WATCH_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Fails runs whose process is gone, so that no run seems to go on for ever.",
    )
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        failed = sweep_all(workspace, context.instance)
        return dg.SkipReason(f"Failed: {', '.join(failed)}." if failed else "Every running process is alive.")

    return dead_runs


def _retain(workspace: Workspace) -> None:
    """Let go of what is due, once a day; what goes wrong is kept, so that a monitor says so."""
    from civicops.govern.retention import note_last, ran_today, retain  # noqa: PLC0415 - only the tick needs it

    now = datetime.now(UTC)
    if ran_today(workspace, now):
        return
    failure = ""
    try:
        retain(workspace, now)
    except Exception as error:  # whatever it is, the tick goes on, and a monitor tells of it
        failure = f"{type(error).__name__}: {error}"
        logging.getLogger("civicops.govern").error("What is due could not be let go: %s", error)
    note_last(workspace, now, failure)


def _keep_scores(workspace: Workspace) -> None:
    """Keep where every product stands, once a day; a file with a fault in it must not end the tick."""
    from civicops.govern.scorecard import record  # noqa: PLC0415 - only the tick needs it

    try:
        record(workspace)
    except (CivicopsError, OSError) as error:
        logging.getLogger("civicops.govern").warning("Where products stand could not be kept: %s", error)


def _tick(workspace: Workspace) -> dg.SensorDefinition:
    @dg.sensor(
        name="observe_tick",
        minimum_interval_seconds=workspace.settings.observe.tick_minutes * 60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks at every monitor, so that silence is noticed, and tells who has to know.",
    )
    def observe_tick(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        close_releases(workspace)
        after_switch(workspace)
        keep_reviews_up(workspace)
        done = tick(workspace)
        from civicops.observe.delivery import deliver_weekly  # noqa: PLC0415 - loads the database, which runs do without
        from civicops.observe.tables import open_database  # noqa: PLC0415

        deliver_weekly(workspace, open_database(workspace), datetime.now(UTC))
        _keep_scores(workspace)
        _retain(workspace)
        return dg.SkipReason(f"{done.products} products in {done.seconds:.1f} s: {done.firing} with an open incident.")

    return observe_tick


@dg.logger
def _quiet_logger(_context: dg.InitLoggerContext) -> Any:
    """The console shows what the command line prints; Dagster's own log keeps every event."""
    logger = logging.getLogger("civicops.dagster")
    logger.setLevel(logging.CRITICAL)
    return logger


def job_for(run: ProductRun) -> dg.JobDefinition:
    """The Dagster job of one product, working on a run that is open already."""
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    job = _job(run.product)
    assets = product_assets(run.workspace, run.product, run)
    whole = dg.Definitions(
        assets=assets, jobs=[job], executor=dg.in_process_executor, loggers={"console": _quiet_logger}
    )
    return whole.resolve_job_def(job.name)


@functools.cache
def repository() -> dg.Definitions:
    """The definitions of the workspace that `CIVICOPS_WORKSPACE` or the current folder names, for Dagster's own programs."""
    return definitions(Workspace.find())
