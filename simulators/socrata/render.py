"""Answers as bytes: JSON and CSV as the portal prints them, made inside DuckDB so that 50,000 rows take well under a second.

Belongs here: printing. Does not belong here: which rows (`tosql`) or HTTP.
"""

from pathlib import Path

import duckdb

from simulators.socrata.tosql import Output, Plan, text_literal
from simulators.world.layout import Column, quoted


def _text(output: Output, ref: str) -> str:
    """SQL of an output's text, NULL where empty. System times are UTC with milliseconds, others local without zone."""
    if output.is_text or output.kind == "text":
        return f"CAST({ref} AS VARCHAR)"
    if output.kind == "date":
        zone = "Z" if output.name.startswith(":") else ""
        return f"strftime({ref}, '%Y-%m-%dT%H:%M:%S.000{zone}')"
    return f"CAST({ref} AS VARCHAR)"


def _json(output: Output, ref: str) -> str:
    """SQL of an output's JSON value, NULL where empty. Numbers are JSON strings in SODA, checkboxes are not."""
    text = _text(output, ref)
    if output.kind == "checkbox":
        return text
    if output.kind == "point":
        return f"""'{{"type":"Point","coordinates":[' || replace({ref}[8:-2], ' ', ',') || ']}}'"""
    if output.kind == "location":
        pair = f"{ref}[2:-2]"
        return (
            f"""'{{"latitude":"' || split_part({pair}, ', ', 1) || '","longitude":"' || split_part({pair}, ', ', 2)"""
            """ || '","needs_recoding":false}'"""
        )
    if output.kind in ("number", "date"):
        return f"""'"' || {text} || '"'"""
    return f"CAST(to_json({text}) AS VARCHAR)"


def _inner(plan: Plan, table: str) -> str:
    items = ", ".join(f"{o.sql} AS o{i}" for i, o in enumerate(plan.outputs))
    return f"(SELECT {items} FROM {table}{plan.tail})"


def _body(con: duckdb.DuckDBPyConnection, query: str) -> tuple[bytes, int]:
    """The concatenation of a one-column text result, straight from Arrow's buffer."""
    rows = con.execute(query).to_arrow_table().column(0)
    out = []
    for chunk in rows.chunks:
        out.append("".join(str(x) for x in chunk.to_pylist()).encode())
    return b"".join(out), len(rows)


def json_rows(con: duckdb.DuckDBPyConnection, plan: Plan, table: str) -> tuple[bytes, int]:
    """A JSON array of objects, one per line, empty fields left out, and the number of rows."""
    fields = ", ".join(f"""{text_literal(f'"{o.name}":')} || {_json(o, f"o{i}")}""" for i, o in enumerate(plan.outputs))
    body, rows = _body(con, f"SELECT chr(10) || ',{{' || concat_ws(',', {fields}) || '}}' FROM {_inner(plan, table)}")
    return b"[" + body[2:] + b"]\n", rows


def csv_rows(con: duckdb.DuckDBPyConnection, plan: Plan, table: str) -> tuple[bytes, int]:
    """CSV with every present value quoted and field names as header, and the number of rows."""
    header = ",".join('"' + o.name.replace('"', '""') + '"' for o in plan.outputs) + "\n"
    fields = " || ',' || ".join(
        f"""coalesce('"' || replace({_text(o, f"o{i}")}, '"', '""') || '"', '')""" for i, o in enumerate(plan.outputs)
    )
    body, rows = _body(con, f"SELECT {fields} || chr(10) FROM {_inner(plan, table)}")
    return header.encode() + body, rows


def export_csv(con: duckdb.DuckDBPyConnection, columns: tuple[Column, ...], table: str, order: str, path: Path) -> None:
    """Write the whole dataset as the portal's `rows.csv`: friendly headers, quotes only where needed."""
    items = ", ".join(f"{c.portal_text()} AS {quoted(c.header)}" for c in columns)
    con.execute(
        f"COPY (SELECT {items} FROM {table} ORDER BY {order}) TO {text_literal(str(path))} (FORMAT csv, HEADER)"
    )
