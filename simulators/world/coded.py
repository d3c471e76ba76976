"""Columns that repeat themselves: a dictionary of values and one number per row (Arrow's dictionary arrays).

Belongs here: making and changing such columns. Does not belong here: what they mean. A million rows over sixty thousand
addresses are moved as four bytes each instead of as texts, which halves the time and the memory of generating a year.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.world.arrow import Array, pa, pc

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def coded(values: Any, index: Ints, empty: Mask | None = None) -> Array:
    """The column `values[index]`, empty where the value or the mask says so."""
    dictionary = values if hasattr(values, "type") else pa.array(list(values), pa.string())
    mask = pc.is_null(dictionary).to_numpy(zero_copy_only=False)[index]
    if empty is not None:
        mask = mask | empty
    filler = "" if pa.types.is_string(dictionary.type) else 0
    return _made(index, mask, pc.fill_null(dictionary, filler))


def _made(index: Ints, mask: Mask, dictionary: Array) -> Array:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32), mask=mask), dictionary)


def is_coded(values: Array) -> bool:
    """Whether a column is a dictionary array."""
    return bool(pa.types.is_dictionary(values.type))


def _parts(values: Array) -> tuple[Ints, Mask]:
    empty = pc.is_null(values.indices).to_numpy(zero_copy_only=False)
    return pc.fill_null(values.indices, 0).to_numpy(zero_copy_only=False), empty


def blank(values: Array, mask: Mask) -> Array:
    """The column, empty where the mask is true."""
    if not is_coded(values):
        return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)
    index, empty = _parts(values)
    return _made(index, empty | mask, values.dictionary)


def as_text(values: Array) -> Array:
    """A column of numbers as texts."""
    if not is_coded(values):
        return pc.cast(values, pa.string())
    return pa.DictionaryArray.from_arrays(values.indices, pc.cast(values.dictionary, pa.string()))


def replaced(values: Array, rows: Ints, new: Sequence[Any]) -> Array:
    """The column with `new` (one per row, None = empty) at the given rows."""
    if not is_coded(values):
        order = np.argsort(rows, kind="stable")
        mask = np.zeros(len(values), dtype=bool)
        mask[rows] = True
        return pc.replace_with_mask(values, pa.array(mask), pa.array([new[i] for i in order], values.type))
    old_index, old_empty = _parts(values)
    index, empty = old_index.copy(), old_empty.copy()
    fresh = list(dict.fromkeys(v for v in new if v is not None))
    number = {v: len(values.dictionary) + i for i, v in enumerate(fresh)}
    index[rows] = [0 if v is None else number[v] for v in new]
    empty[rows] = [v is None for v in new]
    dictionary = pa.concat_arrays([values.dictionary, pa.array(fresh, values.dictionary.type)])
    return _made(index, empty, dictionary)


def overlaid(values: Array, mask: Mask, value: str) -> Array:
    """The column with one value where the mask is true."""
    rows = np.flatnonzero(mask)
    return replaced(values, rows, [value] * len(rows))


def among(values: Array, wanted: Sequence[str]) -> Mask:
    """Mask of the rows whose text is one of `wanted`; empty is never among them."""
    options = pa.array(list(wanted), pa.string())
    if not is_coded(values):
        plain: Mask = pc.is_in(values, value_set=options).to_numpy(zero_copy_only=False)
        return plain
    index, empty = _parts(values)
    hit: Mask = pc.is_in(values.dictionary, value_set=options).to_numpy(zero_copy_only=False)[index] & ~empty
    return hit


def missing(values: Array) -> Mask:
    """Mask of the rows without a value."""
    empty: Mask = pc.is_null(values.indices if is_coded(values) else values).to_numpy(zero_copy_only=False)
    return empty
