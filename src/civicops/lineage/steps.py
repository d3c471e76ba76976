"""What the steps that are not SQL read and write, declared, and held against what they really wrote.

Belongs here: the declarations (placing functions, the table of outlines, the columns that checking adds, the quarantine,
sheets) and the comparison with a file or table. Does not belong here: running those steps.

SQL is read by a program; Python is not. So each Python step of the framework that makes columns says here which it makes and from
what, and every run compares (`compared`): a column that nobody declared, or a declared one that is missing, is a finding of the
run. A product's own Python says so beside itself (`civicops.transform.made`), and is held to it by the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from civicops.ingest.values import Finding
from civicops.lineage.values import How, Input

UNDECLARED = "lineage_undeclared"
MISSING = "lineage_missing"

ORIGIN: Mapping[str, str] = {
    "_flags": "ids of the checks the row broke and was kept with",
    "_blanked": "raw text of values that checks left empty",
    "_source": "the source that brought it",
    "_object": "SHA-256 of the landed file it stands in",
    "_delivery": "number of the delivery that brought it",
}
"""Columns that checking adds to every accepted dataset, and what they hold."""

HELD: tuple[str, ...] = (
    "_raw",
    "_checks",
    "_error",
    "_source",
    "_object",
    "_delivery",
    "_contract",
    "_fingerprint",
    "_run",
)
"""Columns of a file of rows held back."""

AREA: Mapping[str, tuple[tuple[str, str, How], ...]] = {
    "layer": (("boundary_sets", "layer", "copied"),),
    "set_id": (("boundary_sets", "set_id", "copied"),),
    "policy": (("boundary_sets", "policy", "copied"),),
    "valid_from": (("boundary_sets", "valid_from", "derived"),),
    "valid_to": (("boundary_sets", "valid_to", "derived"),),
    "is_newest": (("boundary_sets", "valid_from", "aggregated"),),
    "area_code": (("", "area_code", "copied"), ("", "geometry", "joined")),
    "area_name": (("", "area_name", "copied"),),
    "area_km2": (("", "geometry", "derived"),),
    "geometry": (("", "geometry", "derived"),),
    "geojson": (("", "geometry", "derived"),),
}
"""Columns of `geo.area`: made from which column of the lookup `boundary_sets`, or (named '') of the accepted outlines."""

AREA_ROWS: tuple[str, ...] = ("source", "dataset", "west", "south", "east", "north", "features")
"""Columns of the lookup `boundary_sets` that decide which outlines are used, and whether."""

_PLACING = ("layer", "set_id", "is_newest", "policy", "valid_from", "valid_to", "area_code", "geometry", "area_km2")
_FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "place_in__": _PLACING,
    "is_in__": _PLACING,
    "day_of__": ("layer", "set_id", "is_newest", "policy", "valid_from", "valid_to"),
}


def read_by_function(name: str) -> tuple[Input, ...]:
    """What a placing function that SQL calls reads besides its arguments; nothing for any other function."""
    for prefix, columns in _FUNCTIONS.items():
        if name.lower().startswith(prefix):
            return tuple(("geo.area", column) for column in columns)
    return ()


@dataclass(frozen=True)
class Written:
    """Columns that a step really wrote. `step` names it for people, such as `model requests`."""

    step: str
    columns: tuple[str, ...]


def compared(written: Written, declared: Iterable[str]) -> tuple[Finding, ...]:
    """Findings for each column that was written without being declared, or declared without being written."""
    known = tuple(declared)
    return (
        *(
            Finding(UNDECLARED, f"{written.step} wrote the column '{name}', of which lineage knows nothing.", 1, "flag")
            for name in written.columns
            if name not in known
        ),
        *(
            Finding(
                MISSING, f"{written.step} did not write the column '{name}', which lineage says it makes.", 1, "flag"
            )
            for name in known
            if name not in written.columns
        ),
    )
