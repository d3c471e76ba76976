"""The columns of a snapshot, and the hash of its content.

Belongs here: the schema and what makes two snapshots equal. Does not belong here: files (`store`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FOLDER = "application/vnd.google-apps.folder"

_MOMENT = pa.timestamp("ms", tz="UTC")
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("id", pa.string()),
    ("name", pa.string()),
    ("mime_type", pa.string()),
    ("parent_id", pa.string()),
    ("size_bytes", pa.int64()),
    ("checksum", pa.string()),
    ("created_at", _MOMENT),
    ("modified_at", _MOMENT),
    ("editor", pa.string()),
    ("is_trashed", pa.bool_()),
    ("trashed_at", _MOMENT),
    ("trashed_by", pa.string()),
]
SCHEMA = pa.schema(_FIELDS)
"""One row per item. `editor` and `trashed_by` are addresses of people; `is_trashed` holds below a trashed folder too."""
COLUMNS = tuple(SCHEMA.names)


def item_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns of Python values as a snapshot's table, sorted by id. Raises `pa.ArrowInvalid` for values of another type."""
    arrays = [pa.array(columns[field.name], field.type) for field in SCHEMA]
    return ordered(pa.Table.from_arrays(arrays, schema=SCHEMA))


def ordered(table: pa.Table) -> pa.Table:
    """The table with the columns of the schema, sorted by id."""
    return table.select(list(COLUMNS)).cast(SCHEMA).sort_by("id").combine_chunks()


def content_hash(table: pa.Table) -> str:
    """A sha256 over the values of a table sorted by id.

    It is made from lengths, bytes and little-endian numbers, not from a file format, so that another version of a library, or
    another program, comes to the same one.
    """
    digest = hashlib.sha256()
    for name in COLUMNS:
        column = table.column(name).combine_chunks()
        array: Any = column.chunk(0) if isinstance(column, pa.ChunkedArray) and column.num_chunks else column
        digest.update(f"{name}:{len(table)}\n".encode())
        if not len(table):
            continue
        digest.update(pc.is_null(array).cast(pa.uint8()).to_numpy(zero_copy_only=False).astype("u1").tobytes())
        if pa.types.is_string(array.type):
            text: Any = pc.fill_null(array, "")
            text = text.cast(pa.large_string())
            lengths = pc.binary_length(text).to_numpy(zero_copy_only=False).astype("<i8")
            digest.update(lengths.tobytes())
            offsets = np.frombuffer(text.buffers()[1], dtype="<i8")[text.offset : text.offset + len(text) + 1]
            data = text.buffers()[2]
            digest.update(memoryview(data)[offsets[0] : offsets[-1]] if data is not None else b"")
        else:
            kind: pa.DataType = pa.uint8() if pa.types.is_boolean(array.type) else pa.int64()
            numbers: Any = array.cast(kind)
            filled: Any = pc.fill_null(numbers, 0)
            digest.update(filled.to_numpy(zero_copy_only=False).astype("<i8").tobytes())
    return digest.hexdigest()
