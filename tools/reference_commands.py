"""The reference page of the command line.

Belongs here: turning the Typer program into Markdown. Does not belong here: the help texts; they stand in `civicops.cli`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from civicops.cli import app
from tools.markdown import table


def commands(node: Any = None, path: tuple[str, ...] = ("civicops",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with its words, hidden ones left out, in the order the program lists them."""
    node = node or typer.main.get_command(app)
    yield path, node
    for name, child in getattr(node, "commands", {}).items():
        if not child.hidden:
            yield from commands(child, (*path, name))


def commands_page() -> str:
    parts = ["# Commands\n\nEvery command has `--help`. A failure ends with an exit code that is not 0 and one line that says "
             "what to do next.\n"]  # fmt: skip
    for path, node in commands():
        if len(path) == 1 and not any(getattr(parameter, "help", None) for parameter in node.params):
            continue
        help_text = inspect.cleandoc(node.help or node.short_help or "").replace("\b\n", "").replace("\f", "").strip()
        arguments = [item for item in node.params if item.param_type_name == "argument"]
        options = [item for item in node.params if item.param_type_name != "argument" and not item.hidden]
        options = [item for item in options if set(item.opts).isdisjoint({"--install-completion", "--show-completion"})]
        shown = [item.display_name_raw for item in arguments]  # in brackets when it may be left out
        words = [word if item.required else word[1:-1] for word, item in zip(shown, arguments, strict=True)]
        usage = " ".join([*path, *(["COMMAND"] if hasattr(node, "commands") else []), *shown])
        rows: list[tuple[str, ...]] = [
            (f"`{word}`", item.help or "", "") for word, item in zip(words, arguments, strict=True)
        ]
        rows += [
            (f"`{', '.join((*item.opts, *item.secondary_opts))}`", item.help or "", default_of(item))
            for item in options
        ]
        parts.append(f"## {' '.join(path)}\n\n{help_text}\n\n    {usage}\n")
        parts.append(table(("argument or option", "what it does", "when left out"), rows))
    return "\n".join(part for part in parts if part)


def default_of(option: Any) -> str:
    """What an option is when nobody gives it, as far as that is a plain value."""
    value = option.default() if callable(option.default) else option.default
    if option.required:
        return "must be given"
    plain = isinstance(value, str | int | float | tuple | list) and value not in (False, "", (), [])
    return f"`{value}`" if plain else ""
