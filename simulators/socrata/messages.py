"""Requests and answers as plain values, and errors in Socrata's shape.

Belongs here: what routes and server hand each other. Does not belong here: deciding or sending anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

JSON_TYPE: Final = "application/json;charset=utf-8"
CSV_TYPE: Final = "text/csv;charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One request, decoded. `params` are the query's (first value wins), header names lower case."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def token(self) -> str | None:
        """The application token, from header or query."""
        return self.headers.get("x-app-token") or self.params.get("$$app_token") or self.params.get("app_token")


@dataclass(frozen=True)
class Answer:
    """One answer. A `file` body is sent in chunks and removed afterwards. `rows` goes into the log."""

    status: int
    body: bytes = b""
    media: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    rows: int | None = None


def error(status: int, code: str, message: str, **data: Any) -> Answer:
    """An error as Socrata writes it."""
    body: dict[str, Any] = {"code": code, "error": True, "message": message}
    if data:
        body["data"] = data
    return Answer(status, json.dumps(body).encode())


def as_json(value: Any, status: int = 200) -> Answer:
    """Any value as a JSON answer."""
    return Answer(status, json.dumps(value).encode())
