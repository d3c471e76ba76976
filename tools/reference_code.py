"""Reference pages made from the settings and the check types.

Belongs here: turning them into Markdown. Does not belong here: the command line (`reference_commands`) and contract files,
whose standard brings its own descriptions (`reference_contract`).
"""

from __future__ import annotations

import inspect
import typing
from typing import Any

import yaml
from pydantic import BaseModel

from civicops.contracts import checktypes, monitoring
from civicops.workspace import SETTINGS_FILE, AlertRoute, ProductFile, Settings
from tools.markdown import field_rows, table


def about(model: type[BaseModel]) -> str:
    """What a model's docstring says after naming it (`[engine]: how much ...`), as a sentence."""
    text = inspect.cleandoc(model.__doc__ or "")
    sentence = text.partition(": ")[2] or text
    return sentence[:1].upper() + sentence[1:]


def settings_page() -> str:
    parts = [f"# Settings\n\n`{SETTINGS_FILE}` lies at the root of the workspace. Every table and every key may be left out; a "
             "wrong key is an error that names the nearest valid one.\n"]  # fmt: skip
    header = ("key", "value", "when left out", "what it is")
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            parts.append(f"## `[{name}]`\n\n{about(kind)}\n")
            parts.append(table(header, field_rows(kind)))
        else:
            parts.append(f"## `[{name}]`\n\n{field.description or ''}\n")
    parts.append(f"## `[alerts.routes.NAME]`\n\n{about(AlertRoute)}\n")
    parts.append(table(header, field_rows(AlertRoute)))
    parts.append(f"## `product.yaml`\n\n{about(ProductFile)}\n")
    parts.append(table(header, field_rows(ProductFile)))
    return "\n".join(parts)


def monitors_page() -> str:
    parts = [f"# Monitors\n\n{inspect.cleandoc(monitoring.__doc__ or '').rpartition(chr(10) * 2)[2]}\n"]
    for name, model in monitoring.MONITORS:
        parts.append(f"## `{name}`\n\n{inspect.cleandoc(model.__doc__ or '')}\n")
        parts.append(table(("key", "value", "when left out", "what it is"), field_rows(model)))
    parts.append(
        "An example, in `product.yaml`:\n\n```yaml\nmonitors:\n  freshness: {hours: 30, quiet_months: [7, 12]}\n"
        "  volume: {column: created_on, settle_days: 2}\n  distribution_drift: {enabled: false}\n```\n"
    )
    return "\n".join(parts)


ACTIONS = {
    "flag": "the row stays and the finding is kept with it",
    "blank": "the value becomes null and the raw value is kept beside it",
    "quarantine": "the row is held back with its raw values",
    "stop": "nothing of this run is published; the last good release stays",
}


def checks_page() -> str:
    undescribed = set(typing.get_args(checktypes.Action)) ^ set(ACTIONS)
    if undescribed:
        raise ValueError(f"tools/reference_code.py does not describe the actions {undescribed}")
    parts = ["# Checks\n\nA check stands in a contract as a quality rule of `type: custom`, `engine: civicops`, under the column "
             "it is about or, for several columns or a whole dataset, under the dataset. It has an `id`, a `description` in "
             "words a volunteer understands, and the keys below under `implementation`.\n\nWhat happens to a row that breaks "
             "one, mildest first:\n"]  # fmt: skip
    parts.append(table(("`action`", "what happens"), [(f"`{name}`", text) for name, text in ACTIONS.items()]))
    for title, kinds in (
        ("Checks on a row", checktypes.ROW_CHECKS),
        ("Checks on a dataset", checktypes.DATASET_CHECKS),
    ):
        parts.append(f"## {title}\n")
        for name, model in kinds.items():
            parts.append(f"### `{name}`\n\n{inspect.cleandoc(model.__doc__ or '')}\n")
            header = ("key", "value", "when left out")
            parts.append(table(header, [row[:3] for row in field_rows(model, skip=("check",))]))
            parts.append(f"```yaml\n{example(name, model)}```\n")
    return "\n".join(part for part in parts if part)


def example(name: str, model: type[BaseModel]) -> str:
    """One rule of this kind as it stands in a contract; one that the kind would refuse raises a `ValidationError`."""
    if name not in EXAMPLES:
        raise ValueError(f"the check type '{name}' has no example yet: add one to EXAMPLES in tools/reference_code.py")
    identity, description, parameters = EXAMPLES[name]
    implementation = {"check": name, **parameters}
    model.model_validate(implementation)
    rule = {"id": identity, "description": description, "type": "custom", "engine": "civicops"}
    return yaml.safe_dump(
        [rule | {"implementation": implementation}], sort_keys=False, width=1000, default_flow_style=None
    )


EXAMPLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "required": ("request_id_present", "Every request has a number.", {"action": "quarantine"}),
    "parses": ("created_at_readable", "The time of a request can be read.", {"action": "quarantine"}),
    "allowed": ("status_known", "The status is one we know.",
                {"lookup": "statuses", "lookupColumn": "source_status", "action": "flag"}),
    "range": ("open_hours_possible", "A week has no more than 168 hours.", {"minimum": 0, "maximum": 168, "action": "blank"}),
    "length": ("zip_code_length", "A zip code has five digits or nine.", {"minimum": 5, "maximum": 10, "action": "blank"}),
    "pattern": ("phone_digits", "A phone number is ten digits.", {"pattern": "[0-9]{10}", "action": "flag"}),
    "compare": ("closed_after_created", "A request is not closed before it is made.",
                {"left": "closed_at", "operator": ">=", "right": "created_at", "blanks": ["closed_at"], "action": "blank"}),
    "inside": ("point_in_city", "The point lies in or near the city.",
               {"longitude": "longitude", "latitude": "latitude", "west": -118.7, "south": 33.6, "east": -118.1,
                "north": 34.4, "blanks": ["longitude", "latitude"], "action": "blank"}),
    "paired": ("point_whole", "Longitude and latitude come together.",
               {"columns": ["longitude", "latitude"], "blanks": ["longitude", "latitude"], "action": "blank"}),
    "local_time": ("opened_at_clear", "The time names one moment, even when clocks change.", {"action": "flag"}),
    "expression": ("closed_has_time", "A closed request says when.",
                   {"expression": "status_code <> 'closed' OR closed_at IS NOT NULL", "action": "flag"}),
    "unique": ("one_row_per_request", "A request stands in the table once.", {"columns": ["request_id"]}),
    "foreign_key": ("council_known", "The council is one of the boundary set.",
                    {"columns": ["council_id"], "dataset": "councils", "references": ["council_id"]}),
    "row_count": ("enough_rows", "Fewer rows than this is a broken delivery.", {"minimum": 1000, "maximum": 5000000}),
    "null_share": ("most_have_a_place", "Nearly all requests have a point.", {"column": "longitude", "maximum": 0.05}),
    "quarantine_share": ("few_held_back", "So many bad rows mean that the source changed.", {"maximum": 0.02}),
    "freshness": ("requests_recent", "The newest request is not older than two days.",
                  {"column": "created_at", "maximumHours": 48}),
    "conservation": ("every_request_published", "Each accepted row is published or left out for a named reason.",
                     {"sources": ["legacy_requests", "cases"], "ignored": "ignored_requests"}),
    "no_rows": ("no_future", "No request is from the future.",
                {"query": "SELECT * FROM {dataset} WHERE created_at > now()"}),
}  # fmt: skip
"""One rule of each check type: id, description, parameters. A type without one fails the reference, so none goes without."""
