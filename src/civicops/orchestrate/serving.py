"""The portal, the scheduler and the scheduler's pages, together.

Belongs here: starting the portal, Dagster's daemon and its web server as children, and ending them together. Does not belong
here: what they show (`civicops.portal`, `definitions`). Dagster's pages are for this machine only; the portal listens where
`[portal]` says.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

from civicops.errors import CivicopsError
from civicops.orchestrate.dagster_home import dagster_home, open_instance
from civicops.orchestrate.order import refuse_circles
from civicops.workspace import Workspace

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 15


def serve(workspace: Workspace, *, port: int, portal_port: int, say: Callable[[str], None]) -> int:
    """Serve until Ctrl-C or SIGTERM; returns 0 then, and 1 when a child ended by itself.

    Raises `CivicopsError` when a port is taken or products read each other in a circle.
    """
    portal = workspace.settings.portal
    _refuse_taken(HOST, port)
    _refuse_taken(portal.host, portal_port)
    # A fault in a contract, or a circle, is said here, in our words, before any child starts.
    refuse_circles(workspace.products)
    with open_instance(workspace):
        # Makes Dagster's tables now: its two programs, started at once, would both try, and one of them would end.
        pass
    environment = os.environ | {
        "DAGSTER_HOME": str(dagster_home(workspace)),
        "CIVICOPS_WORKSPACE": str(workspace.root),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    module = ["-m", "civicops.orchestrate.entry"]
    commands = {
        "scheduler": [sys.executable, "-m", "dagster._daemon", "run", *module],
        # A process of its own: the portal stays up while runs are planned, and no room knows the one beside it.
        "portal": [sys.executable, "-m", "civicops.portal", "--port", str(portal_port)],
        "pages": [sys.executable, "-m", "dagster_webserver", "--host", HOST, "--port", str(port), *module],
    }
    # Each in a session of its own: what it starts in turn (code servers, runs) can then be ended with it.
    children = {
        name: subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - our own programs
        for name, command in commands.items()
    }
    stop = _Stop()
    say(
        f"Starting: http://{portal.host}:{portal_port} is the portal, http://{HOST}:{port} shows every run. "
        "Ctrl-C ends both."
    )
    try:
        while not stop.asked:
            for name, child in children.items():
                if child.poll() is not None:
                    say(f"The {name} ended with code {child.returncode}.")
                    return 1
            time.sleep(0.2)
    finally:
        _end(list(children.values()))
    say("Stopped.")
    return 0


class _Stop:
    """Becomes `asked` with the first Ctrl-C or SIGTERM."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    """Ask every child to end, wait, then end whatever it left behind."""
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, deadline - time.monotonic()))
    for number in (signal.SIGTERM, signal.SIGKILL):
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
        time.sleep(1 if number == signal.SIGTERM else 0)
    for child in children:
        child.wait()


def _refuse_taken(host: str, port: int) -> None:
    import socket  # noqa: PLC0415 - only here

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CivicopsError(
                f"Port {port} is taken.", hint="Choose another one with --port or --portal-port."
            ) from error
