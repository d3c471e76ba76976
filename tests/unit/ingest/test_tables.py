"""Tables as people have them: what is read, what is refused, and in which words."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.ingest.tables import read
from civicops.ingest.tables.layout import (
    Layout,
    LayoutLine,
    best_layout,
    missing_columns,
    read_layout,
    suggest,
    unknown_columns,
)
from civicops.ingest.tables.mapped import mapped_rows
from civicops.ingest.tables.read import open_table
from civicops.ingest.values import SourceError

LAYOUT = Layout(
    "x",
    (
        LayoutLine("Name", "name", "identity", ""),
        LayoutLine("Zip", "postal_code", "identity", ""),
        LayoutLine("Phone", "phones", "", ""),
        LayoutLine("Mobile", "phones", "", ""),
        LayoutLine("Colour", "", "ignore", "says nothing"),
        LayoutLine("CA", "state", "constant", ""),
    ),
)


def file(folder: Path, content: bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"Name,Zip\nAlder,90012\n", "utf-8"),
        ("\ufeffName,Zip\nAlder,90012\n".encode(), "utf-8"),
        ("Name,Zip\r\nAlder,90012\r\n".encode("utf-16"), "utf-16-le"),
        (b"Name;Zip\nAlder;90012\n", "utf-8"),
        (b"Name\tZip\nAlder\t90012\n", "utf-8"),
    ],
)
def test_the_ways_a_table_is_written(tmp_path: Path, content: bytes, encoding: str) -> None:
    table = open_table(file(tmp_path, content))
    assert table.header == ("Name", "Zip") and table.encoding == encoding
    assert [row.cells for row in table.rows] == [("Alder", "90012")]


def test_mixed_encodings_are_read_row_by_row_and_said(tmp_path: Path) -> None:
    content = "Name,Zip\nPeña,90012\n".encode() + "Peña,90013\n".encode("cp1252")
    first, second = open_table(file(tmp_path, content)).rows
    assert first.cells[0] == second.cells[0] == "Peña"
    assert not first.remarks and "Windows-1252" in second.remarks[0]


def test_a_formula_is_an_error_of_its_row_and_not_calculated(tmp_path: Path) -> None:
    content = (
        b'Name,Phone\n=HYPERLINK("http://example.org"),+1 213 485 0100\nAlder,-\nBirch,=1+1\n"= not a sum, a sign",5\n'
    )
    rows = list(open_table(file(tmp_path, content)).rows)
    assert ["formula" in "".join(row.errors) for row in rows] == [True, False, True, True]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for values in (["Name", "Zip"], ["Alder", "=SUM(1,2)"], ["Birch", 90012.0]):
        sheet.append(values)
    book.save(tmp_path / "list.xlsx")
    bad, good = open_table(tmp_path / "list.xlsx").rows
    assert bad.errors and good.cells == ("Birch", "90012")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"%PDF-1.7 ...", "is no table"),
        (b"\xd0\xcf\x11\xe0 old", "old Excel file"),
        (b"PK\x03\x04 broken", "is damaged"),
        (b"Name,name\na,b\n", "column 'name' twice"),
        ((",".join(f"c{n}" for n in range(10_000)) + "\n").encode(), "has 10,000 columns"),
        (b"[1, 2", "is no JSON"),
        (b'{"a": 1}, {', "is no JSON"),
        (b"[1, 2]", "no list of objects"),
    ],
)
def test_what_is_no_table_is_said_in_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        list(open_table(file(tmp_path, content)).rows)


def test_two_gigabytes_are_refused_without_reading_them(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as stream:
        stream.write(b"Name,Zip\n")
        stream.truncate(2_147_483_648)  # a sparse file takes no room
    with pytest.raises(SourceError, match=r"2\.1 GB; a list may have 512 MB"):
        open_table(path)


def test_one_endless_line_is_refused_within_bounds(tmp_path: Path) -> None:
    path = file(tmp_path, b"Name,Zip\n" + b"x" * (read.MAX_LINE + 10))
    with pytest.raises(SourceError, match="more than 4 MB"):
        list(open_table(path).rows)


def test_rows_with_too_many_cells_are_named_and_short_ones_filled(tmp_path: Path) -> None:
    rows = list(open_table(file(tmp_path, b"Name,Zip\nAlder,90012,extra\nBirch\n\nCedar,1,\n")).rows)
    assert [(row.number, bool(row.errors)) for row in rows] == [(1, True), (2, False), (3, False)]
    assert rows[1].cells == ("Birch", "")


def test_json_of_an_interface(tmp_path: Path) -> None:
    path = file(tmp_path, b'{"data": [{"id": 1, "hours": [{"open": "09:00"}]}, {"id": 2, "name": null}]}', "list.json")
    table = open_table(path)
    assert table.header == ("id", "hours", "name")
    assert [row.cells for row in table.rows] == [("1", '[{"open": "09:00"}]', ""), ("2", "", "")]


def test_rows_by_a_layout(tmp_path: Path) -> None:
    content = b"NAME,zip,Phone,Mobile,Colour\nAlder,90012,1,2,red\nAlder,90012,3,,\n,,4,,\n"
    first, second, third = mapped_rows(open_table(file(tmp_path, content)), LAYOUT)
    assert first.values == {
        "state": "CA",
        "name": "Alder",
        "postal_code": "90012",
        "phones": "1; 2",
        "source_id": first.values["source_id"],
    }
    assert first.raw["Colour"] == "red"
    assert second.errors == ("It is the same place as row 1.",) and third.errors == (
        "Nothing in it says which place it is.",
    )


def test_unknown_and_missing_columns_and_the_best_layout() -> None:
    header = ["name", "ZIP", "Fax"]
    assert unknown_columns(LAYOUT, header) == ("Fax",) and missing_columns(LAYOUT, header) == ("Phone", "Mobile")
    other = Layout("y", (LayoutLine("Fax", "fax", "", ""),))
    best = best_layout([other, LAYOUT], header)
    assert best is not None and best[0] is LAYOUT and best[1] == pytest.approx(2 / 3)
    assert best_layout([], header) is None


def test_suggestions_give_each_field_once() -> None:
    titles = {"name": "Name", "postal_code": "Zip code", "phones": "Phones", "url": "Website"}
    found = {
        item.column: item.field
        for item in suggest(["Agency Name", "ZIP Code", "Phone", "Phone Numbers", "web site", "Zzz"], titles, [LAYOUT])
    }
    assert found["ZIP Code"] == "postal_code" and found["web site"] == "url" and "Zzz" not in found
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "must have the columns"),
        ("source_column,field,rule,note\nX,nothing,,\n", "no field 'nothing'"),
        ("source_column,field,rule,note\nX,,ignore,\n", "say in 'note' why"),
        ("source_column,field,rule,note\nX,name,ignored,\n", "no rule 'ignored'"),
        ("source_column,field,rule,note\nX,name,,\nx,name,,\n", "is there twice"),
    ],
)
def test_a_faulty_layout_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = file(tmp_path, text.encode(), "layout_x.csv")
    with pytest.raises(SourceError, match=words):
        read_layout({"layout_x": path}, "x", ["name"])


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=12), min_size=2, max_size=2
        ),
        max_size=8,
    )
)
def test_every_cell_of_a_written_table_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([["Name", "Zip"], *rows])
    path = file(tmp_path_factory.mktemp("table"), text.getvalue().encode())
    found = [row.cells for row in open_table(path).rows]
    assert found == [tuple(row) for row in rows if any(cell.strip() for cell in row)]
