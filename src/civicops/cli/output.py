"""How answers look: a table or sentences for people, JSON for programs, and a last line that says what to do next.

Belongs here: printing and progress bars. Does not belong here: where the answers come from.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

Json = typer.Option(False, "--json", help="Print JSON instead of words.")


def as_json(answer: Any) -> None:
    """Print an answer as JSON; values of ours become objects."""
    sys.stdout.write(json.dumps(answer, indent=2, default=_plain, ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def say(text: str = "") -> None:
    """Print a line."""
    typer.echo(text)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print rows under headings; `right` names the columns of numbers."""
    from rich import box  # noqa: PLC0415 - only when something is printed
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        drawn.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(number(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 140, highlight=False).print(drawn)


def from_here(place: str) -> str:
    """A path, with or without a line, as short as it can be written in this folder."""
    return place.removeprefix(f"{Path.cwd()}/")


def number(value: object) -> str:
    """A number with separators, a missing value as nothing, anything else as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def fail(message: str, hint: str = "", code: int = 1) -> int:
    """Print a failure to stderr and return the exit code."""
    typer.secho(message, err=True, fg="red" if sys.stderr.isatty() else None)
    if hint:
        typer.echo(hint, err=True)
    return code


def next_step(text: str) -> None:
    """The last line of every answer."""
    typer.echo(f"\nNext: {text}")


class Bars:
    """Progress of fetches as bars on stderr: rows, rate, time left. Plain lines where stderr is not a terminal."""

    def __init__(self, rich: RichProgress | None, *, quiet: bool = False) -> None:
        self._rich, self._quiet = rich, quiet
        self._task: TaskID | None = None
        self._label = ""
        self._rows = 0

    def start(self, label: str, total: int | None) -> None:
        """A new piece of work of `total` rows."""
        self._label, self._rows = label, 0
        if self._rich is not None:
            self._task = self._rich.add_task(label, total=total)

    def advance(self, rows: int) -> None:
        """More rows have landed."""
        self._rows += rows
        if self._rich is not None and self._task is not None:
            self._rich.advance(self._task, rows)

    def done(self) -> None:
        """The piece of work is over."""
        if self._rich is not None and self._task is not None:
            self._rich.stop_task(self._task)
        elif self._rows and not self._quiet:
            typer.echo(f"  fetched {self._label}: {self._rows:,} rows", err=True)


@contextmanager
def bars(*, quiet: bool) -> Iterator[Bars]:
    """Progress for the time of a run; nothing is drawn when `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield Bars(None, quiet=quiet)
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as rich:
        yield Bars(rich)


def _rate() -> Any:
    from rich.progress import ProgressColumn, Task  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        """Rows per second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")

    return Rate()


def pick(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some keys of a mapping, in that order."""
    return {name: mapping.get(name) for name in names}
