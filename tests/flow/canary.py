"""A workspace with planted people, and a search for them in everything that a workspace and its readers hold.

Belongs here: the workspace, the values, the search. Does not belong here: what may hold them (`test_personal_canary`).
"""

from __future__ import annotations

import gzip
import html
import json
import sqlite3
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb

from tests.ethics import write_reviews
from tests.flow.conftest import HEAD, PRODUCT, SETTINGS, Library

NAME, PHONE, MAIL, ADDRESS = (
    "Quirina Zabelthorpe",
    "(213) 555-0187",
    "quirina.z@mailbox.example.org",
    "48271 Vexley Street",
)
NOTE_NAME, NOTE_PHONE, NOTE_MAIL = "Ottavia Brindlemoor", "323-555-0164", "ottavia@post.example.org"
HELD_NAME, HELD_PHONE = "Thaddea Wolvercote", "(818) 555-0139"
SHIFTED_NAME = "Isaura Penhallow"
"""In a column of numbers, as in a row whose columns slipped."""
PLANTED = (NAME, PHONE, MAIL, ADDRESS, NOTE_NAME, NOTE_PHONE, NOTE_MAIL, HELD_NAME, HELD_PHONE, SHIFTED_NAME)

VISITS = (
    HEAD.format(name="visits", layer="accepted").replace("access, value: public", "access, value: internal")
    + """\
    properties:
      - {name: visit_id, logicalType: string, primaryKey: true, criticalDataElement: true, description: The visit.}
      - name: branch_name
        logicalType: string
        description: Where.
        quality:
          - id: branch_known
            description: The branch is one of ours.
            type: custom
            engine: civicops
            implementation: {check: allowed, values: [Alder, Harbor], action: quarantine}
      - {name: visitor_name, logicalType: string, classification: direct, description: Who came.}
      - {name: visitor_phone, logicalType: string, classification: contact, description: How to reach them.}
      - {name: visitor_mail, logicalType: string, classification: contact, description: Where to write to.}
      - {name: home_address, logicalType: string, classification: location, description: Where they live.}
      - {name: born_on, logicalType: date, logicalTypeOptions: {format: "%Y-%m-%d"}, classification: person, description: Born.}
      - {name: days_count, logicalType: integer, description: For how long.}
      - {name: remark, logicalType: string, description: What the desk wrote.}
"""
)
PUBLIC = (
    HEAD.format(name="visits_public", layer="published").replace(
        "schema:",
        """\
  - property: privacy
    value:
      - id: people
        description: Nobody is told from it.
        treatments:
          - {column: visitor_phone, treatment: mask, keep: 2}
          - {column: visitor_mail, treatment: hash, rotates: quarter}
          - {column: home_address, treatment: "null"}
          - {column: born_on, treatment: coarsen, to: year}
schema:""",
    )
    + """\
    properties:
      - {name: visit_id, logicalType: string, primaryKey: true, description: The visit.}
      - {name: branch_name, logicalType: string, description: Where.}
      - {name: visitor_phone, logicalType: string, classification: contact, description: Its last two digits.}
      - {name: visitor_mail, logicalType: string, classification: contact, description: The same for one visitor.}
      - {name: home_address, logicalType: string, classification: location, description: Nothing.}
      - {name: born_on, logicalType: date, classification: person, description: The year.}
      - {name: days_count, logicalType: integer, description: For how long.}
"""
)
PEOPLE = (
    HEAD.format(name="visitors", layer="published").replace("access, value: public", "access, value: restricted")
    + """\
    properties:
      - {name: visit_id, logicalType: string, primaryKey: true, description: The visit.}
      - {name: visitor_name, logicalType: string, classification: direct, description: Who came.}
      - {name: visitor_phone, logicalType: string, classification: contact, description: How to reach them.}
      - {name: remark, logicalType: string, description: What the desk wrote.}
"""
)
SOURCES = '''\
"""Visits come from a file."""

from pathlib import Path

from civicops.ingest.values import FileSource


def sources(settings):
    return [FileSource(name="desk", dataset="visits", path=Path("downloads"), pattern="*.csv")]
'''
PUBLIC_SQL = """\
select visit_id, branch_name, visitor_phone, visitor_mail, home_address, born_on, days_count
from {{ source('accepted', 'visits') }}
"""
PEOPLE_SQL = "select visit_id, visitor_name, visitor_phone, remark from {{ source('accepted', 'visits') }}\n"
COLUMNS = "visit_id,branch_name,visitor_name,visitor_phone,visitor_mail,home_address,born_on,days_count,remark"
PAGE = '''\
"""Visits per branch."""

import altair as alt

from civicops.portal.pages import Page


def visits(releases):
    rows = releases.table("SELECT branch_name, count(*) AS visits FROM visits_public GROUP BY 1 ORDER BY 1")
    chart = alt.Chart(rows, title="Visits", description="Visits per branch.")
    return chart.mark_bar().encode(x="branch_name:N", y="visits:Q")


PAGE = Page(title="Visits", summary="Visits per branch.", charts={"visits": visits})
'''


def rows() -> list[tuple[object, ...]]:
    """Twenty visits; four people are planted, one of them in a row that is held back, one in a column of numbers."""
    plain = [
        (f"v{n:02}", ("Alder", "Harbor")[n % 2], "", "", "", "", f"19{50 + n}-03-04", n, "asked for a card")
        for n in range(16)
    ]
    note = f"please tell {NOTE_NAME}, cell {NOTE_PHONE}, {NOTE_MAIL}"
    return [
        *plain,
        ("v16", "Alder", NAME, PHONE, MAIL, ADDRESS, "1971-11-23", 3, "asked for a card"),
        ("v17", "Harbor", "", "", "", "", "1972-01-01", 4, note),
        ("v18", HELD_NAME, HELD_NAME, HELD_PHONE, "", "", "1973-01-01", 5, f"see {HELD_NAME}"),
        ("v19", "Alder", "", "", "", "", "1974-01-01", SHIFTED_NAME, "columns slipped"),
    ]


def make_desk(root: Path) -> Library:
    """The workspace, not run yet."""
    library = Library(root)
    product = library.product
    for folder in ("contracts", "models", "pages"):
        (product / folder).mkdir(parents=True)
    (root / "civicops.toml").write_text(SETTINGS + "\n[portal]\napi_per_minute = 100000\n")
    (product / "product.yaml").write_text(PRODUCT)
    (product / "sources.py").write_text(SOURCES)
    for name, text in (("visits", VISITS), ("visits_public", PUBLIC), ("visitors", PEOPLE)):
        (product / "contracts" / f"{name}.yaml").write_text(text)
    (product / "models" / "visits_public.sql").write_text(PUBLIC_SQL)
    (product / "models" / "visitors.sql").write_text(PEOPLE_SQL)
    (product / "pages" / "visits.py").write_text(PAGE)
    write_reviews(root)
    library.deliver(rows(), header=COLUMNS)
    return library


def found_in(text: str | bytes) -> set[str]:
    """The planted values in a text: as they are, in JSON, HTML or an address, in any case, and phones as bare digits."""
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogateescape")
    low = text.lower()
    return {value for value in PLANTED if any(form in low for form in _forms(value))}


def _forms(value: str) -> set[bytes]:
    digits = "".join(one for one in value if one.isdigit())
    forms = {
        value,
        html.escape(value),
        json.dumps(value)[1:-1],
        urllib.parse.quote(value),
        urllib.parse.quote_plus(value),
    }
    forms |= {value.replace(" ", ""), *([digits] if len(digits) == 10 else [])}
    return {form.lower().encode() for form in forms}


def search(root: Path) -> dict[str, set[str]]:
    """Every file below `root` with what of the planted values it holds, by its path; also inside what is packed."""
    found: dict[str, set[str]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            hits: set[str] = set()
            for content in _contents(path):
                hits |= found_in(content)
            if hits:
                found[str(path.relative_to(root))] = hits
    return found


def _contents(path: Path) -> Iterable[str | bytes]:
    raw = path.read_bytes()
    yield raw
    if raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)
    elif raw[:4] == b"\x28\xb5\x2f\xfd":
        import pyarrow as pa

        yield pa.input_stream(path, compression="zstd").read()
    elif raw[:4] == b"PAR1":
        with duckdb.connect() as con:
            yield str(con.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall())
            yield str(con.execute("SELECT * FROM parquet_metadata(?)", [str(path)]).fetchall())
    elif raw[:15] == b"SQLite format 3":
        yield from _sqlite(path)
    elif raw[8:12] == b"DUCK":
        with duckdb.connect() as con:
            con.execute(f"ATTACH '{path}' AS db (READ_ONLY)")
            for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'db'").fetchall():
                yield str(con.execute(f'SELECT * FROM db.main."{name}"').fetchall())
    elif raw[:2] == b"\x78\x9c":
        yield zlib.decompress(raw)


def _sqlite(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
        for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in con.execute(f'SELECT * FROM "{name}"'):
                for cell in row:
                    # Dagster packs what it keeps; anything else is text or bytes as it is.
                    yield (
                        zlib.decompress(cell).decode("utf-8", "replace")
                        if isinstance(cell, bytes) and cell[:1] == b"\x78"
                        else str(cell)
                    )
