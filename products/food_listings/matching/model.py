"""The model of duplicates: a Fellegi-Sunter model run by Splink on DuckDB, its parameters kept as data beside it.

Belongs here: comparisons, blocking, scoring. Does not belong here: what a score means for people (`explain`).

The parameters were estimated without labels (expectation maximisation on real lists; bench/food_duplicates.py trains them
anew and measures them against pairs that were labelled by hand) and stand in `trained.json`, so that the same listings give
the same probabilities, however few they are.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

TRAINED = Path(__file__).with_name("trained.json")
_TEXTS = (
    "unique_id",
    "name_key",
    "name_sorted",
    "first_word",
    "number",
    "street",
    "address_key",
    "unit",
    "zip",
    "phone",
    "host",
)
_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(_TEXTS, pa.string()), "lat": pa.float64(), "lon": pa.float64(), "cell": pa.string(), "kinds": pa.string(),
}  # fmt: skip
SCHEMA = pa.schema(list(_COLUMNS.items()))


@dataclass(frozen=True)
class Pair:
    """Two listings (the first id sorts before the second), how probable it is that they are one place, and the weight in bits."""

    first: str
    second: str
    probability: float
    weight: float


def comparisons() -> list[Any]:
    """What is compared, from the strongest agreement down."""
    import splink.comparison_level_library as cll  # noqa: PLC0415 - seconds to import
    import splink.comparison_library as cl  # noqa: PLC0415

    def level(sql: str, label: str) -> Any:
        return cll.CustomLevel(sql, label)

    name = cl.CustomComparison(
        output_column_name="name",
        comparison_levels=[
            cll.NullLevel("name_sorted"),
            # Two stores of a chain have one name; a rare name tells more. So with numbers that one office has for many sites.
            level("name_sorted_l = name_sorted_r", "same words").configure(tf_adjustment_column="name_sorted"),
            level(
                "jaro_winkler_similarity(name_key_l, name_key_r) >= 0.94 OR "
                "jaro_winkler_similarity(name_sorted_l, name_sorted_r) >= 0.94",
                "nearly the same",
            ),
            level(
                "len(list_intersect(string_split(name_sorted_l, ' '), string_split(name_sorted_r, ' '))) >= 2 AND "
                "len(list_intersect(string_split(name_sorted_l, ' '), string_split(name_sorted_r, ' '))) >= "
                "0.66 * least(len(string_split(name_sorted_l, ' ')), len(string_split(name_sorted_r, ' ')))",
                "one name holds the other",
            ),
            level(
                "len(list_intersect(string_split(name_sorted_l, ' '), string_split(name_sorted_r, ' '))) >= 1",
                "a word in common",
            ),
            cll.ElseLevel(),
        ],
    )
    street = cl.CustomComparison(
        output_column_name="address_key",
        comparison_levels=[
            cll.NullLevel("address_key"),
            level("address_key_l = address_key_r AND unit_l = unit_r", "same street, number and unit"),
            level("address_key_l = address_key_r", "same street and number"),
            level("number_l = number_r AND levenshtein(street_l, street_r) <= 2", "street spelled differently"),
            level("street_l = street_r", "same street, other number"),
            cll.ElseLevel(),
        ],
    )
    phone = cl.CustomComparison(
        output_column_name="phone",
        comparison_levels=[
            cll.NullLevel("phone"),
            level("phone_l = phone_r", "same phone").configure(tf_adjustment_column="phone"),
            level("levenshtein(phone_l, phone_r) = 1", "one digit differs"),
            cll.ElseLevel(),
        ],
    )
    place = cl.CustomComparison(
        output_column_name="place",
        comparison_levels=[
            level("(lat_l IS NULL OR lat_r IS NULL) AND (zip_l IS NULL OR zip_r IS NULL)", "unknown").configure(
                is_null_level=True
            ),
            level(f"{_KM} <= 0.05", "same point"),
            level(f"{_KM} <= 0.4", "within 400 m"),
            level(f"{_KM} <= 2 OR ((lat_l IS NULL OR lat_r IS NULL) AND zip_l = zip_r)", "within 2 km"),
            cll.ElseLevel(),
        ],
    )
    kinds = cl.CustomComparison(
        output_column_name="kinds",
        comparison_levels=[
            cll.NullLevel("kinds"),
            level(
                "len(list_intersect(string_split(kinds_l, ' '), string_split(kinds_r, ' '))) > 0",
                "a category in common",
            ),
            cll.ElseLevel(),
        ],
    )
    return [name, street, phone, place, kinds]


_KM = (
    "(2 * 6371.0088 * asin(sqrt(pow(sin(radians(lat_r - lat_l) / 2), 2) + "
    "cos(radians(lat_l)) * cos(radians(lat_r)) * pow(sin(radians(lon_r - lon_l) / 2), 2))))"
)


def blocking() -> list[Any]:
    """Which pairs are looked at at all."""
    from splink import block_on  # noqa: PLC0415

    return [
        block_on("phone"),
        block_on("address_key"),
        block_on("zip", "number"),
        block_on("zip", "first_word"),
        block_on("name_sorted"),
        block_on("cell"),
        block_on("street", "first_word"),
    ]


def as_table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Keys as an Arrow table, in the order of their ids."""
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["unique_id"])), schema=SCHEMA)


def score(rows: Sequence[dict[str, Any]], *, least: float = 0.5, trained: Path = TRAINED) -> list[Pair]:
    """All pairs at least that probable, the most probable first. Empty where there are fewer than two rows."""
    if len(rows) < 2:
        return []
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - seconds to import

    logging.getLogger("splink").setLevel(logging.ERROR)
    con = duckdb.connect()
    try:
        con.execute("SET threads = 2; SET preserve_insertion_order = true")
        api = DuckDBAPI(con)
        table = api.register(as_table(rows), table_name="listings_compared")
        linker = Linker(table, json.loads(trained.read_text(encoding="utf-8")), log_level=logging.ERROR)
        found = linker.inference.predict(threshold_match_probability=least)
        pairs = con.execute(
            f"SELECT unique_id_l, unique_id_r, match_probability, match_weight FROM {found.physical_name}"
        ).fetchall()
    finally:
        con.close()
    made = [Pair(min(a, b), max(a, b), round(float(p), 6), round(float(w), 4)) for a, b, p, w in pairs]
    return sorted(made, key=lambda pair: (-pair.probability, pair.first, pair.second))
