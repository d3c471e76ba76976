"""What a product's own `monitors.py` is given and what it gives back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from civicops.observe.signals import MonitorContext, MonitorError, Signal, ask_product
from civicops.runs import RunLog
from civicops.workspace import Product, ProductFile, Workspace

FILE = ProductFile(title="Loans", summary="Loans.", owner="ada-example", stage="pilot", schedule="0 7 * * *")
GIVES = """\
from civicops.observe.signals import Signal
from .limits import MOST

def monitors(context):
    yield Signal("loans", f"{context.product.name}.loans", True, "warning", "Too many loans", values={"most": MOST})
"""


def context(folder: Path) -> MonitorContext:
    (folder / "civicops.toml").write_text("")
    product = Product("library", folder, FILE, (), {})
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return MonitorContext(Workspace.find(folder), product, {}, {}, RunLog(folder / "runs"), now)


def test_a_product_without_monitors_says_nothing(tmp_path: Path) -> None:
    assert ask_product(context(tmp_path)) == ()


def test_monitors_may_import_beside_them_and_a_mended_file_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "monitors.py").write_text(GIVES)
    (tmp_path / "limits.py").write_text("MOST = 5\n")
    (signal,) = ask_product(context(tmp_path))
    assert (signal.subject, signal.values, signal.cause) == ("library.loans", {"most": 5}, "loans:library.loans")
    (tmp_path / "limits.py").write_text("MOST = 6\n")
    assert ask_product(context(tmp_path))[0].values == {"most": 6}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1\n", "has no function"),
        ("import nothing_like_that\n", "cannot be loaded"),
        ("def monitors(context):\n    return [1 / 0]\n", "ZeroDivisionError"),
        ("def monitors(context):\n    return ['late']\n", "gave str instead"),
    ],
)
def test_what_is_wrong_with_monitors_is_said(tmp_path: Path, code: str, words: str) -> None:
    (tmp_path / "monitors.py").write_text(code)
    with pytest.raises(MonitorError, match=words):
        ask_product(context(tmp_path))


def test_a_signal_is_whole() -> None:
    with pytest.raises(ValueError, match="severity"):
        Signal("a", "b", True, "bad", "c")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time zone"):
        Signal("a", "b", True, "info", "c", since=datetime(2026, 1, 1))
    assert Signal("a", "b", True, "info", "c", group="portal down").cause == "portal down"
