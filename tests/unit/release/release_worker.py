"""A process that publishes two datasets again and again until it is killed or done; what the tests of faults start.

`python release_worker.py ROOT CONTRACT... --rounds N --rows N`: each round both datasets hold one and the same number, so
that a mix of two rounds can be told. Prints `round N` after each; on a civicops error prints it as JSON and exits with 3.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from pathlib import Path

import duckdb

from civicops.contracts import load_contracts
from civicops.errors import CivicopsError
from civicops.release import Provenance, ReleaseStore, publish, stage


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("contracts", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--largest-file", type=int, default=0, help="bytes; the kernel refuses more")
    parser.add_argument("--user", type=int, default=0, help="number of the user to become")
    options = parser.parse_args()
    contracts, store = load_contracts(options.contracts), ReleaseStore(options.root)
    con = duckdb.connect()
    con.execute("SET threads = 1; SELECT 1").fetchall()
    if options.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.largest_file, options.largest_file))
    if options.user:
        os.setuid(options.user)
    for number in range(options.first, options.first + options.rounds):
        sql = f"SELECT i AS thing_id, {number} AS round, md5(i::VARCHAR || '{number}') AS note FROM range({options.rows}) t(i)"
        try:
            provenance = Provenance(f"run-{number}")
            staged = [
                stage(con, contract=item, select_sql=sql, provenance=provenance, store=store) for item in contracts
            ]
            publish(staged, store=store, reason=f"round {number}")
        except CivicopsError as error:
            print(json.dumps({"kind": type(error).__name__, "text": str(error)}), flush=True)  # noqa: T201
            return 3
        print(f"round {number}", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
