"""OpenLineage run events: what read and wrote which dataset, column by column, for whoever collects them.

Belongs here: one event per run, appended to `observe/openlineage.jsonl` and, if `[observe] openlineage_url` is set, sent there.
Does not belong here: our own history (`history`), finding lineage (`civicops.lineage`). A run with nothing new gives no event.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from civicops import __version__
from civicops.errors import CivicopsError
from civicops.lineage.facets import BorderInput, DatasetInputs, inputs_of
from civicops.lineage.values import How, Node
from civicops.network import InternalAddressError, guarded
from civicops.observe.outgoing import OutgoingError, check_url
from civicops.runs import RunRecord
from civicops.workspace import Product, Workspace

if TYPE_CHECKING:
    from openlineage.client.generated.base import RunFacet
    from openlineage.client.generated.column_lineage_dataset import ColumnLineageDatasetFacet, InputField

FILE = "openlineage.jsonl"
PRODUCER = f"urn:civicops:{__version__}"
NAMESPACE = "civicops"
SECONDS = 3
"""A collector that takes longer to connect or to answer is left alone: a run does not wait for it."""
TRANSFORMATIONS: Mapping[How, tuple[str, str]] = {
    "copied": ("DIRECT", "IDENTITY"), "derived": ("DIRECT", "TRANSFORMATION"), "aggregated": ("DIRECT", "AGGREGATION"),
    "grouped": ("INDIRECT", "GROUP_BY"), "joined": ("INDIRECT", "JOIN"), "filtered": ("INDIRECT", "FILTER"),
}  # fmt: skip
"""Our words for how a column depends on another, in OpenLineage's."""
_log = logging.getLogger("civicops.observe")


def emit(workspace: Workspace, product: Product, record: RunRecord) -> None:
    """Append the event of a finished run and send it if the settings say so. Raises `OSError`; a failed sending is logged."""
    if record.status not in ("succeeded", "failed"):
        return
    text = event_of(product, record, inputs=_inputs(workspace, product))
    path = workspace.folder("observe") / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text + "\n")
    settings = workspace.settings.observe
    if settings.openlineage_url and (reason := send(settings.openlineage_url, text, settings.openlineage_allow)):
        _log.error("OpenLineage: %s", reason)


def send(url: str, text: str, allow: Collection[str] = ()) -> str:
    """Post one event to a collector; why it was not taken, without the address, or nothing. Redirects are not followed."""
    import httpx  # noqa: PLC0415 - most workspaces send nothing

    headers = {"Content-Type": "application/json"}
    try:
        check_url(url, allow=allow)
        # What the collector says besides its status is not read: it may take as long as it likes over it.
        with guarded(allow), httpx.stream("POST", url, content=text, headers=headers, timeout=SECONDS) as answer:
            return f"the collector answered {answer.status_code}" if not answer.is_success else ""
    except (OutgoingError, InternalAddressError) as error:
        return str(error)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"not sent: {type(error).__name__}"


def _inputs(workspace: Workspace, product: Product) -> dict[str, DatasetInputs]:
    """What each released dataset is made of; nothing where models cannot be followed, which the run itself has said."""
    try:
        return inputs_of(workspace, product)
    except CivicopsError as error:
        _log.error("OpenLineage: without columns: %s", error.message)
        return {}


def event_of(product: Product, record: RunRecord, *, inputs: Mapping[str, DatasetInputs] | None = None) -> str:
    """The OpenLineage event of a finished run, as one line of JSON; with `inputs`, by dataset, also how columns are made."""
    from openlineage.client.event_v2 import (  # noqa: PLC0415 - a fifth of a second that most commands do not need
        InputDataset,
        Job,
        OutputDataset,
        Run,
        RunEvent,
        RunState,
    )
    from openlineage.client.facet_v2 import (  # noqa: PLC0415
        DatasetFacet,
        error_message_run,
        output_statistics_output_dataset,
        schema_dataset,
    )
    from openlineage.client.serde import Serde  # noqa: PLC0415
    from openlineage.client.uuid import generate_static_uuid  # noqa: PLC0415

    failed = record.status == "failed"
    facets: dict[str, RunFacet] = {}
    if failed:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(record.message, "python", producer=PRODUCER)
    rows = {item["dataset"]: item.get("rows") for item in record.datasets if item["layer"] == "published"}
    outputs = []
    made_of = inputs or {}
    for contract in product.published:
        if contract.dataset not in record.released:
            continue
        fields = [schema_dataset.SchemaDatasetFacetFields(c.name, c.sql_type, c.description) for c in contract.columns]
        statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=rows.get(contract.dataset), producer=PRODUCER
        )
        about: dict[str, DatasetFacet] = {"schema": schema_dataset.SchemaDatasetFacet(fields, producer=PRODUCER)}
        if contract.dataset in made_of:
            about["columnLineage"] = _columns(made_of[contract.dataset])
        name = f"{product.name}.{contract.dataset}"
        outputs.append(OutputDataset(NAMESPACE, name, {"outputStatistics": statistics}, facets=about))
    names = [f"{product.name}/{source['source']}" for source in record.sources]
    names += [*product.file.reads, *(_name(node) for one in made_of.values() for node in one.tables)]
    read = [InputDataset(NAMESPACE, name) for name in dict.fromkeys(names)]
    started = datetime.fromisoformat(record.started_at)
    event = RunEvent(
        eventType=RunState.FAIL if failed else RunState.COMPLETE,
        eventTime=record.finished_at or record.started_at,
        run=Run(str(generate_static_uuid(started, record.run_id.encode())), facets),
        job=Job(NAMESPACE, product.name),
        inputs=read,
        outputs=outputs,
        producer=PRODUCER,
    )
    return Serde.to_json(event)


def _columns(made_of: DatasetInputs) -> ColumnLineageDatasetFacet:
    """The facet: what gives each column its values, and what decides which rows the dataset has."""
    from openlineage.client.facet_v2 import column_lineage_dataset as facet  # noqa: PLC0415

    fields = {name: facet.Fields([_field(item) for item in items]) for name, items in made_of.columns.items() if items}
    return facet.ColumnLineageDatasetFacet(fields, dataset=[_field(item) for item in made_of.rows], producer=PRODUCER)


def _field(item: BorderInput) -> InputField:
    from openlineage.client.facet_v2 import column_lineage_dataset as facet  # noqa: PLC0415

    kind, subtype = TRANSFORMATIONS[item.how]
    how = facet.Transformation(kind, subtype, description=item.by or None, masking=bool(item.by))
    return facet.InputField(NAMESPACE, _name(item.node), str(item.node.column), [how])


def _name(node: Node) -> str:
    """The name of a table outside: a lookup is told apart from a dataset."""
    return f"{node.product}.lookup.{node.name}" if node.kind == "lookup" else node.dataset
