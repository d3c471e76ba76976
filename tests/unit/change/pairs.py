"""The labelled contract pairs of `corpus/`, read.

Belongs here: bases, the small language of changes, and the pairs. Does not belong here: grading them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from civicops.contracts import Contract, load_contract

CORPUS = Path(__file__).with_name("corpus")
TODAY = date(2026, 6, 1)
_ALIASES: dict[str, tuple[Any, ...]] = {
    "columns": ("schema", 0, "properties"),
    "rules": ("schema", 0, "quality"),
    "table": ("schema", 0),
    "custom": ("customProperties",),
    "sla": ("slaProperties",),
    "check": ("implementation",),
}
_NAMED_BY = ("name", "property", "id", "username")


@dataclass(frozen=True)
class Pair:
    """Two states of one contract as plain values, and what they deserve."""

    id: str
    topic: str
    old: dict[str, Any]
    new: dict[str, Any]
    consumers: str
    producers: str
    why: str
    in_use: dict[str, frozenset[str]]

    def contracts(self, folder: Path) -> tuple[Contract, Contract]:
        """Both states, read by the reader of contracts from files written below `folder`."""
        return contract_of(self.old, folder / "old"), contract_of(self.new, folder / "new")


def contract_of(data: dict[str, Any], folder: Path) -> Contract:
    """A contract file with that content, written and read."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{data['id'].partition('.')[2]}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return load_contract(path)


def pairs() -> Iterator[Pair]:
    """Every pair of the corpus, by topic."""
    bases = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((CORPUS / "bases").glob("*.yaml"))
    }
    for path in sorted((CORPUS / "cases").glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            old = changed(bases[case["base"]], case.get("before", {}))
            in_use = {name: frozenset(map(str, values)) for name, values in case.get("values_in_use", {}).items()}
            yield Pair(
                case["id"],
                path.stem,
                old,
                changed(old, case["change"]),
                case["consumers"],
                case["producers"],
                case["why"],
                in_use,
            )


def changed(data: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy of a contract with `move`, `set`, `add`, `insert` and `remove` done to it, in that order."""
    new = copy.deepcopy(data)
    for path, move in change.get("move", {}).items():
        items = _at(new, path)
        item = items.pop(_index(items, move["item"]))
        items.insert(move["to"], item)
    for path, value in change.get("set", {}).items():
        _set(new, path, value)
    for path, values in change.get("add", {}).items():
        _list(new, path).extend(values)
    for path, insert in change.get("insert", {}).items():
        _list(new, path).insert(insert["at"], insert["item"])
    for path in change.get("remove", []):
        _remove(new, path)
    return new


def _steps(path: str) -> list[Any]:
    found: list[Any] = []
    for part in path.split("/"):
        found.extend(_ALIASES.get(part, (part,)))
    return found


def _index(items: list[Any], name: Any) -> int:
    if isinstance(name, int):
        return name
    for index, item in enumerate(items):
        if name in (item.get(key) for key in _NAMED_BY):
            return index
    raise KeyError(name)


def _down(here: Any, step: Any) -> Any:
    """One step down; a custom property stands for its value."""
    if isinstance(here, list):
        item = here[_index(here, step)]
        return (
            item["value"]
            if isinstance(item, dict) and "property" in item and "value" in item and "unit" not in item
            else item
        )
    return here[step]


def _at(data: Any, path: str) -> Any:
    here = data
    for step in _steps(path):
        here = _down(here, step)
    return here


def _list(data: Any, path: str) -> list[Any]:
    found = _at(data, path)
    assert isinstance(found, list), path
    return found


def _parent(data: Any, path: str) -> tuple[Any, Any]:
    *way, last = _steps(path)
    here = data
    for step in way:
        if isinstance(here, dict) and step not in here:
            here[step] = [] if step in ("customProperties", "quality", "slaProperties") else {}
        here = _down(here, step)
    return here, last


def _set(data: Any, path: str, value: Any) -> None:
    here, last = _parent(data, path)
    if isinstance(here, dict):
        here[last] = value
        return
    try:
        here[_index(here, last)]["value"] = value
    except KeyError:
        here.append({"property": last, "value": value})


def _remove(data: Any, path: str) -> None:
    here, last = _parent(data, path)
    if isinstance(here, dict):
        del here[last]
    else:
        del here[_index(here, last)]
