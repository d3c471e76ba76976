"""The dbt-duckdb plugin that gives models their placing functions.

Belongs here: what dbt-duckdb calls when it opens the warehouse. Does not belong here: the functions (`placing`).
"""

from __future__ import annotations

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from civicops.transform.placing import read_layers, register


class Plugin(BasePlugin):
    """Found by dbt-duckdb under this name in the module that the profile names."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called by dbt-duckdb whenever it opens the warehouse."""
        register(conn, read_layers(conn))
