"""The world moves on: new requests and changes to old ones, so that an incremental run has something to fetch.

Belongs here: what a day brings to the datasets, deterministic from the seed and the number of the step. Does not belong
here: the drawing of requests (world) and the protocol.
"""

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from simulators.socrata.portal import CASES_IDS, LEGACY_IDS, Dataset, Portal, stamp
from simulators.world.requests import generate_new

CURRENT: Final = CASES_IDS[2026]
# Old years keep changing for about 18 months.
STILL_CHANGING: Final = (CASES_IDS[2025], LEGACY_IDS[2025], LEGACY_IDS[2024])
LAST_DAY: Final = datetime(2026, 12, 31).date()


def advance(
    portal: Portal, days: int = 1, rows: int | None = None, updates: int | None = None, lose: str | None = None
) -> dict[str, Any]:
    """Let `days` pass: `rows` new cases (default: the usual daily number) and `updates` changed ones (default: half).

    `lose`: the new cases of that day (ISO) are lost on their way to the portal until `find_lost`.

    Returns the new day and, per dataset, the numbers and keys inserted and updated. Rows with planted anomalies are left
    as they are, so that the answer key stays right. Raises ValueError for less than one day or a day after 2026.
    """
    with portal.write_lock:
        first = portal.today
        end = first + timedelta(days=days)
        if days < 1 or end > LAST_DAY:
            raise ValueError(f"the world can move on by one day or more, up to {LAST_DAY}")
        portal.step += 1
        portal.today = end
        count = rows if rows is not None else max(12, round(portal.rows_per_year / 235 * days))
        changes = updates if updates is not None else max(6, count // 2)
        report: dict[str, Any] = {"step": portal.step, "today": portal.today.isoformat(), "datasets": {}}
        wanted = {CURRENT: changes} | dict.fromkeys(STILL_CHANGING, max(2, changes // 5))
        for dataset_id, number in wanted.items():
            dataset = portal.get(dataset_id)
            if dataset is None or dataset.kind != "requests":
                continue  # replaced by a given file
            updated = change_rows(portal, dataset, number if updates != 0 else 0)
            is_current = dataset_id == CURRENT and count
            inserted = _new_rows(portal, dataset, count, first, end, lose) if is_current else []
            portal.changed(dataset, portal.now())
            report["datasets"][dataset_id] = {
                "inserted": len(inserted), "updated": len(updated), "inserted_keys": inserted, "updated_keys": updated,
            }  # fmt: skip
        portal.advances.append(report)
        return report


def find_lost(portal: Portal) -> dict[str, Any]:
    """Publish the cases that were lost on their way, as loaded this morning; returns their keys. None lost: none published."""
    with portal.write_lock:
        dataset = portal.get(CURRENT)
        if dataset is None or portal.lost is None:
            return {"inserted_keys": []}
        found, portal.lost = portal.lost, None
        loaded = stamp(datetime.combine(portal.today, time(5, 1)))
        with portal.cursor() as con:
            con.register("lost", found)
            con.execute(f"CREATE OR REPLACE TEMP TABLE found AS SELECT * REPLACE ({loaded} AS UpdatedDate) FROM lost")
            con.unregister("lost")
            portal.append(con, dataset, "found", portal.now())
        portal.changed(dataset, portal.now())
        return {"inserted_keys": [str(key) for key in found["CaseNumber"].to_pylist()]}


def _new_rows(portal: Portal, dataset: Dataset, count: int, first: Any, end: Any, lose: str | None = None) -> list[str]:
    with portal.cursor() as con:
        highest = con.execute(f"SELECT max(CAST({portal.key(dataset)} AS BIGINT)) FROM {dataset.table}").fetchone()
        last = int(highest[0]) if highest else 0
        made = generate_new(portal.seed, first.year, count, first, end, last, portal.step)
        con.register("made", made.table)
        is_lost = f"CAST(CreatedDate AS DATE) = DATE '{date.fromisoformat(lose)}'" if lose else "false"
        if lose:
            portal.lost = con.execute(f"SELECT * FROM made WHERE {is_lost}").to_arrow_table()
        con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT * FROM made WHERE NOT ({is_lost})")
        con.unregister("made")
        portal.append(con, dataset, "incoming", portal.now())
        keys = con.execute("SELECT CaseNumber FROM incoming").fetchall()
        con.execute("DROP TABLE incoming")
        return [str(key) for (key,) in keys]


def change_rows(portal: Portal, dataset: Dataset, number: int, *, served_first: bool = False) -> list[str]:
    """Update `number` sound rows: open ones get closed, all get a new UpdatedDate and move in the heap. Returns keys.

    Normally yesterday during office hours, any rows. `served_first`: this morning after the refresh, and the rows that
    lie at the front of the heap (a page already served).
    """
    key = portal.key(dataset)
    planted = {k for keys in (dataset.truth.planted.values() if dataset.truth else ()) for k in keys}
    order = "_pos" if served_first else f"md5(_id || {portal.step})"
    with portal.write_lock, portal.cursor() as con:
        con.execute("CREATE OR REPLACE TEMP TABLE kept (key VARCHAR)")
        if planted:
            con.executemany("INSERT INTO kept VALUES (?)", [(k,) for k in sorted(planted)])
        rows = con.execute(
            f"SELECT {key} FROM {dataset.table} WHERE {key} NOT IN (SELECT key FROM kept) ORDER BY {order} LIMIT {number}"
        ).fetchall()
        keys = [str(k) for (k,) in rows]
        if not keys:
            return []
        con.execute("CREATE OR REPLACE TEMP TABLE chosen (key VARCHAR)")
        con.executemany("INSERT INTO chosen VALUES (?)", [(k,) for k in keys])
        # Office hours, and the hour after five, stay clear of the hours when clocks change.
        day, start, span = (portal.today, 5, 3600) if served_first else (portal.today - timedelta(days=1), 9, 28_800)
        begin = stamp(datetime.combine(day, time(start, 1)) + timedelta(seconds=dataset.version))
        moment = f"{begin} + to_seconds(CAST('0x' || md5(_id || {dataset.version})[1:6] AS BIGINT) % {span})"
        is_open = "ClosedDate IS NULL AND Status NOT IN ('Closed', 'Cancelled')"
        changes = {
            "UpdatedDate": moment,
            "ClosedDate": f"CASE WHEN {is_open} THEN {moment} ELSE ClosedDate END",
            "Status": f"CASE WHEN {is_open} THEN 'Closed' ELSE Status END",
        }
        portal.touch(con, dataset, changes, f"{key} IN (SELECT key FROM chosen)", portal.now())
    return keys
