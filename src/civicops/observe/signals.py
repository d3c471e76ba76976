"""What a monitor says: the one value that monitors give and incidents are made from.

Belongs here: `Signal`, what a product's own `monitors.py` is given, and calling it. Does not belong here: the monitors of the
framework (`monitors`) or what follows from a signal (`incidents`).

A product may hold `monitors.py` with `def monitors(context: MonitorContext) -> Iterable[Signal]`. It is called after each run
of the product and on each tick. A signal that fires opens an incident or joins one; once its monitor no longer fires, whether
it says so (`is_firing=False`, with evidence) or gives no signal about the subject any more, the incident is resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from civicops.errors import CivicopsError
from civicops.product_code import load_code
from civicops.release.values import Release
from civicops.runs import RunLog
from civicops.workspace import Product, Workspace

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From the least to the worst."""
MONITORS_FILE = "monitors.py"


class MonitorError(CivicopsError):
    """A product's `monitors.py` cannot be loaded, failed, or gave something that is no signal."""


@dataclass(frozen=True)
class Signal:
    """What one monitor says of one subject, now.

    `detail` may name people only when `pii` is set; routes without the right to see them then get the signal without it.
    `values` holds what was measured and what was expected, `evidence` whatever proves it, both ready for JSON.
    """

    monitor_id: str
    """The stable id of the rule, such as `freshness` or `many_deletions`."""
    subject: str
    """What it is about: `product.dataset`, a drive, a folder."""
    is_firing: bool
    severity: Severity
    title: str
    """One line for people, without personal data."""
    detail: str = ""
    since: datetime | None = None
    """When it began, with a time zone; None: when it was first noticed."""
    values: Mapping[str, Any] = field(default_factory=dict)
    runbook: str = ""
    """The section of the product's README that says what to do, by its heading."""
    group: str = ""
    """What caused it, if known: signals of one product with the same group are one incident. Empty: monitor and subject."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    pii: bool = False

    def __post_init__(self) -> None:
        if not self.monitor_id or not self.subject or not self.title:
            raise ValueError("a signal needs monitor_id, subject and title")
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity '{self.severity}' is not one of {', '.join(SEVERITIES)}")
        if self.since is not None and self.since.tzinfo is None:
            raise ValueError("'since' needs a time zone")

    @property
    def cause(self) -> str:
        """What joins signals of one product into one incident."""
        return self.group or f"{self.monitor_id}:{self.subject}"


@dataclass(frozen=True)
class MonitorContext:
    """What a product's monitors are given. They read; they change nothing."""

    workspace: Workspace
    product: Product
    releases: Mapping[str, Release]
    """The current release of each dataset of the product that has one."""
    previous: Mapping[str, Release]
    """The release before the current one, of each dataset that has two."""
    runs: RunLog
    """Every run, newest first: `context.runs.runs(context.product.name)`."""
    now: datetime
    """This moment, with a time zone; ask this one, so that a test can replay a year."""


Monitors = Callable[[MonitorContext], Iterable[Signal]]


def product_monitors(product: Product) -> Monitors | None:
    """The function `monitors` of a product's `monitors.py`; None without the file.

    Raises `MonitorError` when the file cannot be loaded or has no such function.
    """
    path = product.folder / MONITORS_FILE
    try:
        module = load_code(product.folder, path.stem)
    except CivicopsError as error:
        raise MonitorError(error.message, hint=error.hint) from error
    if module is None:
        return None
    found = getattr(module, "monitors", None)
    if not callable(found):
        raise MonitorError(
            f"{path} has no function 'monitors'.", hint="Write: def monitors(context) -> Iterable[Signal]"
        )
    return found  # type: ignore[no-any-return]


def ask_product(context: MonitorContext) -> tuple[Signal, ...]:
    """All signals of the product's own monitors; none without a `monitors.py`. Raises `MonitorError`."""
    monitors = product_monitors(context.product)
    if monitors is None:
        return ()
    where = f"monitors.py of {context.product.name}"
    try:
        found = tuple(monitors(context))
    except CivicopsError:
        raise
    except Exception as error:  # code of a product: whatever it raises must not stop the watch over the others
        raise MonitorError(f"{where} failed: {type(error).__name__}: {error}", hint=f"Mend {where}.") from error
    for item in found:
        if not isinstance(item, Signal):
            raise MonitorError(f"{where} gave {type(item).__name__} instead of a Signal.", hint=f"Mend {where}.")
    return found
