"""Appends to a log until it is killed, and says on standard output what was acknowledged. Run by the tests as a process."""

from __future__ import annotations

import sys
from pathlib import Path

from civicops.audit import Event, open_log
from civicops.workspace import Workspace


def main() -> None:
    folder, name, count, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    log = open_log(Workspace.find(Path(folder)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for number in range(count):
        events = [
            Event("decision", name, f"thing/{name}-{number}-{at}", {"n": number}, {"note": f"{name} {number} {at}"})
            for at in range(batch)
        ]
        for receipt, event in zip(log.append(*events), events, strict=True):
            sys.stdout.write(f"{receipt.index} {receipt.leaf_hash} {event.subject}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
