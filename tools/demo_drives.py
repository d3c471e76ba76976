"""The part of `make demo` about shared drives: a mass deletion, and its restore.

Belongs here: what is done to the made-up group's drives, and what is printed of it. Does not belong here: the rest of the demo.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from civicops.release.store import ReleaseStore
from simulators.google import FOLDER, GoogleServer, made_up_group, serve_google
from tools.demo_told import Told

PRODUCT = "drive_monitor"


@contextmanager
def made_up_drives(home: Path) -> Iterator[GoogleServer]:
    """A group's shared drives, with the key file that the product is to use."""
    with serve_google(made_up_group(drives=4, files=180)) as google:
        google.group.now = datetime.now(UTC)
        os.environ["GOOGLE_SERVICE_ACCOUNT_FILE"] = str(google.write_key(home / "service-account.json"))
        yield google


def settings(google: GoogleServer) -> list[str]:
    """The lines of civicops.toml that point the product at them."""
    return ["", f"[products.{PRODUCT}]", f'url = "{google.url}"', 'subject = "admin@example.org"']


def story(google: GoogleServer, home: Path, told: Told, run: Callable[[], int]) -> bool:
    """Two people tidy up too much; one of the two is undone.

    True when each look saw exactly what was done, and both losses opened incidents that mails told of, of which one was
    acknowledged and closed by the restore.
    """
    group, (first, second, *_) = google.group, google.group.drives
    in_first, in_second = (f"deleted in {group.drives[one]}" for one in (first, second))
    tidied = [one.id for one in group.children(first) if one.mime == FOLDER][:3]
    files = [one.id for one in group.items.values() if one.drive == second and one.mime != FOLDER][:26]
    gone = {item for one in tidied for item in (one, *group.below(one))} | set(files)
    _next_second(google)
    group.trash(tidied, group.people[1].email)
    group.purge(files, group.people[4].email)
    print(
        f"== {PRODUCT}: {group.people[1].name} trashes three folders, {group.people[4].name} deletes 26 files for good"
    )
    seen = run() == 0 and _count(home, "TRUE") == len(gone)
    for rule, drive, measured, severity in _rows(home, _ALERTS):
        print(f"  {severity:<9}{drive}: {rule} ({measured:,.0f})")
    seen &= told.opened(PRODUCT, in_first) and told.opened(PRODUCT, in_second)
    seen &= told.acknowledged(PRODUCT, in_first, "asked who tidied up; restoring")
    _next_second(google)
    group.untrash(tidied, group.people[0].email)
    print(f"\n== {PRODUCT}: {group.people[0].name} restores the three folders from the trash")
    seen &= run() == 0 and _count(home, "returned_at IS NULL") == len(files)
    print(f"  {len(gone) - len(files)} items are back, {len(files)} are on the restore list")
    seen &= told.resolved(PRODUCT, in_first)
    print()
    return seen


_ALERTS = """
    SELECT min(meaning), drive_name, max(measured), severity_code FROM {alerts} GROUP BY drive_name, rule_code, severity_code
    ORDER BY drive_name, severity_code, rule_code"""


def _next_second(google: GoogleServer) -> None:
    """Looks bear their second; two in one would be one."""
    time.sleep(1.1)
    google.group.now = datetime.now(UTC)


def _count(home: Path, where: str) -> int:
    return int(_rows(home, f"SELECT count(*) FROM {{deletions}} WHERE {where}")[0][0])


def _rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    releases = ReleaseStore(home / "releases").snapshot(PRODUCT)
    with duckdb.connect() as con:
        tables = {name: f"read_parquet('{release.data}')" for name, release in releases.items()}
        return con.execute(sql.format(**tables)).fetchall()
