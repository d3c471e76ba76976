"""The simulators' command line: `python -m simulators serve`.

Belongs here: arguments, the ready file, signals. Does not belong here: what is served.
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from simulators.socrata import PortalServer, Settings
from simulators.socrata.server import DEFAULT_TOKEN


def _given_file(text: str) -> tuple[str, Path]:
    dataset_id, _, path = text.partition("=")
    if not path or not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{text!r}: write ID=PATH with the path of an existing CSV file")
    return dataset_id, Path(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description="Stand-ins for the outside world on loopback."
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve", help="serve the open-data portal until SIGTERM or Ctrl-C")
    command.add_argument("--port", type=int, default=0, help="0 takes a free one")
    command.add_argument("--seed", type=int, default=7)
    command.add_argument("--rows-per-year", type=int, default=6000)
    command.add_argument("--ready-file", type=Path, help="written, whole, once the portal answers")
    command.add_argument("--csv", type=_given_file, action="append", default=[], metavar="ID=PATH",
                         help="serve a given CSV file as a dataset; may be given several times")  # fmt: skip
    command.add_argument(
        "--unlisted", action="store_true", help="publish next year's dataset that no configuration lists"
    )
    command.add_argument(
        "--token", action="append", help=f"application tokens the portal knows (default {DEFAULT_TOKEN})"
    )
    command.add_argument(
        "--anonymous-limit", type=int, default=1000, help="requests a minute without token; 0 for no limit"
    )
    command.add_argument("--no-gzip", action="store_true", help="never compress answers")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; prints one JSON line with the URL when ready."""
    args = _parser().parse_args(argv)
    settings = Settings(
        seed=args.seed,
        rows_per_year=args.rows_per_year,
        port=args.port,
        unlisted=args.unlisted,
        files=dict(args.csv),
        tokens=frozenset(args.token or [DEFAULT_TOKEN]),
        anonymous_limit=args.anonymous_limit or None,
        compress=not args.no_gzip,
    )
    try:
        server = PortalServer(settings)
    except OSError as problem:
        sys.stderr.write(f"cannot serve on 127.0.0.1:{args.port}: {problem.strerror}; choose another --port\n")
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    ready = json.dumps(
        {"url": server.url, "port": server.server_address[1], "pid": os.getpid(), "token": sorted(settings.tokens)[0]}
    )
    if args.ready_file:
        part = args.ready_file.with_suffix(args.ready_file.suffix + ".part")
        part.write_text(ready, encoding="utf-8")
        part.replace(args.ready_file)
    sys.stdout.write(ready + "\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
