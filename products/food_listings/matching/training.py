"""Estimating the model's parameters from listings without labels.

Belongs here: the settings and the order of estimation. Does not belong here: measuring (bench/food_duplicates.py), using
(`model`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from .model import as_table, blocking, comparisons

SEED = 311


def train(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Estimate the parameters from `rows` and write them to `path` as Splink's JSON. The same rows give the same file."""
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    con = duckdb.connect()
    try:
        con.execute("SET threads = 1")
        api = DuckDBAPI(con)
        table = api.register(as_table(rows), table_name="listings_trained")
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=comparisons(),
            blocking_rules_to_generate_predictions=blocking(),
            retain_intermediate_calculation_columns=False,
            retain_matching_columns=False,
        )
        linker = Linker(table, settings, log_level=logging.ERROR)
        linker.training.estimate_probability_two_random_records_match(
            [block_on("name_sorted", "zip"), block_on("address_key", "first_word")], recall=0.7
        )
        linker.training.estimate_u_using_random_sampling(max_pairs=5_000_000, seed=SEED)
        for rule in (block_on("address_key", "zip"), block_on("phone"), block_on("name_sorted")):
            linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
        found = linker.misc.save_model_to_json(None)
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    finally:
        con.close()
