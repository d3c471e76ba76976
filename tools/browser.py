"""The Chromium that the browser tests and the pictures use: the system's own, installed by apt where that is possible.

Belongs here: finding it, installing it, starting it. Does not belong here: tests (`tests/browser`).

    python -m tools.browser       make sure that there is one
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# Draw with the processor: the machines that run tests have no graphics card.
FLAGS = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--disable-dev-shm-usage")


def find() -> str | None:
    """Path of a Chromium on this machine; `CHROMIUM` names one that is elsewhere."""
    for name in (os.environ.get("CHROMIUM"), *NAMES, MAC):
        if name and (path := shutil.which(name)):
            return path
    return None


def needed() -> str:
    """The same; raises LookupError with what to do where there is none."""
    path = find()
    if path is None:
        raise LookupError(
            "There is no Chromium. Install it (on Debian: sudo apt-get install chromium; on a Mac: Google Chrome), or name one "
            "with CHROMIUM=/path/to/it."
        )
    return path


def launch(playwright: Any) -> Any:
    """A headless browser that draws WebGL without a graphics card."""
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses its sandbox to root
    return playwright.chromium.launch(executable_path=needed(), args=[*FLAGS, *sandbox])


class _Quiet(SimpleHTTPRequestHandler):
    """Python's own file server, without a line per request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(folder: Path, handler: type[SimpleHTTPRequestHandler] = _Quiet) -> Iterator[str]:
    """A folder served on loopback by Python's own http.server; gives its address, without a slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def main() -> int:
    """Install Chromium by apt where it is missing and we may; 1 with a line on what to do otherwise."""
    if find() is None and shutil.which("apt-get") and os.geteuid() == 0:
        print("browser: installing chromium with apt-get", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        update = ["apt-get", "update", "-qq"]
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        for command in (update, install):
            subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=False)
    try:
        needed()
    except LookupError as error:
        print(f"browser: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
