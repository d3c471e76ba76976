"""`python -m civicops.portal`: the portal as a process of its own, as `civicops up` starts it.

Belongs here: reading the few options. Does not belong here: serving (`server`).
"""

from __future__ import annotations

import argparse
import sys

from civicops.errors import CivicopsError
from civicops.portal.server import serve
from civicops.workspace import Workspace


def main() -> int:
    """Serve the workspace of `CIVICOPS_WORKSPACE` or of this folder; 0 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="civicops portal")
    parser.add_argument("--host", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--samples", action="store_true")
    options = parser.parse_args()
    try:
        workspace = Workspace.find()
        portal = workspace.settings.portal
        host, port = options.host or portal.host, options.port or portal.port
        return serve(workspace, host=host, port=port, samples=options.samples, say=lambda text: print(text, flush=True))  # noqa: T201
    except CivicopsError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
