"""Reading ODCS `customProperties`, the standard's own place for what it has no word for.

Belongs here: typed access to them, with unknown ones named. Does not belong here: which ones exist; the caller asks by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from civicops.contracts.blanks import BLANK
from civicops.contracts.explain import explain_validation
from civicops.contracts.odcs import CustomProperty
from civicops.contracts.problems import Problem, nearest
from civicops.contracts.yaml_lines import Document, YamlPath

M = TypeVar("M", bound=BaseModel)


class _Problems(Protocol):
    document: Document
    problems: list[Problem]

    def problem(self, location: YamlPath, message: str) -> None: ...


class CustomReader:
    """Takes properties out by name; `finish` names those nobody asked for."""

    def __init__(self, sink: _Problems, properties: Sequence[CustomProperty], at: YamlPath) -> None:
        self._sink, self._at = sink, at
        self._items: dict[str, tuple[int, Any]] = {}
        self._asked: list[str] = []
        for index, item in enumerate(properties):
            if item.property in self._items:
                sink.problem((*at, index), f"property '{item.property}' is given twice")
            self._items[item.property] = (index, item.value)

    def index(self, name: str) -> int:
        return self._items[name][0] if name in self._items else 0

    def _take(self, name: str) -> Any:
        self._asked.append(name)
        return self._items[name][1] if name in self._items else None

    def _wrong(self, name: str, message: str) -> None:
        location = (*self._at, self._items[name][0], "value") if name in self._items else self._at
        self._sink.problem(location, message)

    def text(self, name: str, *, optional: bool = False) -> str:
        value = self._take(name)
        if value is None:
            if not optional:
                self._wrong(name, f"custom property '{name}' is missing")
            return ""
        if not isinstance(value, str):
            self._wrong(name, f"'{name}' must be text")
            return ""
        return value

    def choice(self, name: str, valid: Sequence[str]) -> str:
        value = self.text(name)
        if value and value not in valid and not value.startswith(BLANK):
            self._wrong(name, f"'{name}' cannot be '{value}'; {nearest(value, valid)}")
        return value

    def words(self, name: str) -> list[str]:
        value = self._take(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self._wrong(name, f"'{name}' must be a list of texts")
            return []
        return list(value)

    def mapping(self, name: str) -> dict[str, str]:
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(v, str) and v for v in value.values()):
            self._wrong(name, f"'{name}' must give each field a reason")
            return {}
        return {str(key): str(reason) for key, reason in value.items()}

    def models(self, name: str, model: type[M]) -> tuple[M, ...]:
        value = self._take(name)
        found: list[M] = []
        for position, item in enumerate(value if isinstance(value, list) else []):
            try:
                found.append(model.model_validate(item))
            except ValidationError as error:
                location = (*self._at, self.index(name), "value", position)
                self._sink.problems.extend(explain_validation(self._sink.document, error, model, location))
        if value is not None and not isinstance(value, list):
            self._wrong(name, f"'{name}' must be a list")
        return tuple(found)

    def model(self, name: str, model: type[M]) -> M | None:
        value = self._take(name)
        if value is None:
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            location = (*self._at, self.index(name), "value")
            self._sink.problems.extend(explain_validation(self._sink.document, error, model, location))
            return None

    def finish(self) -> None:
        for name, (index, _) in self._items.items():
            if name not in self._asked:
                location = (*self._at, index, "property")
                self._sink.problem(location, f"unknown property '{name}'; {nearest(name, self._asked)}")
