"""Runs a page of the docs: writes its files and types its commands, in the order in which they stand there.

Belongs here: the small grammar of fenced blocks that a page is run by. Does not belong here: which page (`test_tutorial`).

    ```yaml title=a/b.yaml      the file `a/b.yaml` gets exactly this content
    ```console                  each line that begins with `$ ` is a command; it must succeed
                                lines below it must occur in its output, in that order; `...` stands for anything
    ```console exit=1           the commands of this block must end with that code
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.docs_rules import fences


@dataclass(frozen=True)
class WriteFile:
    """A file the reader is told to write."""

    path: str
    content: str


@dataclass(frozen=True)
class TypeCommand:
    """A command the reader is told to type, the lines shown below it, and the code it ends with."""

    command: str
    shown: tuple[str, ...]
    exit_code: int


Step = WriteFile | TypeCommand


def steps(text: str) -> Iterator[Step]:
    """The steps of a page. A block of a language without a title is only to be read, so it is no step."""
    for info, block in fences(text):
        language, *words = shlex.split(info) or [""]
        options = dict(word.partition("=")[::2] for word in words)
        if language == "console":
            yield from _commands(block, int(options.get("exit", 0)))
        elif "title" in options:
            yield WriteFile(options["title"], block)


def _commands(block: str, exit_code: int) -> Iterator[TypeCommand]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield TypeCommand(command, tuple(shown), exit_code)


def missing_line(shown: tuple[str, ...], output: str) -> str | None:
    """The first of the lines a page shows that does not occur in the output after the ones before it."""
    lines = iter(re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines())
    for line in shown:
        pattern = ".*".join(re.escape(part) for part in line.strip().split("..."))
        if not any(re.fullmatch(pattern, found.strip()) for found in lines):
            return line
    return None


def perform(step: Step, folder: Path) -> str:
    """Do one step in `folder`; returns what a command printed. Raises `AssertionError` where the page is wrong."""
    if isinstance(step, WriteFile):
        path = folder / step.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.content, encoding="utf-8")
        return ""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", step.command],
        cwd=folder,
        env={**os.environ, "PATH": programs, "COLUMNS": "160", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == step.exit_code, f"$ {step.command}\nended with {done.returncode}:\n{done.stdout}"
    gone = missing_line(step.shown, done.stdout)
    assert gone is None, f"$ {step.command}\ndoes not print {gone!r}:\n{done.stdout}"
    return done.stdout
