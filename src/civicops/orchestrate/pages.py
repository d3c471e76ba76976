"""Whether pages can still ask what they ask, once a plan is applied.

Belongs here: putting the SQL of pages to the engine on what a trial released, without running it. Does not belong here: finding
that SQL (`civicops.lineage.readers`), drawing pages (`civicops.portal`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import duckdb

from civicops.lineage.readers import page_queries
from civicops.release.sql import identifier, literal
from civicops.release.store import NoReleaseError, ReleaseStore
from civicops.workspace import Product


def broken_pages(
    products: Iterable[Product], before: ReleaseStore, after: ReleaseStore, changed: Collection[str]
) -> Iterator[str]:
    """Sentences about queries of pages that the releases `after` do not answer, and that those `before` did or that are new.

    `changed`: products of which pages are changed too. SQL that is put together while a page is made is not tried.
    """
    for product in products:
        queries = list(page_queries(product))
        if not queries:
            continue
        with _views(product, before) as old, _views(product, after) as new:
            for page, sql in queries:
                wrong = _wrong(new, sql)
                if wrong is None:
                    continue
                # A table that is not there may be one that the page makes for itself; a column that is not is a slip.
                is_new = product.name in changed and isinstance(wrong, duckdb.BinderException)
                if is_new or _wrong(old, sql) is None:
                    yield f"page {product.name}.{page} cannot ask what it asks any more: {str(wrong).splitlines()[0]}"


def _wrong(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Error | None:
    """Why the engine cannot answer a query; None where it can, or where the text is no whole query."""
    try:
        con.execute(f"PREPARE asked AS {sql}")
        con.execute("DEALLOCATE asked")
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        return error
    except duckdb.Error:
        return None
    return None


def _views(product: Product, store: ReleaseStore) -> duckdb.DuckDBPyConnection:
    """The releases that a page of the product may ask, under the names its SQL uses."""
    con = duckdb.connect()
    names = [(f"{product.name}.{c.dataset}", c.dataset) for c in product.published]
    for name, view in [*names, *((name, name) for name in (*product.file.reads, *product.file.shows))]:
        owner, _, dataset = name.partition(".")
        try:
            data = store.find(owner, dataset).data
        except NoReleaseError:
            continue
        schema, _, table = view.rpartition(".")
        if schema:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)}")
        place = f"{identifier(schema)}.{identifier(table)}" if schema else identifier(table)
        con.execute(f"CREATE VIEW {place} AS FROM read_parquet({literal(str(data))})")
    return con
