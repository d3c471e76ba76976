"""Work in a process of its own that is killed by a real signal at a chosen step on the disk, or after some time.

Belongs here: that process. Does not belong here: what must be true afterwards.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

WATCHED = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"})
"""What Python says aloud before it does it: every name on the disk that comes, goes or moves."""


def in_a_process(
    work: Callable[[], object], stop_at: int | None = None, after: float | None = None
) -> tuple[bool, list[str]]:
    """Do it in a process of its own: kill it before its `stop_at`-th step on the disk, or after so many seconds.

    Returns whether it was killed, and the steps it came to, as `event last-part-of-the-name`.
    """
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        count = 0

        def watch(event: str, args: tuple[object, ...]) -> None:
            nonlocal count
            if event in WATCHED or (event == "open" and isinstance(args[1], str) and args[1][0] in "wax"):
                name = args[1] if event in ("os.rename", "os.link") else args[0]
                if count == stop_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                count += 1
                os.write(writes, f"{event} {Path(os.fsdecode(str(name))).name}\n".encode())

        code = 1
        try:
            sys.addaudithook(watch)
            work()
            code = 0
        finally:
            os._exit(code)
    os.close(writes)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reads, "rb") as stream:
        seen = stream.read().decode().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed by itself"
    return os.WIFSIGNALED(status), seen
