"""What contracts and the test files of other tools have in common, and what got lost between them.

Belongs here: the value that says what was lost, what severity an action becomes and back, names of types, and where a check
stands in its file. Does not belong here: what one other tool's file looks like (`exchange_dbt_*`, `exchange_ge_*`), or putting a
new contract together (`exchange_draft`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from civicops.checks.rules import LookupValues
from civicops.contracts import checktypes as ct
from civicops.contracts.model import Check, Contract
from civicops.contracts.problems import nearest
from civicops.contracts.yaml_lines import Document, YamlPath, read_yaml
from civicops.errors import CivicopsError

Tool = Literal["dbt", "ge"]
TOOL_NAMES = {"dbt": "dbt", "ge": "Great Expectations"}
OURS = "civicops"
"""The key under which what only we understand stands in another tool's `meta`."""


class ExchangeError(CivicopsError):
    """A file of another tool cannot be read as what it should be, or a contract would be written over."""


@dataclass(frozen=True, order=True)
class Loss:
    """Something that one side says and the other cannot: what, where (`path:line`), why, and what to do about it.

    `check` is the id of a check that is missing on the other side altogether; empty where only a part of something is.
    """

    where: str
    what: str
    why: str
    todo: str
    check: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.why}. {self.todo}"


@dataclass(frozen=True)
class Source:
    """A contract to be written for another tool, with the values of its lookups and the lines of its checks."""

    contract: Contract
    lookups: LookupValues

    @cached_property
    def _document(self) -> Document | None:
        try:
            return read_yaml(self.contract.path)
        except CivicopsError:
            return None

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        """Line of each id and each column's name."""
        if self._document is None:
            return {}
        found: dict[str, int] = {}
        for location, line in self._document.lines.items():
            if location and location[-1] in ("id", "name"):
                found.setdefault(str(_at(self._document.data, location)), line)
        return found

    def where(self, name: str = "") -> str:
        """`path:line` of a check or column of the contract; of the whole file without a name."""
        return f"{self.contract.path}:{self._lines.get(name, 1)}"

    def where_check(self, check: Check) -> str:
        """`path:line` of a check, or of the column whose declaration it comes from."""
        return self.where(check.id if check.id in self._lines else check.column or "")

    @property
    def raw(self) -> dict[str, Any]:
        """The contract's file as plain values."""
        return self._document.data if self._document is not None else {}


def _at(data: Any, location: YamlPath) -> Hashable:
    for part in location:
        data = data[part]
    return str(data)


def is_row(check: Check) -> bool:
    """Whether a check asks something of each row alone."""
    return check.kind in ct.ROW_CHECKS


def severity(action: str) -> Literal["error", "warn"]:
    """What a broken check does in a tool that only fails or warns."""
    return "error" if action in ("quarantine", "stop") else "warn"


def usual_action(level: str, layer: str, *, row: bool) -> str:
    """The action that a failing or warning test of another tool stands for in a contract of that layer."""
    if level == "warn":
        return "flag"
    return "quarantine" if row and layer == "accepted" else "stop"


def action_of(level: str, layer: str, told: Any, *, row: bool) -> str:
    """The action told beside a test, where it fits its severity and layer; the usual one else. Severity decides."""
    allowed = ("flag", "blank", "quarantine", "stop") if row and layer == "accepted" else ("flag", "stop")
    if isinstance(told, str) and told in allowed and severity(told) == level:
        return told
    return usual_action(level, layer, row=row)


_TYPES = {
    "string": r"varchar|text|string|char|character|character varying|nvarchar|bpchar|uuid|object_|str",
    "integer": r"bigint|int|integer|smallint|tinyint|hugeint|int(?:2|4|8|16|32|64)|ubigint|uinteger|serial|integertype|longtype",
    "number": r"double|double precision|float|float(?:4|8|16|32|64)|real|decimal|numeric|number|floattype|doubletype",
    "boolean": r"boolean|bool|bit|booleantype",
    "date": r"date|datetype",
    "timestamp": r"timestamp|datetime|timestamptz|timestamp_ntz|timestamp_tz|timestamp with time zone|timestamp without time zone"
    r"|datetime64|datetime64\[ns\]|timestamptype",
    "time": r"time",
    "object": r"json|jsonb|struct|variant|map|object|dict",
    "array": r"array|list",
}


def logical_type(text: str) -> tuple[str, str | None] | None:
    """The type of a contract that another tool's name of a type stands for, and the physical type where that says more.

    `None` for a name that is not known.
    """
    word = " ".join(text.strip().split())
    bare = re.sub(r"\s*\(.*\)$", "", word).lower()
    if bare.endswith("[]") or bare.startswith(("array<", "list<")):
        return "array", None if word.upper() == "VARCHAR[]" else word.upper()
    for logical, pattern in _TYPES.items():
        if re.fullmatch(pattern, bare):
            if logical == "timestamp" and (("tz" in bare and "ntz" not in bare) or "with time zone" in bare):
                return logical, "TIMESTAMP WITH TIME ZONE"
            exact = re.fullmatch(r"(?:decimal|numeric|number)\s*\((\d+)\s*,\s*(\d+)\)", word, re.IGNORECASE)
            return logical, f"DECIMAL({exact[1]},{exact[2]})" if exact else None
    return None


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` where a known word is near; nothing else."""
    said = nearest(word, known)
    return f"; {said}" if said.startswith("did you mean") else ""


def sql_names(text: str) -> str | None:
    """A bare or quoted identifier without its quotes; `None` for anything else."""
    found = re.fullmatch(r'"([a-z][a-z0-9_]*)"|([A-Za-z][A-Za-z0-9_]*)', text.strip())
    return (found[1] or found[2].lower()) if found else None


def plain_number(text: str) -> int | float | None:
    """A number written as text; `None` for anything else."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
