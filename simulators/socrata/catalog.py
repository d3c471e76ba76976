"""What the portal says about its datasets: catalogue search and a view's metadata.

Belongs here: descriptions. Does not belong here: rows.
"""

from collections.abc import Mapping
from typing import Any

from simulators.socrata.messages import Answer, as_json, error
from simulators.socrata.portal import PUBLISHED_AT, Dataset, Portal, epoch
from simulators.world.layout import VIEW_TYPES, Column


def _description(dataset: Dataset) -> str:
    if dataset.kind == "requests":
        return f"What people told the City of Marisol in {dataset.year}. Invented by a simulator."
    return f"{dataset.name}. Invented by a simulator."


def _entry(dataset: Dataset) -> dict[str, Any]:
    moment = dataset.changed_at.isoformat() + ".000Z"
    return {
        "resource": {
            "name": dataset.name,
            "id": dataset.id,
            "description": _description(dataset),
            "attribution": "City of Marisol",
            "type": "map" if dataset.kind == "map" else "dataset",
            "updatedAt": moment,
            "createdAt": PUBLISHED_AT.isoformat() + ".000Z",
            "data_updated_at": moment,
            "metadata_updated_at": PUBLISHED_AT.isoformat() + ".000Z",
            "columns_name": [c.header for c in dataset.columns],
            "columns_field_name": [c.field for c in dataset.columns],
            "columns_datatype": [VIEW_TYPES[c.kind].replace("_", " ").title() for c in dataset.columns],
        },
        "classification": {"categories": [], "tags": ["311"] if dataset.kind == "requests" else []},
        "metadata": {"domain": "data.marisol.example"},
        "permalink": f"/d/{dataset.id}",
        "link": f"/d/{dataset.id}",
    }


def search(portal: Portal, params: Mapping[str, str]) -> Answer:
    """`/api/catalog/v1`: datasets that share a word with `q`, those that share more first, as a real search does.

    A caller who wants one title must look at the titles. `ids` narrows to a comma-separated list.
    """
    words = set(params.get("q", "").lower().split())
    wanted = {x for x in params.get("ids", "").split(",") if x}

    def shared(dataset: Dataset) -> int:
        return len(words & set(f"{dataset.name} {_description(dataset)}".lower().split()))

    listed = [d for d in portal.datasets.values() if not wanted or d.id in wanted]
    found = sorted((d for d in listed if not words or shared(d)), key=shared, reverse=True)
    try:
        limit, offset = int(params.get("limit", "100")), int(params.get("offset", "0"))
    except ValueError:
        return error(400, "invalid_request", "limit and offset must be numbers")
    page = [_entry(d) for d in found[offset : offset + limit]]
    body = {"results": page, "resultSetSize": len(found), "timings": {"serviceMillis": 1, "searchMillis": [1]}}
    return as_json(body)


def view(dataset: Dataset, columns: tuple[Column, ...]) -> Answer:
    """`/api/views/<id>.json`: name, columns, when the rows were last updated (seconds since 1970)."""
    described = [
        {
            "id": 1000 + number,
            "name": column.header,
            "fieldName": column.field,
            "dataTypeName": VIEW_TYPES[column.kind],
            "renderTypeName": VIEW_TYPES[column.kind],
            "position": number,
        }
        for number, column in enumerate(columns, start=1)
    ]
    body = {
        "id": dataset.id,
        "name": dataset.name,
        "assetType": "map" if dataset.kind == "map" else "dataset",
        "attribution": "City of Marisol",
        "description": _description(dataset),
        "createdAt": epoch(PUBLISHED_AT),
        "publicationDate": epoch(PUBLISHED_AT),
        "rowsUpdatedAt": epoch(dataset.changed_at),
        "viewLastModified": epoch(dataset.changed_at),
        "viewType": "geo" if dataset.kind == "map" else "tabular",
        "license": {"name": "Creative Commons 1.0 Universal (Public Domain Dedication)"},
        "columns": described,
    }
    return as_json(body)
