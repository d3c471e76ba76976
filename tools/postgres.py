"""A PostgreSQL of one's own for the tests: found or installed, started on loopback, gone afterwards.

Belongs here: finding its programs, installing them where that is possible, a private cluster in a folder. Does not belong here:
what the tests do with it, and a database that people use (docs/howto/use-postgresql.md).

    python -m tools.postgres      says where it is; installs it with apt-get when it is missing and we may
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# PostgreSQL refuses to run as root; this account exists everywhere and owns nothing.
OTHER_USER = "nobody"
_PATIENCE_SECONDS = 30


def programs() -> Path | None:
    """The folder that holds `initdb` and `postgres`, newest version first; None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    for pattern in ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql*/bin", "usr/local/opt/postgresql*/bin"):
        folders += sorted(Path("/").glob(pattern), key=lambda path: _number(path.parent.name), reverse=True)
    return next((path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None)


def _number(name: str) -> float:
    digits = name.rpartition("@")[2]
    return float(digits) if digits.replace(".", "", 1).isdigit() else 0.0


def install() -> Path | None:
    """Install it with apt-get as root, where there is neither; the folder of its programs, or None."""
    if programs() is None and shutil.which("apt-get") and os.getuid() == 0:
        print("postgres: installing PostgreSQL for the tests with apt-get", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]):
            subprocess.run(["/usr/bin/apt-get", *words], env=quiet, stdout=subprocess.DEVNULL, check=False)
    return programs()


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a private cluster in `folder` on a free port of loopback; gives its address for `DATABASE_URL`.

    The folder must not be inside one that only root may enter. Raises `RuntimeError` when PostgreSQL is not there or does
    not start.
    """
    where = programs()
    if where is None:
        raise RuntimeError(
            "PostgreSQL is not installed: sudo apt-get install postgresql, or brew install postgresql@17."
        )
    user = pwd.getpwnam(OTHER_USER) if os.getuid() == 0 else None
    folder.mkdir(parents=True, exist_ok=True)
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, port = folder / "data", _free_port()
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    words = ["-D", str(data), "-U", "tester", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C"]
    subprocess.run([str(where / "initdb"), *words], cwd=folder, stdout=subprocess.DEVNULL, check=True, **as_user)  # type: ignore[call-overload]
    options = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(  # type: ignore[call-overload]
            [str(where / "postgres"), "-D", str(data), "-p", str(port), *options],
            cwd=folder,
            stdout=log,
            stderr=log,
            **as_user,
        )
    try:
        _wait(server, port, folder / "log.txt")
        yield f"postgres://tester@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # the server's own word for: end now, in order
        server.wait(_PATIENCE_SECONDS)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import psycopg  # noqa: PLC0415 - only here

    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(f"postgres://tester@127.0.0.1:{port}/postgres").close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from error
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Say where PostgreSQL is; 1 with what to do where there is none."""
    found = install()
    if found is None:
        print(
            "postgres: not here. Run: sudo apt-get install postgresql, or: brew install postgresql@17", file=sys.stderr
        )
        return 1
    print(f"postgres: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
