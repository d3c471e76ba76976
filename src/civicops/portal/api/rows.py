"""Rows of a release for a checked question.

Belongs here: one page of rows, in the order of the release. Does not belong here: checking the question (`questions`).

Rows are paged by their position in the file. A release never changes and is totally ordered, so a position is as good a key as
the contract's, and the engine jumps to it by the file's footer: 8 ms anywhere in 13 million rows, where a page in the order of
the key took 0.5 s (docs/decisions/0008).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from civicops.portal.api.questions import POSITION, Question, cursor_after
from civicops.portal.engine import cursor
from civicops.release.sql import identifier, literal
from civicops.release.values import Release


@lru_cache(maxsize=256)
def _types(path: str) -> tuple[tuple[str, str], ...]:
    with cursor(seconds=5) as con:
        described = con.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})").fetchall()
    return tuple((str(name), str(kind)) for name, kind, *_ in described)


def column_types(release: Release) -> dict[str, str]:
    """Column to DuckDB type of a release, in the order of its file."""
    return dict(_types(str(release.data)))


def page(
    release: Release, question: Question, *, limit: int, seconds: float
) -> tuple[list[dict[str, Any]], str | None]:
    """At most `limit` rows and the cursor of the next page, `None` after the last. Raises `TooLongError`, `BusyError`."""
    columns = ", ".join(identifier(name) for name in question.columns)
    conditions = " AND ".join([f"{POSITION} > {question.after}", *question.where])
    # Told apart by a name that no column of a contract can have.
    sql = (
        f'SELECT {POSITION} AS "?position", {columns} '
        f"FROM read_parquet({literal(str(release.data))}, file_row_number = true) "
        f"WHERE {conditions} ORDER BY {POSITION} LIMIT {limit + 1}"
    )
    with cursor(seconds=seconds) as con:
        found = con.execute(sql, list(question.values)).fetchall()
    rows = [dict(zip(question.columns, row[1:], strict=True)) for row in found[:limit]]
    more = len(found) > limit
    return rows, cursor_after(found[limit - 1][0], release.version, question.mark) if more else None
