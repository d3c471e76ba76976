"""From a dbt `schema.yml` to contracts, one per model.

Belongs here: walking the file, what each of its keys becomes, and naming every key that becomes nothing. Does not belong here:
what a single test means (`exchange_dbt_tests`), or writing the contract (`exchange_draft`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from civicops.contracts.problems import nearest
from civicops.contracts.yaml_lines import Document, YamlPath, read_yaml
from civicops.govern.exchange import OURS, ExchangeError, logical_type
from civicops.govern.exchange_dbt_tests import DbtTest, add_test, join_pairs
from civicops.govern.exchange_draft import NAME, Asked, Draft, Imported
from civicops.govern.exchange_told import TOLD

_MODEL_KEYS = ("name", "description", "config", "meta", "columns", "tests", "data_tests", "constraints")
_COLUMN_KEYS = ("name", "description", "data_type", "config", "meta", "tests", "data_tests", "constraints")


def from_dbt(
    path: Path, product: str, asked: Asked, *, layer_given: bool = True, only: str = ""
) -> tuple[Imported, ...]:
    """The contracts that the models of a `schema.yml` become, each with what of it was lost.

    `only` names one model. Where `layer_given` is false, a layer that the file itself tells counts. Raises `ExchangeError` for a
    file without models or without that one, `ContractFileError` for text that is no YAML.
    """
    document = read_yaml(path)
    data = document.data if isinstance(document.data, dict) else {}
    models = data.get("models")
    if not isinstance(models, list) or not models:
        raise ExchangeError(
            f"{path} has no models.", hint="Name a dbt file with 'models:'; 'sources:' and others are not read."
        )
    named = [
        (index, item)
        for index, item in enumerate(models)
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]
    chosen = [(index, item) for index, item in named if not only or item["name"] == only]
    if not chosen:
        raise ExchangeError(
            f"{path} has no model '{only}'.", hint=f"{nearest(only, [item['name'] for _, item in named])}."
        )
    rest = [(key, data[key]) for key in data if key not in ("version", "models")]
    found: list[Imported] = []
    for index, model in chosen:
        reader = _Reader(document, product, model, ("models", index), asked, layer_given)
        if not found:
            for key, _ in rest:
                reader.lose((key,), f"'{key}'", "only models become contracts", "Copy what is needed by hand.")
        found.append(reader.read())
    return tuple(found)


class _Reader:
    """Reads one model; used once."""

    def __init__(
        self, document: Document, product: str, model: dict[str, Any], at: YamlPath, asked: Asked, layer_given: bool
    ) -> None:
        self.document, self.model, self.at = document, model, at
        name = _plain_name(model["name"])
        if name is None:
            raise ExchangeError(
                f"Model '{model['name']}' cannot be the name of a dataset.", hint="Use a to z, 0 to 9 and _."
            )
        mine = _mine(model)
        if not layer_given and mine.get("layer") in ("accepted", "published"):
            asked = Asked(**{**vars(asked), "layer": mine["layer"]})
        self.draft = Draft(product, name, asked, document.path)
        self.mine = mine
        self.keys: list[str] = []
        self.shy: dict[str, list[str]] = {}

    def lose(self, at: YamlPath, what: str, why: str, todo: str, check: str = "") -> None:
        self.draft.lose(self.document.line(at), what, why, todo, check=check)

    def read(self) -> Imported:
        draft, model = self.draft, self.model
        draft.told = {key: self.mine[key] for key in TOLD if key in self.mine}
        if description := str(model.get("description") or "").strip():
            draft.told["purpose"] = description
        self.unread(model, _MODEL_KEYS, self.at, f"model '{draft.dataset}'")
        for key in self.mine:
            if key not in TOLD:
                self.lose(self.at, f"meta '{key}'", "no property of a contract is called so", "Write it by hand.")
        tests: list[DbtTest] = []
        for index, column in enumerate(_listed(model.get("columns"))):
            tests += self.column(column, (*self.at, "columns", index))
        tests += self.tests(model, self.at, None)
        for index, item in enumerate(_listed(model.get("constraints"))):
            self.constraint(item, (*self.at, "constraints", index), None)
        for test in join_pairs(tests):
            add_test(draft, test)
        self.settle_key()
        return draft.done()

    def column(self, column: Any, at: YamlPath) -> list[DbtTest]:
        name = _plain_name(column.get("name")) if isinstance(column, dict) else None
        if name is None:
            said = column.get("name") if isinstance(column, dict) else column
            self.lose(at, f"column '{said}'", "its name is not made of a to z, 0 to 9 and _", "Rename it in the model.")
            return []
        if name != column["name"]:
            self.lose(
                (*at, "name"), f"capitals of '{column['name']}'", "names of columns are small letters", "Rename it."
            )
        made = self.draft.column(name)
        if text := str(column.get("description") or "").strip():
            made["description"] = text
        self.type(made, column, at)
        self.unread(column, _COLUMN_KEYS, at, f"column '{name}'")
        self.draft.take_column_meta(name, _mine(column), self.document.line(at))
        for index, item in enumerate(_listed(column.get("constraints"))):
            self.constraint(item, (*at, "constraints", index), name)
        return self.tests(column, at, name)

    def type(self, made: dict[str, Any], column: Mapping[str, Any], at: YamlPath) -> None:
        said = column.get("data_type")
        if said is None:
            self.lose(
                at, f"the type of '{made['name']}'", "the file has none; it is taken as text", "Give its logicalType."
            )
            return
        found = logical_type(str(said))
        if found is None:
            where = (*at, "data_type")
            self.lose(
                where,
                f"type '{said}' of '{made['name']}'",
                "not known; taken as text",
                "Give its logicalType.",
            )
            return
        made["logicalType"] = found[0]
        if found[1]:
            made["physicalType"] = found[1]

    def unread(self, item: Mapping[str, Any], known: Sequence[str], at: YamlPath, whose: str) -> None:
        """Name every key that becomes nothing, those inside `config` and `meta` too."""
        for key in item:
            if key not in known:
                self.lose(
                    (*at, key), f"'{key}' of {whose}", "a contract has no such thing", "Keep it in the dbt project."
                )
        config = item.get("config") if isinstance(item.get("config"), dict) else {}
        for key in config or {}:
            if key != "meta":
                where = (*at, "config", key)
                self.lose(
                    where,
                    f"config '{key}' of {whose}",
                    "it says how dbt builds it",
                    "Keep it in dbt.",
                )
        self.owner(item, config or {})
        for place, meta in ((("meta",), item.get("meta")), (("config", "meta"), (config or {}).get("meta"))):
            for key in meta if isinstance(meta, dict) else {}:
                if key != OURS and not (
                    key == "owner" and item is self.model and isinstance((meta or {}).get("owner"), str)
                ):
                    self.lose(
                        (*at, *place, key),
                        f"meta '{key}' of {whose}",
                        "only its readers know it",
                        "Keep it in dbt.",
                    )

    def owner(self, item: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """`meta: owner`, by which dbt projects say who answers for a model."""
        for meta in (item.get("meta"), config.get("meta")):
            if item is self.model and isinstance(meta, dict) and isinstance(meta.get("owner"), str):
                self.draft.told.setdefault("team", [{"username": meta["owner"], "role": "owner"}])

    def tests(self, item: Mapping[str, Any], at: YamlPath, column: str | None) -> list[DbtTest]:
        found: list[DbtTest] = []
        for key in ("tests", "data_tests"):
            for index, test in enumerate(_listed(item.get(key))):
                place = (*at, key, index)
                read = DbtTest.read(test, column, self.document.line(place), f"{self.draft.dataset}__")
                if read is None:
                    self.lose(place, f"test {test!r}", "it is not written as dbt wants a test", "Mend the file.")
                else:
                    if read.kind in ("unique", "not_null") and column and not read.config:
                        self.shy.setdefault(column, []).append(read.kind)
                    found.append(read)
        return found

    def constraint(self, item: Any, at: YamlPath, column: str | None) -> None:
        kind = item.get("type") if isinstance(item, dict) else None
        columns = (
            [column] if column else [name for one in _listed((item or {}).get("columns")) if (name := _plain_name(one))]
        )
        add = self.draft.add
        if kind == "not_null" and columns:
            for name in columns:
                add({"check": "required", "action": _error(self.draft, row=True)}, column=name, name="", description="")
        elif kind == "primary_key" and columns:
            self.keys = columns
        elif kind == "unique" and columns:
            spec = {"check": "unique", "columns": columns, "action": "stop"}
            add(spec, column=column if len(columns) == 1 else None, name=str(item.get("name") or ""), description="")
        elif kind == "check" and item.get("expression"):
            spec = {
                "check": "expression",
                "expression": str(item["expression"]),
                "action": _error(self.draft, row=True),
            }
            add(spec, column=None, name=str(item.get("name") or ""), description="")
        elif kind == "foreign_key" and columns and item.get("to") and _listed(item.get("to_columns")):
            test = DbtTest("relationships", None, self.document.line(at), str(item.get("name") or ""), "", {
                "to": item["to"], "field": list(item["to_columns"]), "columns": columns}, {})  # fmt: skip
            add_test(self.draft, test)
        else:
            todo = "Write a check of your own." if kind != "custom" else "Say it as a check."
            self.lose(at, f"constraint {kind!r}", "no check says the same", todo)

    def settle_key(self) -> None:
        """The key that the file tells, or the one column that alone is unique and never empty."""
        if not self.keys and not self.mine:
            whole = [name for name, kinds in self.shy.items() if {"unique", "not_null"} <= set(kinds)]
            self.keys = whole if len(whole) == 1 else []
        self.draft.key(self.keys)


def _error(draft: Draft, *, row: bool) -> str:
    return "quarantine" if row and draft.layer == "accepted" else "stop"


def _mine(item: Mapping[str, Any]) -> dict[str, Any]:
    """What the `meta` of a model or column holds for us, in either of the places that dbt allows."""
    config = item.get("config")
    found: dict[str, Any] = {}
    for meta in (item.get("meta"), config.get("meta") if isinstance(config, dict) else None):
        mine = meta.get(OURS) if isinstance(meta, dict) else None
        found |= mine if isinstance(mine, dict) else {}
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain_name(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    low = re.sub(r'^"(.*)"$', r"\1", value.strip()).lower()
    return low if NAME.fullmatch(low) else None
