"""Deliveries and landed objects as JSON that people can read, and back.

Belongs here: the format of a manifest. Does not belong here: writing it safely (`landing`, `part`).
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import Any

from civicops.ingest.values import Delivery, Finding, LandedObject, Shape

FORMAT = 1
"""Raised when a manifest written by an older version can no longer be read as it stands."""


def plain(value: Any) -> Any:
    """A dataclass as plain JSON values; moments in ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def delivery_to_json(delivery: Delivery) -> str:
    """The text of a delivery's manifest."""
    return json.dumps({"format": FORMAT, **plain(delivery)}, indent=1, ensure_ascii=False) + "\n"


def delivery_from_json(text: str) -> Delivery:
    """The delivery a manifest describes.

    Raises `ValueError`, `KeyError` or `TypeError` when the text is no manifest of this format.
    """
    data = json.loads(text)
    if data.pop("format") != FORMAT:
        raise ValueError("written by another version of civicops")
    data["objects"] = tuple(landed_from_plain(item) for item in data["objects"])
    data["findings"] = tuple(Finding(**item) for item in data["findings"])
    data["started_at"] = datetime.fromisoformat(data["started_at"])
    data["finished_at"] = datetime.fromisoformat(data["finished_at"])
    return Delivery(**data)


def landed_from_plain(data: dict[str, Any]) -> LandedObject:
    """The landed object of one entry of a manifest; raises as `delivery_from_json` does."""
    shape = {**data["shape"], "fields": tuple(data["shape"]["fields"])}
    return LandedObject(
        **{**data, "retrieved_at": datetime.fromisoformat(data["retrieved_at"]), "shape": Shape(**shape)}
    )
