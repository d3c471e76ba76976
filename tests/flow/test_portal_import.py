"""Importing a list by the pages of a running portal: by role, by file, and by what somebody would send to do harm."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import openpyxl
import pytest

from civicops.audit import open_log
from civicops.runs import RunLog
from tests.flow.listings import NAME, Listings
from tests.flow.portal_kit import Server, serving

pytestmark = pytest.mark.xdist_group("portal")
HERE = f"/import/{NAME}/source_listings/"
THEIRS = (
    "Name,Street,City,Zip,Phone,E-mail\nAlder Pantry,1 Mill Ln,Pomona,91766,213-485-0100,\nBirch,=1+1,Pomona,91766,,\n"
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Listings:
    return Listings.at(tmp_path_factory.mktemp("import"), "[portal]\nimport_megabytes = 2\nsign_ins_per_minute = 60\n")


@pytest.fixture(scope="module")
def portal(here: Listings) -> Iterator[Server]:
    with serving(SimpleNamespace(root=here.root)) as server:  # type: ignore[arg-type]
        yield server


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, (name, html[:2000])
    return found[1]


def send(portal: Server, name: str, content: bytes | str, role: str = "steward") -> httpx.Response:
    client = portal.client(role)
    token = hidden(client.get(HERE).text, "csrfmiddlewaretoken")
    files = {"file": (name, content.encode() if isinstance(content, str) else content)}
    return client.post(HERE, data={"csrfmiddlewaretoken": token}, files=files, headers={"Referer": portal.base})


def uploaded(portal: Server, name: str, content: bytes | str) -> str:
    done = send(portal, name, content)
    assert done.status_code == 302, done.text
    return done.headers["Location"]


def refused(portal: Server, name: str, content: bytes | str) -> str:
    done = send(portal, name, content)
    assert done.status_code == 400, done.headers
    assert len(done.content) < 40_000
    found = re.search(r'usa-alert--error" role="alert".*?usa-alert__text">(.*?)</p>', done.text, re.DOTALL)
    assert found is not None
    return found[1]


def post(portal: Server, place: str, page: str, **values: str) -> httpx.Response:
    data = {"csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken"), **values}
    return portal.client("steward").post(place, data=data, headers={"Referer": portal.base}, follow_redirects=True)


def form(page: str, **changed: str) -> dict[str, str]:
    """The fields of the form of columns, as a browser would send them."""
    part = page[page.index('name="action" value="look"') :]
    data = {"action": "look", "header": hidden(part, "header"), "list": hidden(part, "list")}
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', part, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        data[name] = chosen[1] if chosen else ""
    data |= dict.fromkeys(re.findall(r'name="(i\d+)"[^>]*value="yes" checked', part), "yes")
    return data | changed


def rows_of(here: Listings, code: str) -> list[dict[str, str]]:
    path = here.root / "var" / "gathered" / NAME / "lists" / f"{code}.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def without_moment(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name != "retrieved_at"} for row in rows]


def test_only_stewards_come_here_and_the_product_leads_there(portal: Server) -> None:
    assert portal.get(HERE).status_code == 302
    for role in ("viewer", "contributor", "auditor"):
        assert portal.get(HERE, role).status_code == 403
        assert HERE not in portal.get(f"/products/{NAME}/", role).text.replace("../../import", "/import")
    assert portal.get(HERE, "admin").status_code == 200
    assert "Import a list into" in portal.get(f"/products/{NAME}/", "steward").text
    for path in (f"/import/{NAME}/listings/", "/import/nothing/source_listings/", f"{HERE}{'a' * 43}/"):
        assert portal.get(path, "steward").status_code == 404
    no_token = portal.client("steward").post(HERE, files={"file": ("a.csv", b"Name\nA\n")})
    assert no_token.status_code == 403


def test_looking_changes_nothing_and_adding_writes_what_the_command_writes(
    portal: Server, here: Listings, tmp_path: Path
) -> None:
    place = uploaded(portal, "their list.csv", THEIRS)
    page = portal.get(place, "steward").text
    assert "Row 2" in page and "holds a formula" in page and "not used" in page
    assert "would be new" in page and "Alder Pantry" in page
    data = form(page, list="theirs")
    assert data["layout"] == "plain" and data["c0"] == "name" and data["i0"] == "yes"
    page = post(portal, place, page, **data).text
    assert not rows_of(here, "theirs")
    done = post(portal, place, page, action="add", seen=hidden(page, "seen"))
    assert "1 of 2 rows are in list &#x27;theirs&#x27;" in done.text
    written = rows_of(here, "theirs")
    assert [row["name"] for row in written] == ["Alder Pantry"] and written[0]["layout_code"] == "plain"
    path = tmp_path / "their list.csv"
    path.write_text(THEIRS)
    here.add(path, "plain", "by_hand")
    by_hand = [{**row, "source_code": "theirs"} for row in rows_of(here, "by_hand")]
    assert without_moment(written) == without_moment(by_hand)
    assert portal.get(place, "steward").status_code == 404, "it was thrown away once it was added"
    (entry, *_) = open_log(here.workspace).find(kind="import", limit=1)
    assert entry.content["list"] == "theirs" and entry.content["rows"] == 1


def test_columns_of_any_name_are_chosen_and_kept_with_the_list(portal: Server, here: Listings) -> None:
    text = "Who;Agency street;Town;Shoe size\nAlder;1 Mill Ln;Pomona;42\nBirch;2 Mill Ln;Pomona;43\n"
    place = uploaded(portal, "odd.csv", text)
    page = portal.get(place, "steward").text
    assert "Nothing is dropped in silence" in page and "Add this list" not in page
    chosen = {"c0": "name", "i0": "yes", "c1": "address_1", "i1": "yes", "c2": "city", "c3": "", "layout": ""}
    page = post(portal, place, page, **{**form(page), **chosen}).text
    assert "Add this list" not in page and "Say what 1 column holds" in page
    page = post(portal, place, page, **form(page), rest="ignore").text
    assert form(page)["c3"] == "ignore"
    post(portal, place, page, action="add", seen=hidden(page, "seen"))
    rows = rows_of(here, "odd")
    assert [(row["name"], row["address_1"], row["city"]) for row in rows] == [
        ("Alder", "1 Mill Ln", "Pomona"), ("Birch", "2 Mill Ln", "Pomona")
    ]  # fmt: skip
    assert json.loads(rows[0]["source_row"])["Shoe size"] == "42"
    layout = here.root / "var" / "gathered" / NAME / "files" / f"layout_{rows[0]['layout_code']}.csv"
    with layout.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [(line["source_column"], line["field"], line["rule"]) for line in lines] == [
        ("Who", "name", "identity"), ("Agency street", "address_1", "identity"), ("Town", "city", ""), ("Shoe size", "", "ignore")
    ]  # fmt: skip


def test_a_list_is_replaced_and_taken_back(portal: Server, here: Listings) -> None:
    def add(text: str) -> str:
        place = uploaded(portal, "back.csv", text)
        page = portal.get(place, "steward").text
        page = post(portal, place, page, **form(page, list="back")).text
        post(portal, place, page, action="add", seen=hidden(page, "seen"))
        return page

    add(THEIRS)
    first = rows_of(here, "back")
    page = add(THEIRS.replace("Alder", "Cedar"))
    assert re.search(r"<dt>Gone</dt><dd>1</dd>", page) and "take their place" not in page
    assert "has 1 rows now; this file takes their place" in page
    assert rows_of(here, "back") != first

    def undo() -> str:
        return post(portal, HERE, portal.get(HERE, "steward").text, action="undo", list="back").text

    assert "has the 1 rows it had before" in undo() and rows_of(here, "back") == first
    assert "is gone again" in undo() and not rows_of(here, "back")
    assert "There is no such list" in undo()
    kinds = [entry.content["change"] for entry in open_log(here.workspace).find(kind="import", limit=2)]
    assert kinds == ["taken back", "taken back"]


def test_two_tabs_do_not_mix_and_a_token_is_for_one_account(portal: Server, here: Listings) -> None:
    one, other = uploaded(portal, "one.csv", THEIRS), uploaded(portal, "other.csv", THEIRS.replace("Alder", "Elm"))
    first, second = portal.get(one, "steward").text, portal.get(other, "steward").text
    assert "Alder Pantry" in first and "Elm" not in first and "Elm Pantry" in second
    assert portal.get(one, "admin").status_code == 404
    old = hidden(first, "seen")
    post(portal, one, first, **form(first, list="changed"))
    said = post(portal, one, first, action="add", seen=old)
    assert "changed in another tab" in said.text and not rows_of(here, "changed") and not rows_of(here, "plain")
    folders = list((here.root / "var" / "portal" / "uploads").iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in folders)
    assert all(one.rstrip("/").rpartition("/")[2] not in path.name for path in folders)
    said = post(portal, other, second, action="discard")
    assert "thrown away" in said.text and portal.get(other, "steward").status_code == 404
    file = next(path for path in (here.root / "var" / "portal" / "uploads").glob("*/file/one.csv"))
    old_time = time.time() - 3 * 3600
    os.utime(file, (old_time, old_time))
    assert portal.get(one, "steward").status_code == 404


def test_nothing_is_added_while_a_run_is_under_way_and_nothing_is_lost(portal: Server, here: Listings) -> None:
    place = uploaded(portal, "busy.csv", THEIRS)
    page = portal.get(place, "steward").text
    page = post(portal, place, page, **form(page, list="busy")).text
    lock = RunLog(here.workspace.folder("runs")).lock(NAME)
    with lock:
        said = post(portal, place, page, action="add", seen=hidden(page, "seen"))
    assert "is being run already" in said.text and not rows_of(here, "busy")
    post(portal, place, page, action="add", seen=hidden(page, "seen"))
    assert len(rows_of(here, "busy")) == 1


def test_what_is_no_list_is_said_in_one_sentence(portal: Server) -> None:
    wrong = {
        "empty.csv": (b"", "empty"),
        "page.csv": (b"<!doctype html><html><body>Sign in</body></html>", "is a web page"),
        "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(100), "no t"),
        "program.exe": (b"MZ", "cannot be a .exe file"),
        "nothing": (b"Name\nA\n", "without an ending"),
        "old.xlsx": (b"\xd0\xcf\x11\xe0" + bytes(600), "old Excel file"),
        "wide.csv": (",".join(f"column {i}" for i in range(10_000)) + "\n", "10,000 columns"),
        "wider.csv": (",".join(f"column {i}" for i in range(150)) + "\n1\n", "150 columns; this page takes 100"),
        "<b>bold</b>.json": (b"{not json", "no JSON"),
        "large.csv": (b"Name\n" + b"a" * 2_100_000, "2.1 MB; this page takes 2 MB"),
    }
    for name, (content, words) in wrong.items():
        said = refused(portal, name, content)
        assert words in said and "<b>" not in said, (name, said)
    far = portal.client("steward").post(HERE, files={"file": ("far.csv", b"a" * 5_000_000)})
    assert far.status_code == 413 and "A file may have 2 MB" in far.text
    elsewhere = portal.client("steward").post("/people/", content=b"a" * 70_000)
    assert elsewhere.status_code == 413


def test_a_file_that_unpacks_to_much_more_is_not_unpacked(portal: Server) -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as stream,
    ):
        for _ in range(520):
            stream.write(bytes(1_000_000))
    assert len(packed.getvalue()) < 2_000_000
    assert "MB are allowed" in refused(portal, "bomb.xlsx", packed.getvalue())
    assert portal.get("/health").status_code == 200


def test_cells_are_text_whatever_they_hold(portal: Server) -> None:
    text = "\ufeffName,Street,City\n<script>alert(1)</script>,1 Mill Ln,Pomona\n".encode()
    page = portal.get(uploaded(portal, "marks.csv", text + "Café,2 Mill Ln,Pomona\n".encode("cp1252")), "steward").text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
    assert "read as Windows-1252" in page and "Café" in page
    text = "<img src=x>,=cmd()\nA,B\n"
    page = portal.get(uploaded(portal, "head.csv", text), "steward").text
    assert "&lt;img src=x&gt;" in page and "<img src=x>" not in page


def test_another_sheet_is_chosen_on_the_page(portal: Server) -> None:
    book = openpyxl.Workbook()
    book.active.append(["About this file"])
    sheet = book.create_sheet("Places <b>")
    sheet.append(["Name", "Street", "City"])
    sheet.append(["Fir Pantry", "3 Mill Ln", "Pomona"])
    held = io.BytesIO()
    book.save(held)
    place = uploaded(portal, "book.xlsx", held.getvalue())
    page = portal.get(place, "steward").text
    assert "Fir Pantry" not in page and "Places &lt;b&gt;" in page
    page = post(portal, place, page, **{**form(page), "sheet": "Places <b>"}).text
    assert "Fir Pantry" in page and form(page)["c0"] == "name"
