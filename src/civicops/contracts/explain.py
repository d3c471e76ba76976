"""Pydantic's findings in words, with the line of the file and the nearest valid key.

Belongs here: translating validation errors of any closed model read from YAML. Does not belong here: the models.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from civicops.contracts.problems import Problem, nearest
from civicops.contracts.yaml_lines import Document, YamlPath

_LABELS = ("str", "int", "float", "bool")


def explain_validation(
    document: Document, error: ValidationError, model: type[BaseModel], at: YamlPath = ()
) -> Iterator[Problem]:
    """One `Problem` per finding of `error`, for a `model` that was read from the part of `document` at `at`."""
    for item in error.errors(include_url=False):
        location = item["loc"]
        real = tuple(part for part in location if not _is_label(part))
        where = ".".join(str(part) for part in (*at, *real) if not isinstance(part, int)) or "the file"
        name = real[-1] if real else ""
        match item["type"]:
            case "extra_forbidden":
                valid = valid_keys(model, real[:-1])
                message = f"unknown key '{name}'; {nearest(str(name), valid)}"
            case "missing":
                message = f"'{name}' is missing under {'.'.join(map(str, real[:-1])) or 'the top'}"
                real = real[:-1]
            case "literal_error":
                words = [word.strip("' ") for word in item["ctx"]["expected"].replace(" or ", ", ").split(",")]
                message = f"'{name}' cannot be '{item['input']}'; {nearest(str(item['input']), words)}"
            case _:
                message = f"{where}: {_plain(item['msg'])}"
        yield Problem(document.path, document.line((*at, *real)), message)


def _is_label(part: Any) -> bool:
    """Whether a piece of pydantic's location is the name of a union's member rather than a key of the file."""
    return isinstance(part, str) and (part.startswith(("tuple[", "function-", "list[")) or part in _LABELS)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should", "it should")


def valid_keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys that `model` allows at `path`."""
    current: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue
        current = _inner(current, str(part)) if current else None
    if current is None:
        return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _inner(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return _model_in(field.annotation)
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple, list, Annotated):
        for inner in get_args(annotation):
            found = _model_in(inner)
            if found is not None:
                return found
    return None
