"""What a caller may ask of the rows of a dataset, and its translation to SQL.

Belongs here: columns, filters and cursors, each checked against the release before it becomes SQL. Does not belong here: running
it (`rows`). No text of the caller ever becomes SQL: columns are looked up, operators are listed, values are bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing

from civicops.contracts.problems import nearest
from civicops.errors import CivicopsError
from civicops.release.sql import identifier

OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
MAX_FILTERS = 20
MAX_VALUES = 200
_SALT = "civicops.portal.cursor"
POSITION = "file_row_number"


class QuestionError(CivicopsError):
    """A question that cannot be answered; `status` is the HTTP status that says so."""

    def __init__(self, message: str, *, hint: str = "", status: int = 422) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(frozen=True)
class Question:
    """A checked question: SQL fragments made of our own words and quoted column names, and values to bind."""

    columns: tuple[str, ...]
    where: tuple[str, ...]
    values: tuple[Any, ...]
    after: int
    """Position of the last row of the page before; -1 for the first page."""
    mark: str
    """A hash over columns and filters, so that a cursor only continues its own question."""


def ask(types: Mapping[str, str], *, columns: str, filters: Sequence[str], cursor: str, version: str) -> Question:
    """Check a question against the columns (name to DuckDB type) of a release. Raises `QuestionError`."""
    names = tuple(dict.fromkeys(name.strip() for name in columns.split(","))) if columns else tuple(types)
    for name in names:
        _known(name, types)
    if len(filters) > MAX_FILTERS:
        raise QuestionError(f"At most {MAX_FILTERS} filters can be given, not {len(filters)}.")
    where, values = [], []
    for text in filters:
        condition, bound = _condition(text, types)
        where.append(condition)
        values.extend(bound)
    mark = hashlib.sha256("\0".join([*names, "", *filters]).encode()).hexdigest()[:16]
    return Question(names, tuple(where), tuple(values), _position(cursor, version, mark), mark)


def _known(name: str, types: Mapping[str, str]) -> str:
    if name not in types:
        raise QuestionError(f"There is no column '{name[:80]}'.", hint=f"{nearest(name[:80], types)}.")
    return identifier(name)


def _condition(text: str, types: Mapping[str, str]) -> tuple[str, list[Any]]:
    name, _, rest = text.partition(":")
    operator, colon, value = rest.partition(":")
    if not colon:
        hint = "Write it as column:operator:value, such as created_on:ge:2024-01-01."
        raise QuestionError(f"'{text[:80]}' is no filter.", hint=hint)
    column, kind = _known(name, types), types[name]
    if operator == "null":
        if value not in ("true", "false"):
            raise QuestionError(f"'{name}:null' is 'true' or 'false'.")
        return f"{column} IS {'' if value == 'true' else 'NOT '}NULL", []
    if kind.endswith("]"):
        if operator != "contains":
            raise QuestionError(f"'{name}' is a list; it can only be filtered with 'contains' and 'null'.")
        return f"list_contains({column}, CAST(? AS {kind[:-2]}))", [_typed(name, value, kind[:-2])]
    if operator in OPERATORS:
        return f"{column} {OPERATORS[operator]} CAST(? AS {kind})", [_typed(name, value, kind)]
    if operator == "in":
        parts = value.split(",")
        if len(parts) > MAX_VALUES:
            raise QuestionError(f"'{name}:in' takes at most {MAX_VALUES} values.")
        return f"{column} IN ({', '.join([f'CAST(? AS {kind})'] * len(parts))})", [
            _typed(name, part, kind) for part in parts
        ]
    if operator == "contains":
        if kind != "VARCHAR":
            raise QuestionError(f"'{name}' is not text; 'contains' is for text and lists.")
        return f"contains(lower({column}), lower(?))", [value]
    known = (*OPERATORS, "in", "contains", "null")
    raise QuestionError(f"There is no operator '{operator[:40]}'.", hint=f"{nearest(operator[:40], known)}.")


def _typed(name: str, value: str, kind: str) -> str:
    """The value as it was given, once the engine can read it as the column's type."""
    from civicops.portal.engine import cursor  # noqa: PLC0415 - beside its one use

    if kind != "VARCHAR":
        with cursor(seconds=2) as con:
            found = con.execute(f"SELECT TRY_CAST(? AS {kind})", [value]).fetchone()
        if found is None or found[0] is None:
            raise QuestionError(f"'{value[:80]}' cannot be compared with '{name}', which is of type {kind}.")
    if "\0" in value:
        raise QuestionError(f"The value for '{name}' holds a character that no text has.")
    return value


def cursor_after(position: int, version: str, mark: str) -> str:
    """The cursor of the next page: where this one ended, in which version, of which question; signed."""
    return signing.dumps([version, mark, position], salt=_SALT, compress=True)


def _position(cursor: str, version: str, mark: str) -> int:
    if not cursor:
        return -1
    try:
        found = signing.loads(cursor, salt=_SALT)
        same_version, same_mark, position = found[0] == version, found[1] == mark, int(found[2])
    except (signing.BadSignature, ValueError, TypeError, LookupError) as error:
        raise QuestionError("This cursor was not made here.", hint="Begin without one.") from error
    if not (same_version and same_mark):
        raise QuestionError("This cursor belongs to another question or version.", hint="Begin without one.")
    return position


def version_of_cursor(cursor: str) -> str:
    """The version that a cursor continues, or nothing; checked for real with the rest of the question."""
    try:
        return str(signing.loads(cursor, salt=_SALT)[0]) if cursor else ""
    except (signing.BadSignature, ValueError, TypeError, LookupError):
        return ""
