"""The portal, the scheduler and its pages: started by one command, ended by one signal, and noticing when a run dies.

Belongs here: `civicops up` as processes. Does not belong here: what a run does (`test_orchestrate_runs`).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.conftest import Library, many_loans

PROGRAM = [sys.executable, "-c", "from civicops.cli import main; main()"]
LAUNCH = """mutation { launchRun(executionParams: {selector: {repositoryLocationName: "civicops.orchestrate.entry",
repositoryName: "__repository__", jobName: "library"}, runConfigData: {}})
{ __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def up(library: Library) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], Any]]]:
    """`civicops up` on a free port, and a way to ask Dagster's own interface."""
    port, portal_port = free_port(), free_port()
    log = (library.root / "up.log").open("wb")
    process = subprocess.Popen(
        [*PROGRAM, "up", "--port", str(port), "--portal-port", str(portal_port)],
        cwd=library.root,
        stdout=log,
        stderr=log,
    )

    def ask(query: str) -> Any:
        reply = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}, timeout=30, trust_env=False)
        return reply.json()["data"]

    try:
        portal = f"http://127.0.0.1:{portal_port}/"
        eventually(lambda: "Loans" in httpx.get(portal, trust_env=False).text, 120)
        eventually(lambda: ask("{ version }") is not None, 120)
        yield process, ask
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        log.close()


def eventually(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so; fails when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (httpx.HTTPError, KeyError, TypeError, ValueError):
            pass
        time.sleep(0.2)
    pytest.fail("it never came to be")


def test_up_runs_on_demand_notices_a_dead_run_and_ends_together(library: Library) -> None:
    library.deliver(many_loans(1, 4000))
    with up(library) as (process, ask):
        repositories = "{ repositoriesOrError { ... on RepositoryConnection { nodes { schedules { name scheduleState { status } } sensors { name } } } } }"
        eventually(lambda: bool(ask(repositories)["repositoriesOrError"]["nodes"]), 120)
        node = ask(repositories)["repositoriesOrError"]["nodes"][0]
        assert node["schedules"] == [{"name": "library_schedule", "scheduleState": {"status": "RUNNING"}}]

        launched = ask(LAUNCH)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        eventually(lambda: any(not run.is_over for run in library.log.runs("library")), 120)
        running = next(library.log.runs("library"))
        assert running.trigger == "daemon"
        os.kill(running.pid, signal.SIGKILL)

        # Nobody runs a command now: the daemon itself has to notice.
        eventually(lambda: next(library.log.runs("library")).status == "failed", 60)
        run_id = launched["run"]["runId"]
        status = f'{{ runOrError(runId: "{run_id}") {{ ... on Run {{ status }} }} }}'
        eventually(lambda: ask(status)["runOrError"]["status"] == "FAILURE", 60)

        assert ask(LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
        eventually(lambda: next(library.log.runs("library")).status == "succeeded", 120)

        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not _left_over(library.root)


def test_a_taken_port_is_said_at_once(library: Library) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*PROGRAM, "up", "--port", port, "--portal-port", str(free_port())],
            cwd=library.root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, f"Port {port} is taken." in done.stderr) == (1, True)


def _left_over(root: Path) -> list[int]:
    """Processes whose environment names this workspace."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ") if Path("/proc").is_dir() else []:
        try:
            if f"CIVICOPS_WORKSPACE={root}".encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found
