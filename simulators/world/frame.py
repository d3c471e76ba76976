"""A small column store for rows in the making: columns by name, changed a few rows at a time.

Belongs here: mechanics only. Does not belong here: what a column means. Times are numpy `datetime64[s]` (NaT = empty),
coordinates numpy floats (NaN = empty), everything else an Arrow array; names starting with `_` never leave the world.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.world.arrow import Array, Table, pa
from simulators.world.coded import among, missing, replaced

Ints = NDArray[np.int64]
Values = NDArray[Any] | Array


class Frame:
    """Columns of equal length; the one place where generated rows are mutable."""

    def __init__(self, columns: Mapping[str, Values]) -> None:
        self.columns: dict[str, Values] = dict(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Values:
        return self.columns[name]

    def numpy(self, name: str) -> NDArray[Any]:
        """A numpy column; raises TypeError for an Arrow one, whose nulls numpy would hide."""
        values = self.columns[name]
        if not isinstance(values, np.ndarray):
            raise TypeError(f"{name} is an Arrow column")
        return values

    def equals(self, name: str, wanted: str | Sequence[str]) -> NDArray[np.bool_]:
        """Mask of the rows whose text is (one of) `wanted`; empty is never equal."""
        return among(self.arrow(name), [wanted] if isinstance(wanted, str) else wanted)

    def empty(self, name: str) -> NDArray[np.bool_]:
        """Mask of the rows where the column has no value."""
        values = self.columns[name]
        if isinstance(values, np.ndarray):
            mask: NDArray[np.bool_] = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
            return mask
        return missing(values)

    def arrow(self, name: str) -> Array:
        """An Arrow column; raises TypeError for a numpy one."""
        values = self.columns[name]
        if isinstance(values, np.ndarray):
            raise TypeError(f"{name} is a numpy column")
        return values

    def texts(self, name: str, rows: Ints) -> list[Any]:
        """Values of some rows of an Arrow column, as Python objects."""
        return list(self.columns[name].take(pa.array(rows)).to_pylist())

    def put(self, name: str, rows: Ints, values: Any) -> None:
        """Set some rows: one value for all (None = empty) or one per row in the order of `rows`."""
        if len(rows) == 0:
            return
        old = self.columns[name]
        if isinstance(old, np.ndarray):
            new = old.copy()
            new[rows] = values
            self.columns[name] = new
            return
        if values is None or isinstance(values, str | int):
            values = [values] * len(rows)
        self.columns[name] = replaced(old, rows, values)

    def take(self, rows: Ints) -> "Frame":
        """A new frame of the given rows."""
        index = pa.array(rows)
        return Frame({k: v[rows] if isinstance(v, np.ndarray) else v.take(index) for k, v in self.columns.items()})

    def table(self, names: Sequence[str]) -> Table:
        """An Arrow table of the named columns: timestamps in microseconds without zone (DuckDB's own unit), NaN as null."""
        arrays = []
        for name in names:
            values = self.columns[name]
            if not isinstance(values, np.ndarray):
                arrays.append(values)
            elif values.dtype.kind == "M":
                arrays.append(pa.array(values.astype("datetime64[us]")))
            else:
                arrays.append(pa.array(values, pa.float64(), from_pandas=True))
        table: Table = pa.table(arrays, names=list(names))
        return table
