"""What all tests share: a skipped test on real samples is a failure where the samples are.

Belongs here: rules about the whole test run. Does not belong here: fixtures of one room.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REALDATA = Path(os.environ.get("CIVICOPS_REALDATA", Path(__file__).parents[2] / "shared" / "realdata"))
_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """With several test processes this runs in the one that collects the reports, which also decides the exit code."""
    if report.skipped and "realdata" in report.keywords and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if (
        _skipped
        and REALDATA.is_dir()
        and exitstatus == pytest.ExitCode.OK
        and not hasattr(session.config, "workerinput")
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _skipped:
        return
    if REALDATA.is_dir():
        terminalreporter.line("tests on real samples were skipped although the samples are there:", red=True)
        for name in _skipped:
            terminalreporter.line(f"  {name}", red=True)
    else:
        terminalreporter.line(
            f"{len(_skipped)} tests on real samples skipped: no such folder {REALDATA} (CIVICOPS_REALDATA names it)"
        )
