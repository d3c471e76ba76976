"""The descriptor that lies beside the data: a Frictionless Data Package (version 2) with our provenance in `civicops`.

Belongs here: contract and provenance to JSON, and which part of it decides whether a release says anything new. Does not
belong here: the data itself (`publish`).
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from civicops import __version__
from civicops.contracts import Contract
from civicops.contracts.checktypes import Allowed, Length, Pattern, Range
from civicops.contracts.model import Column
from civicops.release.values import DATA_FILE, InputManifest, Provenance

_SPDX_LIKE = re.compile(r"^[-a-zA-Z0-9._]+$")
_FIELD_TYPES = {"timestamp": "datetime"}
_SCHEMA = "https://datapackage.org/profiles/2.0/datapackage.json"


def describe(
    contract: Contract, provenance: Provenance, *, sha256: str, size: int, rows: int, today: date | None = None
) -> dict[str, Any]:
    """The descriptor of a release that has no version yet. `size` in bytes; `today` as for `stage`."""
    return {
        "$schema": _SCHEMA,
        "name": contract.id,
        "id": contract.id,
        "title": contract.title,
        "description": "\n\n".join(part for part in (contract.purpose, contract.usage, contract.limitations) if part),
        "version": "",
        "created": "",
        "licenses": [_licence(contract.licence)],
        "sources": _sources(provenance),
        "contributors": [{"title": contract.owner, "roles": ["owner"]}],
        "resources": [
            {
                "name": contract.dataset,
                "type": "table",
                "path": DATA_FILE,
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                "bytes": size,
                "hash": f"sha256:{sha256}",
                "rowcount": rows,
                "schema": _schema(contract, today or datetime.now(UTC).date()),
            }
        ],
        "civicops": {
            "product": contract.product,
            "dataset": contract.dataset,
            "contract": {
                "id": contract.id,
                "version": contract.version,
                "status": contract.status,
                "fingerprint": contract.fingerprint,
            },
            "access": contract.access,
            "ethics_review": _review(contract),
            "privacy": [
                {
                    "id": rule.id,
                    "description": rule.description,
                    "columns": [
                        {"name": item.column, "treatment": item.treatment} | item.options for item in rule.treatments
                    ],
                }
                for rule in contract.privacy
            ],
            "checks": [
                {
                    "id": check.id,
                    "description": check.description,
                    "action": check.action,
                    "count": check.count,
                    "rows": check.rows,
                    "passed": check.passed,
                }
                for check in provenance.checks
            ],
            "conservation": _conservation(provenance),
            "inputs": [_input(item) for item in provenance.inputs],
            "run": provenance.run_id,
            "code": {
                "commit": provenance.git_commit,
                "dirty": provenance.git_dirty,
                **({"files": provenance.files_hash} if provenance.files_hash else {}),
            },
            "tools": {
                "civicops": __version__,
                "duckdb": duckdb.__version__,
                "python": platform.python_version(),
                **dict(provenance.tools),
            },
        },
    }


def with_version(package: Mapping[str, Any], version: str, created: datetime) -> dict[str, Any]:
    """The same descriptor for a release of that version, made at that moment."""
    moment = created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {**package, "id": f"{package['name']}@{version}", "version": version, "created": moment}


def essence(package: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader would notice: data, meaning, contract, check outcome, access. Two equal ones need no new release.

    Left out is what differs from run to run without changing what is published: when, by which run, code and tools, and
    from which deliveries.
    """
    mine = package.get("civicops", {})
    names = ("product", "dataset", "contract", "access", "ethics_review", "privacy", "checks")
    told = {key: mine.get(key) for key in names}
    kept = {
        key: value for key, value in package.items() if key not in ("id", "version", "created", "sources", "civicops")
    }
    return kept | {"civicops": told}


def _review(contract: Contract) -> dict[str, Any] | None:
    """The ethics review that a public release stands under; none for a restricted one."""
    return contract.reviewed.model_dump(mode="json") if contract.reviewed else None


def _schema(contract: Contract, today: date) -> dict[str, Any]:
    fields = [_field(contract, column) for column in contract.columns]
    return {
        "fields": [*fields, *(_old_field(contract.column(new)) for _, new in contract.old_names(today))],
        "primaryKey": list(contract.key),
        # Parquet has a null of its own; an empty text is a text.
        "missingValues": [],
    }


def _field(contract: Contract, column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "title": column.title,
        "type": _FIELD_TYPES.get(column.logical_type, column.logical_type),
        "format": "default",
        "description": column.description,
    }
    if column.unit:
        field["unit"] = column.unit
    if column.timezone:
        field["timezone"] = column.timezone
    if column.was:
        field["was"] = column.was.name
    if column.examples:
        field["example"] = column.examples[0]
    constraints = _constraints(contract, column)
    return field | ({"constraints": constraints} if constraints else {})


def _old_field(column: Column) -> dict[str, Any]:
    """A renamed column under the name it had, with the day on which that ends."""
    assert column.was is not None  # noqa: S101 - only those are asked for; tells the type checker so
    return {
        "name": column.was.name,
        "title": column.title,
        "type": _FIELD_TYPES.get(column.logical_type, column.logical_type),
        "format": "default",
        "description": f"The same as {column.name}, under the name it had; until {column.was.until}. {column.description}",
        "deprecated": {"replaced_by": column.name, "until": column.was.until.isoformat()},
    }


def _constraints(contract: Contract, column: Column) -> dict[str, Any]:
    """Only what holds for every row that can be published: checks whose action is `stop`."""
    found: dict[str, Any] = {}
    if column.required:
        found["required"] = True
    if contract.key == (column.name,):
        found["unique"] = True
    for check in contract.row_checks:
        spec = check.spec
        if check.column != column.name or check.action != "stop":
            continue
        if isinstance(spec, Range):
            found |= _bounds("minimum", spec.minimum) | _bounds("maximum", spec.maximum)
        elif isinstance(spec, Length):
            found |= _bounds("minLength", spec.minimum) | _bounds("maxLength", spec.maximum)
        elif isinstance(spec, Pattern):
            found["pattern"] = spec.pattern
        elif isinstance(spec, Allowed) and spec.values:
            found["enum"] = list(spec.values)
    return found


def _bounds(name: str, value: object) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _licence(text: str) -> dict[str, str]:
    """The standard wants a short name or an address; what is neither becomes the title of `other`."""
    if text.startswith(("https://", "http://")):
        return {"path": text}
    if _SPDX_LIKE.fullmatch(text):
        return {"name": text}
    return {"name": "other", "title": text}


def _sources(provenance: Provenance) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for item in provenance.inputs:
        source = {"title": item.title or item.source}
        if item.url.startswith(("https://", "http://")):
            source["path"] = item.url
        found[item.source] = source
    return list(found.values())


def _input(item: InputManifest) -> dict[str, Any]:
    moment = item.retrieved_at
    return {
        "source": item.source,
        "sequence": item.sequence,
        "delivery": item.delivery,
        "rows": item.rows,
        "retrieved": moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None,
        "objects": list(item.objects),
    }


def _conservation(provenance: Provenance) -> dict[str, Any] | None:
    rows = provenance.conservation
    if rows is None:
        return None
    return {
        "rows_in": rows.rows_in,
        "accepted": rows.accepted,
        "quarantined": rows.quarantined,
        "ignored": dict(rows.ignored),
    }
