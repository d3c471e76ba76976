"""The record of every switch of one product: `history.jsonl`, one line each, only ever appended to.

Belongs here: reading it, appending to it, mending its last line after a crash. Does not belong here: deciding what is
current; the latest switch also stands in `current.json`, which is why a line lost in a crash can be written again.
"""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

from civicops.durable import sync
from civicops.errors import CivicopsError
from civicops.release.values import Switch


class HistoryError(CivicopsError):
    """A line of the record, not the last one, is not what civicops wrote."""


def who_acts() -> str:
    """`CIVICOPS_USER` where it is set (a service acting for a person), else the name of the system's user."""
    given = os.environ.get("CIVICOPS_USER", "").strip()
    if given:
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"uid {os.getuid()}"


def read_history(path: Path) -> tuple[Switch, ...]:
    """All switches, oldest first. A torn last line, as a crash leaves it, is passed over.

    Raises `HistoryError` for any other line that cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    switches: list[Switch] = []
    whole, _, _ = content.rpartition(b"\n")
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            switches.append(Switch.from_json(json.loads(line)))
        except (KeyError, TypeError, ValueError) as error:
            message = f"Line {number} of {path} cannot be read as a switch."
            raise HistoryError(
                message, hint="Put that line back from a backup; releases themselves are fine."
            ) from error
    return tuple(switches)


def append_history(path: Path, switch: Switch) -> None:
    """Append one line durably, after cutting off what a crash may have left of the last one.

    Safe to repeat: a switch whose sequence is already on the record is not written twice. Raises `OSError`.
    """
    mend_history(path)
    known = read_history(path)
    if known and known[-1].sequence >= switch.sequence:
        return
    is_new = not path.exists()
    with path.open("ab") as file:
        file.write(json.dumps(switch.to_json(), ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync(path.parent)


def mend_history(path: Path) -> bool:
    """Cut off a last line that does not end in a newline; whether there was one. Raises `OSError`."""
    try:
        with path.open("r+b") as file:
            content = file.read()
            keep = content.rfind(b"\n") + 1
            if keep == len(content):
                return False
            file.truncate(keep)
            file.flush()
            os.fsync(file.fileno())
            return True
    except FileNotFoundError:
        return False
