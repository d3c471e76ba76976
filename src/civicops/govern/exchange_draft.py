"""A new contract put together from another tool's file, and written once it is whole.

Belongs here: columns and checks in the order they are found, what is left blank for a person, and writing the file without
overwriting one. Does not belong here: reading the other tool's file (`exchange_dbt_in`, `exchange_ge_in`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from civicops.contracts import ContractFileError, load_contract
from civicops.contracts.blanks import BLANK
from civicops.contracts.checktypes import DATASET_CHECKS, ROW_CHECKS
from civicops.govern.exchange import ExchangeError, Loss, usual_action

NAME = re.compile(r"^[a-z][a-z0-9_]*$")
OWN_ACTION = ("row_count",)
"""Kinds without an action: their bounds say what happens."""
READING = {
    "sourceNames": list, "formats": list, "nullValues": list, "trueValues": list, "falseValues": list, "unit": str,
    "personalDataExpected": dict,
}  # fmt: skip
"""Custom properties of a column that another tool's `meta` may hold for us, and their shape."""


@dataclass(frozen=True)
class Asked:
    """What the one who imports says, since no other tool's file can: each may be left out and becomes a blank."""

    layer: str = "published"
    owner: str = ""
    purpose: str = ""
    licence: str = ""
    access: str = ""
    title: str = ""


@dataclass(frozen=True)
class Imported:
    """A contract that was put together, what was lost, and how many blanks are left in it."""

    product: str
    dataset: str
    text: str
    losses: tuple[Loss, ...]


class Draft:
    """One contract being put together; used once.

    Columns and checks come in any order. A check on a column that nobody named before makes the column.
    """

    def __init__(self, product: str, dataset: str, asked: Asked, path: Path) -> None:
        self.product, self.dataset, self.asked, self.path = product, dataset, asked, path
        self.layer = asked.layer
        self.columns: dict[str, dict[str, Any]] = {}
        self.quality: list[dict[str, Any]] = []
        self.losses: list[Loss] = []
        self.told: dict[str, Any] = {}
        """What the file's own `meta` says for us of the whole dataset."""
        self._ids: set[str] = set()
        self._of_key: dict[str, Any] | None = None
        """A check that comes of the key, if the key is these columns in the end."""

    def lose(self, line: int, what: str, why: str, todo: str, *, check: str = "") -> None:
        """Note something that the contract cannot say."""
        self.losses.append(Loss(f"{self.path}:{line}", what, why, todo, check))

    def column(self, name: str) -> dict[str, Any]:
        """The column of that name, made if it is new."""
        if name not in self.columns:
            self.columns[name] = {"name": name, "logicalType": "string"}
        return self.columns[name]

    def custom(self, column: str, name: str, value: Any) -> None:
        """Give a column a property that only civicops knows."""
        found = self.column(column).setdefault("customProperties", [])
        if all(item["property"] != name for item in found):
            found.append({"property": name, "value": value})

    def take_column_meta(self, name: str, mine: Mapping[str, Any], line: int) -> None:
        """What a column's `meta` holds for us."""
        column = self.column(name)
        for key, value in mine.items():
            if key in READING and isinstance(value, READING[key]):
                self.custom(name, key, value)
            elif key in ("title", "classification", "sourceName") and isinstance(value, str):
                plain = {"title": "businessName", "classification": "classification", "sourceName": "physicalName"}
                column[plain[key]] = value
            elif key == "timezone" and isinstance(value, str):
                column.setdefault("logicalTypeOptions", {})["defaultTimezone"] = value
                column.pop("physicalType", None)
            elif key == "examples" and isinstance(value, list):
                column["examples"] = value
            elif key == "critical" and value is True:
                column["criticalDataElement"] = True
            elif key == "logicalType" and isinstance(value, str):
                column["logicalType"] = value
                column.pop("physicalType", None)
            elif key == "physicalType" and isinstance(value, str):
                column["physicalType"] = value
            elif key in ("required", "unique") and value is True:
                column[key] = True
            elif key == "parses" and isinstance(value, dict) and self.layer == "accepted":
                action = value.get("action")
                spec = {"check": "parses", "action": action if isinstance(action, str) else "quarantine"}
                told = str(value.get("id") or ""), str(value.get("description") or "")
                self.add(spec, column=name, name=told[0], description=told[1])
            elif key == "description" and isinstance(value, str):
                column.setdefault("description", value)
            else:
                self.lose(
                    line, f"meta '{key}' of {name}", "no property of a contract is called so", "Write it by hand."
                )

    def add(
        self,
        spec: Mapping[str, Any],
        *,
        column: str | None,
        name: str,
        description: str,
        dimension: str | None = None,
    ) -> None:
        """Add a check under an id that is free. `spec` is what stands under `implementation`, its action included."""
        kind = spec["check"]
        if kind not in ROW_CHECKS and kind not in DATASET_CHECKS:
            raise ValueError(f"there is no check '{kind}'")
        if self._implied(spec, column, name):
            return
        identity = self._free(name or (f"{column}_{kind}" if column else kind))
        rule: dict[str, Any] = {"id": identity, "description": description or _sentence(spec, column)}
        if dimension:
            rule["dimension"] = dimension
        rule |= {"type": "custom", "engine": "civicops", "implementation": dict(spec)}
        if column is not None and (kind in ROW_CHECKS or kind in ("null_share", "unique")):
            self.column(column).setdefault("quality", []).append(rule)
        else:
            self.quality.append(rule)

    def _implied(self, spec: Mapping[str, Any], column: str | None, name: str) -> bool:
        """Say `required` and `unique` in the column's declaration where that means the very same check."""
        kind, action = spec["check"], spec.get("action")
        usual = action == usual_action("error", self.layer, row=True)
        if column is not None and kind == "required" and usual and name in ("", f"{column}_required"):
            self.column(column)["required"] = True
            return True
        if kind == "unique" and action in (None, "stop"):
            columns = list(spec["columns"])
            if name == "key_unique" and self._of_key is None:
                self._of_key = dict(spec)
                return True
            if len(columns) == 1 and name in ("", f"{columns[0]}_unique"):
                self.column(columns[0])["unique"] = True
                return True
        return False

    def _free(self, wanted: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_.-]+", "_", wanted).strip("_") or "check"
        found, number = base, 2
        while found in self._ids:
            found, number = f"{base}_{number}", number + 1
        self._ids.add(found)
        return found

    def key(self, columns: list[str]) -> None:
        """Make these columns the key, in this order."""
        for position, name in enumerate(columns, 1):
            self.column(name).update({"primaryKey": True, "primaryKeyPosition": position})

    def done(self) -> Imported:
        """The contract's text, with a blank for each thing that nobody said."""
        key = [name for name, column in self.columns.items() if column.get("primaryKey")]
        if self._of_key is not None and (self.layer != "published" or set(self._of_key["columns"]) != set(key)):
            rule = {"id": self._free("key_unique"), "description": _sentence(self._of_key, None), "type": "custom"}
            self.quality.append(rule | {"engine": "civicops", "implementation": self._of_key})
        self._settle_columns()
        data = self._data()
        head = (
            f"# Made from {self.path.name}. Fill in every value that begins with '{BLANK.strip()}': until then no command accepts"
            " this file.\n"
        )
        text = head + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
        return Imported(self.product, self.dataset, text, tuple(sorted(self.losses)))

    def _settle_columns(self) -> None:
        for name, column in self.columns.items():
            if not column.get("description"):
                column["description"] = f"{BLANK}what {name} means, in which unit, and when it is empty"
            zone = column.get("logicalTypeOptions", {}).get("defaultTimezone")
            formats = any(item["property"] == "formats" for item in column.get("customProperties", ()))
            if self.layer == "accepted" and column["logicalType"] in ("date", "timestamp", "time") and not formats:
                self.custom(name, "formats", [f"{BLANK}how the source writes it, such as %Y-%m-%d"])
            if zone and column["logicalType"] != "timestamp":
                column.pop("logicalTypeOptions")

    def _data(self) -> dict[str, Any]:
        told, asked = self.told, self.asked

        def text(key: str, said: str, blank: str) -> str:
            found = told.get(key)
            return said or (found if isinstance(found, str) and found else f"{BLANK}{blank}")

        team = told.get("team")
        members = team if isinstance(team, list) and team and not asked.owner else None
        owner = asked.owner or f"{BLANK}user name of who answers for it"
        description = {"purpose": text("purpose", asked.purpose, "why this data is kept, for whom")}
        description |= {
            key: told[key] for key in ("usage", "limitations") if isinstance(told.get(key), str) and told[key]
        }
        table: dict[str, Any] = {"name": self.dataset}
        table |= {"quality": self.quality} if self.quality else {}
        table["properties"] = [_ordered(column) for column in self.columns.values()]
        return {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": f"{self.product}.{self.dataset}",
            "name": text("title", asked.title, "what people call it"),
            "version": text("version", "", "") if told.get("version") else "0.1.0",
            "status": text("status", "", "") if told.get("status") else "draft",
            "dataProduct": self.product,
            "description": description,
            "team": {"members": members or [{"username": owner, "role": "owner"}]},
            "customProperties": [
                {"property": "layer", "value": self.layer},
                {"property": "access", "value": text("access", asked.access, "public, restricted or internal")},
                {"property": "licence", "value": text("licence", asked.licence, "an SPDX name such as CC0-1.0")},
            ],
            "schema": [table],
        }


_ORDER = (
    "name", "physicalName", "businessName", "description", "logicalType", "physicalType", "logicalTypeOptions", "primaryKey",
    "primaryKeyPosition", "required", "unique", "criticalDataElement", "classification", "examples", "customProperties",
    "quality",
)  # fmt: skip


def _ordered(column: Mapping[str, Any]) -> dict[str, Any]:
    return {key: column[key] for key in _ORDER if key in column}


def _sentence(spec: Mapping[str, Any], column: str | None) -> str:
    """What a check asks, where the other tool's file has no sentence for it."""
    said = ", ".join(
        f"{key} {value}"
        for key, value in spec.items()
        if key not in ("check", "action", "column") and value not in ((), [])
    )
    return f"{column or 'The dataset'} keeps the rule '{spec['check']}'{f': {said}' if said else ''}."


def write(found: Imported, folder: Path, *, force: bool) -> tuple[Path, tuple[str, ...]]:
    """Write a contract into a product's folder of contracts; the path, and what is still wrong or blank in it, with lines.

    Raises `ExchangeError` where the file exists already and `force` was not given.
    """
    path = folder / f"{found.dataset}.yaml"
    if path.exists() and not force:
        raise ExchangeError(
            f"{path} exists already.",
            hint="Name another dataset with --dataset, or replace the file with --force; git keeps what it was.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(found.text, encoding="utf-8")
    part.replace(path)
    try:
        load_contract(path)
    except ContractFileError as error:
        return path, tuple(str(problem) for problem in error.problems)
    return path, ()
