"""Markdown from closed pydantic models: one table row per field, with its type in words a volunteer knows.

Belongs here: what the reference pages share. Does not belong here: any page.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def cell(text: object) -> str:
    """Text that may stand in a table cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table, or nothing for no rows."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(cell(value) for value in row) + " |" for row in rows)]) + "\n"


def type_name(annotation: Any) -> str:
    """A type as a volunteer would write it: `text`, `list of texts`, `flag or stop`."""
    plain = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        Any: "anything",
        NoneType: "nothing",
    }
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return type_name(inner[0])
    if origin in (Union, UnionType):
        names = [type_name(item) for item in inner if item is not NoneType]
        return " or ".join(dict.fromkeys(names))
    if origin is Literal:
        return " or ".join(f"`{item}`" for item in inner)
    if origin in (tuple, list):
        kinds = [item for item in inner if item is not Ellipsis]
        return "list of " + (type_name(kinds[0]) if len(set(kinds)) == 1 else " and ".join(map(type_name, kinds)))
    if origin is dict:
        return f"table of {type_name(inner[1])}"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return f"a {annotation.__name__}"
    return plain.get(annotation, getattr(annotation, "__name__", str(annotation)))


def bounds(field: FieldInfo) -> str:
    """The bounds a field's constraints set, in words."""
    words = {
        "ge": "at least",
        "gt": "more than",
        "le": "at most",
        "lt": "less than",
        "min_length": "at least",
        "pattern": "like",
    }
    found = []
    for constraint in field.metadata:
        for name, word in words.items():
            value = getattr(constraint, name, None)
            if value is not None:
                found.append(f"{word} `{value}`" if name == "pattern" else f"{word} {value}")
    return ", ".join(found)


def default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    empty = value is None or isinstance(value, BaseModel) or value in ("", (), {})
    return "" if empty else f"`{value}`"


def field_rows(model: type[BaseModel], skip: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Key, type with bounds, default and description of each field, by the name it has in a file."""
    rows: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        if name not in skip:
            kind = ", ".join(part for part in (type_name(field.annotation), bounds(field)) if part)
            rows.append((f"`{field.alias or name}`", kind, default_text(field), field.description or ""))
    return rows
