"""What differs between two snapshots of one drive, with the paths of everything that changed.

Belongs here: telling what was added, trashed, restored, moved, renamed, changed, or is absent. Does not belong here: why it is
absent; the snapshot cannot know (`civicops.ingest.google.evidence` asks).

| change | before | after |
|---|---|---|
| `added` | not there | live |
| `absent` | live | not there |
| `trashed` | live | in the trash |
| `restored` | in the trash | live |
| `emptied` | in the trash | not there |
| `moved` | live, other folder | live |
| `renamed` | live, other name | live |
| `modified` | live, other size, checksum or time | live |

A folder's new name or place changes the path of everything below, but is one change, not thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from civicops.ingest.snapshots.items import FOLDER

MAX_LEVELS = 200
"""Folders nest up to 100 levels; twice that ends a circle in damaged data."""

_PATHS = """
CREATE OR REPLACE TEMP TABLE {side}_paths AS
WITH RECURSIVE found(id, path, top_id, level) AS (
    SELECT f.id, '/' || f.name, f.id, 1 FROM {side}_folders f ANTI JOIN {side}_folders p ON f.parent_id = p.id
    UNION ALL
    SELECT f.id, found.path || '/' || f.name, found.top_id, level + 1 FROM found JOIN {side}_folders f ON f.parent_id = found.id
    WHERE level < {levels}
)
SELECT id, path, top_id, level FROM found
"""
_CHANGES = """
SELECT
    coalesce(b.id, a.id) AS id,
    CASE
        WHEN b.id IS NULL OR (a.id IS NOT NULL AND b.is_trashed AND NOT a.is_trashed) THEN
            CASE WHEN b.id IS NULL THEN 'added' ELSE 'restored' END
        WHEN a.id IS NULL THEN CASE WHEN b.is_trashed THEN 'emptied' ELSE 'absent' END
        WHEN a.is_trashed THEN 'trashed'
        WHEN b.parent_id IS DISTINCT FROM a.parent_id THEN 'moved'
        WHEN b.name <> a.name THEN 'renamed'
        ELSE 'modified'
    END AS change,
    coalesce(b.name, a.name) AS name,
    coalesce(b.mime_type, a.mime_type) AS mime_type,
    coalesce(b.mime_type, a.mime_type) = '{folder}' AS is_folder,
    coalesce(b.size_bytes, a.size_bytes) AS size_bytes,
    b.parent_id AS parent_id,
    a.parent_id AS parent_id_after,
    a.name AS name_after,
    coalesce(b.editor, a.editor) AS editor,
    coalesce(b.modified_at, a.modified_at) AS modified_at,
    a.trashed_at AS trashed_at,
    a.trashed_by AS trashed_by
FROM before b FULL JOIN after a ON b.id = a.id
WHERE (b.id IS NULL AND NOT a.is_trashed)
    OR a.id IS NULL
    OR b.is_trashed IS DISTINCT FROM a.is_trashed
    OR (NOT a.is_trashed AND (
        b.parent_id IS DISTINCT FROM a.parent_id
        OR b.name <> a.name
        OR b.size_bytes IS DISTINCT FROM a.size_bytes
        OR b.checksum IS DISTINCT FROM a.checksum
        OR b.modified_at IS DISTINCT FROM a.modified_at))
"""
_RESOLVED = """
SELECT c.* EXCLUDE (parent_id_after, name_after),
    CASE WHEN c.parent_id IS NULL THEN NULL ELSE coalesce(p.path, '') || '/' || c.name END AS path,
    CASE WHEN c.parent_id_after IS NULL THEN NULL ELSE coalesce(q.path, '') || '/' || c.name_after END AS path_after,
    coalesce(p.top_id, CASE WHEN c.is_folder AND c.parent_id IS NOT NULL THEN c.id END) AS top_folder_id,
    t.files AS top_folder_files
FROM changed c
LEFT JOIN before_paths p ON c.parent_id = p.id
LEFT JOIN after_paths q ON c.parent_id_after = q.id
LEFT JOIN top_folders t ON t.top_id = coalesce(p.top_id, CASE WHEN c.is_folder THEN c.id END)
"""
_TOP_FOLDERS = """
CREATE TEMP TABLE top_folders AS
SELECT p.top_id, count(*) AS files FROM before b JOIN before_paths p ON b.parent_id = p.id
WHERE NOT b.is_trashed AND b.mime_type <> '{folder}' GROUP BY p.top_id
"""


_SUBTREES = """
WITH RECURSIVE pairs(folder, above, level) AS (
    SELECT f.id, f.id, 1 FROM before_folders f
    UNION ALL
    SELECT pairs.folder, f.parent_id, level + 1 FROM pairs JOIN before_folders f ON f.id = pairs.above
        JOIN before_folders p ON p.id = f.parent_id
    WHERE level < {levels}
),
direct AS (
    SELECT b.parent_id AS folder, count(*) AS files, count(l.id) AS lost_files, sum(l.size_bytes) AS lost_bytes
    FROM before b LEFT JOIN (SELECT id, size_bytes FROM before SEMI JOIN lost USING (id)) l USING (id)
    WHERE NOT b.is_trashed AND b.mime_type <> '{folder}' GROUP BY b.parent_id
)
SELECT p.id AS folder_id, p.path, p.level, CAST(sum(d.files) AS BIGINT) AS files,
    CAST(sum(d.lost_files) AS BIGINT) AS lost_files, CAST(coalesce(sum(d.lost_bytes), 0) AS BIGINT) AS lost_bytes
FROM direct d JOIN pairs ON pairs.folder = d.folder JOIN before_paths p ON p.id = pairs.above
GROUP BY ALL HAVING sum(d.lost_files) > 0 ORDER BY p.path, p.id
"""


def subtree_losses(before: pa.Table, lost: Sequence[str], *, threads: int = 2, memory_limit: str = "1GB") -> pa.Table:
    """Every folder, at any depth, below which files of `lost` (ids) lay: `folder_id`, `path`, `level` (1: in the drive's root),
    how many live files lay below it, how many of them are lost, and their bytes."""
    config: dict[str, str | bool | int | float | list[str]] = {"threads": threads, "memory_limit": memory_limit}
    with duckdb.connect(config=config) as con:
        _read_side(con, "before", before)
        con.register("lost", pa.table({"id": pa.array(lost, pa.string())}))
        return con.execute(_SUBTREES.format(folder=FOLDER, levels=MAX_LEVELS)).to_arrow_table()


def changes(
    before: Path | pa.Table, after: Path | pa.Table, *, threads: int = 2, memory_limit: str = "1GB"
) -> pa.Table:
    """Everything that changed, one row per item, with `path` (before), `path_after`, `top_folder_id` and how many
    files that folder held before (`top_folder_files`), sorted by id.

    Time is linear in the number of items. An item whose folders cannot be seen has a path from the nearest one that can.
    """
    config: dict[str, str | bool | int | float | list[str]] = {"threads": threads, "memory_limit": memory_limit}
    with duckdb.connect(config=config) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET preserve_insertion_order = false")
        for name, given in (("before", before), ("after", after)):
            _read_side(con, name, given)
        con.execute(_TOP_FOLDERS.format(folder=FOLDER))
        con.execute(f"CREATE TEMP TABLE changed AS {_CHANGES.format(folder=FOLDER)}")
        return con.execute(f"SELECT * FROM ({_RESOLVED}) ORDER BY id").to_arrow_table()


def _read_side(con: duckdb.DuckDBPyConnection, name: str, given: Path | pa.Table) -> None:
    """A snapshot as `name`, its folders, and the path of each."""
    if isinstance(given, Path):
        source = "read_parquet('" + str(given).replace("'", "''") + "')"
        con.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {source}")
    else:
        con.register(name, given)
    con.execute(
        f"CREATE TEMP TABLE {name}_folders AS SELECT id, name, parent_id FROM {name} WHERE mime_type = '{FOLDER}'"
    )
    con.execute(_PATHS.format(side=name, levels=MAX_LEVELS))
