"""YAML with line numbers, so that an error in a contract can say where it is.

Belongs here: turning YAML text into plain values plus the line of every path in them, refusing duplicate keys and tags.
Does not belong here: what the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from civicops.contracts.problems import ContractFileError, Problem
from civicops.texts import text_fault

YamlPath = tuple[Hashable, ...]


@dataclass(frozen=True)
class Document:
    """Plain values (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`) and the 1-based line of each path in them."""

    path: Path
    data: Any
    lines: dict[YamlPath, int] = field(repr=False)

    def line(self, location: YamlPath) -> int:
        """The line of `location`, or of its nearest ancestor that stands in the file."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.lines:
                return self.lines[location[:length]]
        return 1


# The parser in C, which PyYAML's packages bring along, is five times as fast; where it is missing the other does the same.
_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc,valid-type]
    """Safe YAML in which dates stay text: a contract's `2020-01-01` is a bound to parse with its column, not a Python date."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _JsonLoader(_Loader):
    """The same for JSON, whose numbers may have an exponent and no point; in YAML `1e5` is text, and may be somebody's code."""


_JsonLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"-?\d+[eE][-+]?\d+"), list("-0123456789"))


_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "merge")}


def _refuse_conflicts(path: Path, text: str) -> None:
    """Name the lines of a merge that nobody finished, before YAML finds something to say about them."""
    marks = ("<<<<<<< ", "||||||| ", ">>>>>>> ")
    found = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(marks)]
    if found:
        message = "two branches changed this and nobody has decided between them (git's marks are still in the file)"
        raise ContractFileError([Problem(path, number, message) for number in found])


def read_yaml(path: Path) -> Document:
    """Read one file of YAML, or of JSON, which is YAML but for some numbers.

    Raises `ContractFileError` for text that is not UTF-8 or not YAML, for a key given twice, and for YAML tags that would
    build anything but plain values.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractFileError([Problem(path, *(text_fault(path) or (1, "changed while it was read")))]) from error
    except OSError as error:
        raise ContractFileError([Problem(path, 1, f"cannot be read: {error}")]) from error
    _refuse_conflicts(path, text)
    problems: list[Problem] = []
    lines: dict[YamlPath, int] = {}
    try:
        loader: yaml.SafeLoader = (_JsonLoader if path.suffix == ".json" else _Loader)(text)
        node = loader.get_single_node()
        data = None if node is None else _value(loader, node, (), lines, problems, path, frozenset())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ContractFileError([Problem(path, line, f"is not valid YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        raise ContractFileError([Problem(path, 1, f"is not valid YAML: {error}")]) from error
    if problems:
        raise ContractFileError(problems)
    return Document(path, data, lines)


def _value(
    loader: yaml.SafeLoader,
    node: yaml.Node,
    location: YamlPath,
    lines: dict[YamlPath, int],
    problems: list[Problem],
    path: Path,
    above: frozenset[int],
) -> Any:
    """The plain value of `node`, recording lines and problems on the way down."""
    lines.setdefault(location, node.start_mark.line + 1)
    if id(node) in above:
        problems.append(Problem(path, node.start_mark.line + 1, "refers to itself"))
        return None
    if node.tag not in _PLAIN_TAGS:
        problems.append(Problem(path, node.start_mark.line + 1, f"tag '{node.tag}' is not allowed: plain values only"))
        return None
    inside = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, Hashable):
                problems.append(Problem(path, line, "a key must be a word"))
                continue
            if key in result:
                problems.append(Problem(path, line, f"'{key}' is given twice; first on line {lines[(*location, key)]}"))
                continue
            lines[(*location, key)] = line
            result[key] = _value(loader, value_node, (*location, key), lines, problems, path, inside)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, item, (*location, index), lines, problems, path, inside)
            for index, item in enumerate(node.value)
        ]
    return loader.construct_object(node, deep=True)
