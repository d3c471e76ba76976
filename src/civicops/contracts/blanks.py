"""Blanks: what a contract that was made by a program leaves for a person to fill in.

Belongs here: how a blank is marked, and finding those that are left. Does not belong here: which parts are left blank
(`civicops.govern.exchange`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from civicops.contracts.problems import Problem
from civicops.contracts.yaml_lines import Document, YamlPath

BLANK = "FILL IN: "
"""How a text begins that is still to be written; what stands after it says what is asked for."""


def blanks(document: Document) -> Iterator[Problem]:
    """Every value of a file that is still blank, with its line."""
    yield from _blanks(document, document.data, ())


def _name(data: Any, at: YamlPath) -> str:
    """What the place is called: its key, or the name of the custom property whose value it is."""
    for part in at[:-1]:
        data = data[part]
        if isinstance(data, dict) and "property" in data:
            return str(data["property"])
    return next((str(part) for part in reversed(at) if isinstance(part, str)), "this")


def _blanks(document: Document, value: Any, at: YamlPath) -> Iterator[Problem]:
    if isinstance(value, str) and value.startswith(BLANK.strip()):
        asked = value.removeprefix(BLANK.strip()).strip() or "a value"
        name = _name(document.data, at)
        yield Problem(document.path, document.line(at), f"'{name}' is still to be filled in: {asked}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _blanks(document, inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _blanks(document, inner, (*at, index))
