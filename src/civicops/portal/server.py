"""The portal as a program: database brought up to date, accounts, the web server, what works in the background.

Belongs here: starting and ending. Does not belong here: answering (`views`, `api`).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from civicops.errors import CivicopsError
from civicops.portal.settings import configure
from civicops.workspace import Workspace

THREADS = 8
_REST_SECONDS = 10.0
_GRACE_SECONDS = 3.0
_log = logging.getLogger("civicops.portal")


def prepare(workspace: Workspace) -> None:
    """Set Django up, bring the database up to date and make the roles. Raises `CivicopsError` when it cannot be reached."""
    configure(workspace)
    from django.core.management import call_command  # noqa: PLC0415 - needs a configured Django
    from django.db import OperationalError  # noqa: PLC0415

    from civicops.audit import open_log  # noqa: PLC0415
    from civicops.portal.accounts import ensure_roles  # noqa: PLC0415

    open_log(workspace)  # its tables must be there before the first account is
    try:
        call_command("migrate", verbosity=0, interactive=False)
        ensure_roles()
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise CivicopsError(
            f"The portal's database cannot be used: {reason}.",
            hint="Look at DATABASE_URL, or at the free space of the disk.",
        ) from error


def serve(workspace: Workspace, *, host: str, port: int, samples: bool, say: Callable[[str], None]) -> int:
    """Serve until Ctrl-C or SIGTERM, then return 0, or end the process with it while threads are at work.

    `samples`: make the demo's accounts and say their passwords.

    Raises `CivicopsError` when the port is taken, the database cannot be used, or sample accounts are asked for where others
    can reach them.
    """
    prepare(workspace)
    from civicops.portal.accounts import is_loopback, remove_samples, sample_accounts  # noqa: PLC0415

    loopback = is_loopback(host) and not workspace.settings.portal.hosts
    accounts = sample_accounts(host if loopback else "0.0.0.0") if samples else ()  # noqa: S104 - the name of what is refused
    if not loopback:
        remove_samples()
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from waitress.server import create_server  # type: ignore[import-untyped] # noqa: PLC0415

    from civicops.portal.bodies import SMALL, bound_bodies  # noqa: PLC0415

    _refuse_taken(host, port)
    most = bound_bodies(workspace.settings.portal.import_megabytes)
    server: Any = create_server(
        get_wsgi_application(),
        host=host,
        port=port,
        threads=THREADS,
        ident="civicops",
        # Who asks is read by Django from the headers of as many proxies as the settings name.
        clear_untrusted_proxy_headers=False,
        max_request_body_size=max(SMALL, most),
        max_request_header_size=16 * 1024,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    stop = threading.Event()
    background = threading.Thread(target=_work, args=(workspace, stop), daemon=True)
    background.start()
    shown = f"[{host}]" if ":" in host else host
    say(f"The portal answers at http://{shown}:{port}/")
    for name, role, password in accounts:
        say(f"  sign in as {name} ({role}) with {password}")
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        stop.set()
        server.close()
        background.join(_GRACE_SECONDS)
    end_with_threads()
    return 0


def end_with_threads() -> None:
    """End the process with 0 where threads are still at work; return where there is none.

    Python's own way out takes the interpreter from under a thread that waits for the database engine, and the engine then calls
    `abort`: a crash in the eyes of whoever started the portal. What they make is put in its place when it is whole, so nothing
    half made is seen.
    """
    if any(thread is not threading.current_thread() and thread.daemon for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _refuse_taken(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CivicopsError(f"Port {port} is taken.", hint="Choose another one with --port.") from error


def _work(workspace: Workspace, stop: threading.Event) -> None:
    """Build what new releases and changed pages need, so that no reader waits for it."""
    from civicops.portal.background import build_everything  # noqa: PLC0415

    while not stop.is_set():
        try:
            build_everything(workspace, stop.is_set)
        except Exception:
            # A page that cannot be built must not end the building of the others tomorrow.
            _log.exception("building pages failed")
        stop.wait(_REST_SECONDS)
