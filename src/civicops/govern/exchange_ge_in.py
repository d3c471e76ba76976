"""From an expectation suite of Great Expectations, 1.x or 0.18, to a contract.

Belongs here: walking the file, and naming everything in it that becomes nothing. Does not belong here: what a single expectation
means (`exchange_ge_expectations`), or writing the contract (`exchange_draft`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from civicops.contracts.yaml_lines import YamlPath, read_yaml
from civicops.govern.exchange import OURS, ExchangeError, logical_type, near
from civicops.govern.exchange_draft import NAME, Asked, Draft, Imported
from civicops.govern.exchange_ge_expectations import KNOWN, Expectation
from civicops.govern.exchange_told import TOLD

_SUITE_KEYS = ("name", "expectation_suite_name", "expectations", "meta", "id", "ge_cloud_id", "data_asset_type", "notes",
               "evaluation_parameters", "suite_parameters")  # fmt: skip
_KEYS = ("type", "expectation_type", "kwargs", "meta", "id", "ge_cloud_id", "severity", "description", "notes",
         "rendered_content", "expectation_context", "windows")  # fmt: skip
_QUIET = ("column", "result_format", "catch_exceptions", "include_config", "batch_id", "mostly")


def from_ge(path: Path, product: str, asked: Asked, *, layer_given: bool = True, dataset: str = "") -> Imported:
    """The contract that a suite becomes, with what of it was lost.

    `dataset` names it; the suite's own name, without the product, where it is left out. Raises `ExchangeError` for a file that is
    no suite, `ContractFileError` for text that is no JSON.
    """
    document = read_yaml(path)
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("expectations"), list):
        raise ExchangeError(
            f"{path} is no expectation suite.", hint="Name the JSON file of a suite, with 'expectations'."
        )
    said = str(data.get("name") or data.get("expectation_suite_name") or "")
    name = dataset or said.removeprefix(f"{product}.")
    if not NAME.fullmatch(name):
        raise ExchangeError(
            f"'{name}' cannot be the name of a dataset.", hint="Give one with --dataset: a to z, 0 to 9 and _."
        )
    mine = _mine(data)
    if not layer_given and mine.get("layer") in ("accepted", "published"):
        asked = Asked(**{**vars(asked), "layer": mine["layer"]})
    reader = _Reader(Draft(product, name, asked, path), document.line)
    return reader.read(data, mine)


class _Reader:
    """Reads one suite; used once."""

    def __init__(self, draft: Draft, line: Any) -> None:
        self.draft, self.line = draft, line
        self.bounds: dict[str, dict[str, Any]] = {}
        """Checks that two expectations say together, by id."""

    def lose(self, at: YamlPath, what: str, why: str, todo: str, check: str = "") -> None:
        self.draft.lose(self.line(at), what, why, todo, check=check)

    def read(self, data: Mapping[str, Any], mine: Mapping[str, Any]) -> Imported:
        self.draft.told = {key: mine[key] for key in TOLD if key in mine}
        for part in data:
            if part not in _SUITE_KEYS or (
                part in ("notes", "evaluation_parameters", "suite_parameters") and data[part]
            ):
                self.lose((part,), f"'{part}' of the suite", "a contract has no such thing", "Keep the suite.")
        self.meta(data, (), "the suite")
        self.columns(mine)
        for index, item in enumerate(data["expectations"]):
            self.expectation(item, ("expectations", index))
        for both in self.bounds.values():
            self.draft.add(**both)
        key = mine.get("key")
        if isinstance(key, list) and all(isinstance(one, str) and NAME.fullmatch(one) for one in key):
            self.draft.key(key)
        return self.draft.done()

    def meta(self, item: Mapping[str, Any], at: YamlPath, whose: str) -> None:
        meta = item.get("meta")
        for key in meta if isinstance(meta, dict) else {}:
            if key not in (OURS, "great_expectations_version") and not (
                key == "notes" and isinstance((meta or {}).get(key), str)
            ):
                self.lose((*at, "meta", key), f"meta '{key}' of {whose}", "only its readers know it", "Keep the suite.")

    def columns(self, mine: Mapping[str, Any]) -> None:
        columns = mine.get("columns")
        for name, told in (columns if isinstance(columns, dict) else {}).items():
            if not NAME.fullmatch(name) or not isinstance(told, dict):
                continue
            column, rest = self.draft.column(name), dict(told)
            found = logical_type(str(rest.pop("type", "")))
            if found:
                column["logicalType"] = found[0]
                if found[1]:
                    column["physicalType"] = found[1]
            self.draft.take_column_meta(name, rest, self.line(("meta", OURS, "columns", name)))

    def expectation(self, item: Any, at: YamlPath) -> None:
        kind = (item.get("type") or item.get("expectation_type")) if isinstance(item, dict) else None
        if not isinstance(kind, str):
            self.lose(at, f"expectation {item!r}", "it has no type", "Mend the file.")
            return
        kwargs = item.get("kwargs") if isinstance(item.get("kwargs"), dict) else {}
        mine = _mine(item)
        identity = str(mine.get("id") or "")
        for key in item:
            if key not in _KEYS or (key == "windows" and item[key]):
                self.lose((*at, key), f"'{key}' of {kind}", "a check has no such part", "Keep the suite.")
        self.meta(item, at, kind)
        if kwargs.get("row_condition"):
            why = f"it asks only rows with {kwargs['row_condition']!r}, and a check asks every row"
            self.lose(at, kind, why, "Write an expression check.", identity or kind)
            return
        one = Expectation(kind, kwargs, item, mine, self.draft)
        try:
            found = one.spec()
        except (TypeError, ValueError, KeyError):
            found = None
        if found is None:
            known = kind in KNOWN
            why = "no check says it with these arguments" if known else f"it is not known here{near(kind, KNOWN)}"
            self.lose(at, kind, why, "Write a check of your own, or keep the suite.", identity or kind)
            return
        for key, value in kwargs.items():
            if key not in one.used and key not in _QUIET and value not in (None, "", [], {}, False):
                self.lose(
                    (*at, "kwargs", key), f"'{key}' of {kind}", "the check has no such part", "Look whether it matters."
                )
        for what, why, todo in one.parts:
            self.lose(at, what, why, todo)
        if found:
            self.add(found, one, identity, item)

    def add(self, spec: dict[str, Any], one: Expectation, identity: str, item: Mapping[str, Any]) -> None:
        notes = item.get("notes") or (item["meta"].get("notes") if isinstance(item.get("meta"), dict) else None)
        text = item.get("description") or (notes if isinstance(notes, str) else "")
        dimension = one.mine.get("dimension")
        kind = spec["check"]
        spread = kind in ("expression", "compare", "inside", "paired") and bool(one.mine)
        column = one.mine.get("column") if spread else one.column
        if kind in ("no_rows", "row_count"):
            column = None
        told: dict[str, Any] = {
            "spec": spec, "column": column if isinstance(column, str) else None, "name": identity, "description": str(text),
            "dimension": dimension if isinstance(dimension, str) else None,
        }  # fmt: skip
        if identity and kind in ("row_count", "null_share"):
            if identity in self.bounds:
                before = self.bounds[identity]["spec"]
                self.bounds[identity]["spec"] = before | spec
            else:
                self.bounds[identity] = told
            return
        self.draft.add(**told)


def _mine(item: Mapping[str, Any]) -> dict[str, Any]:
    meta = item.get("meta")
    mine = meta.get(OURS) if isinstance(meta, dict) else None
    return mine if isinstance(mine, dict) else {}
