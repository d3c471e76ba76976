"""Files, folders and plain downloads: every packing, unchanged ones not opened, hostile ones refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pyarrow as pa
import pytest

from civicops.ingest.addresses import is_internal, parse_address, plain, redirected
from civicops.ingest.fetch import fetch
from civicops.ingest.landing import Landing
from civicops.ingest.read import raw_rows
from civicops.ingest.values import (
    FetchError,
    FetchResult,
    FileSource,
    SocrataSource,
    SourceError,
    UrlSource,
    override,
)
from tests.unit.ingest.conftest import PRODUCT, QUICK, SOURCE, Portal, Rows, as_nobody, make_contract

CSV = b"a,b\n1,x\n2,y\n"
AB = make_contract({"first": ["a"], "second": ["b"]})


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(content, asbytes=True)
    return packed


def get(source: FileSource | UrlSource, landing: Landing, **how: Any) -> FetchResult:
    return fetch(source, landing, PRODUCT, patience=QUICK, **how)


def label(value: object) -> str:
    """What a test is called by. Packed bytes hold the second in which they were packed, which is another one in each process."""
    return value if isinstance(value, str) else "bytes"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", CSV),
        ("T.CSV", CSV),
        ("t.csv.gz", gzip.compress(CSV[:6]) + gzip.compress(CSV[6:])),
        ("t.csv.zst", zstd(CSV)),
        ("t.csv.zip", zipped(**{"inside.csv": CSV})),
        ("t.zip", zipped(**{"x/inside.csv": CSV, "__MACOSX/._inside.csv": b"\0", "x/.DS_Store": b"\0"})),
        ("t.json", b'[{"a": "1", "b": "x"}, {"a": 2, "b": "y"}]'),
        ("t.jsonl", b'{"a": "1", "b": "x"}\n{"a": 2, "b": "y"}\n'),
        ("t.ndjson.gz", gzip.compress(b'{"a": "1", "b": "x"}\n{"a": 2, "b": "y"}\n')),
    ],
    ids=label,
)
def test_a_file_in_every_packing_reads_the_same(name: str, content: bytes, tmp_path: Path, landing: Landing) -> None:
    (tmp_path / name).write_bytes(content)
    result = get(FileSource(SOURCE, "trees", tmp_path / name), landing)
    assert result.delivery is not None and (result.delivery.kind, result.delivery.rows) == ("full", 2)
    found = Rows(landing, AB)
    assert [(row["a"], row["b"]) for row in found.rows] == [("1", "x"), ("2", "y")]
    found.assert_conserved()


def test_an_unchanged_file_is_not_opened_again(tmp_path: Path, landing: Landing) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(CSV)
    source = FileSource(SOURCE, "trees", path)
    assert get(source, landing).delivery is not None
    stamp = path.stat()
    path.write_bytes(CSV.replace(b"x", b"z"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert get(source, landing).delivery is None, "same size and time: taken for unchanged without a look inside"
    path.write_bytes(CSV)
    os.utime(path, ns=(0, 0))
    assert get(source, landing).delivery is None, "same bytes at another time are nothing new"
    path.write_bytes(CSV + b"3,z\n")
    result = get(source, landing)
    assert result.delivery is not None and [delivery.rows for delivery in result.live] == [3]
    assert get(source, landing, full=True).delivery is not None


def test_a_folder_is_one_delivery_of_all_its_files(tmp_path: Path, landing: Landing) -> None:
    for year in (2017, 2018):
        (tmp_path / f"y{year}.csv").write_bytes(f"a,b\n{year},x\n".encode())
    (tmp_path / "notes.txt").write_text("not data")
    source = FileSource(SOURCE, "trees", tmp_path, pattern="y*.csv")
    first = get(source, landing)
    assert first.delivery is not None
    assert [landed.url for landed in first.delivery.objects] == ["file:y2017.csv", "file:y2018.csv"]
    assert str(tmp_path) not in next(landing.root.rglob("*.json")).read_text()
    (tmp_path / "y2019.csv").write_bytes(b"a,b\n2019,x\n")
    (tmp_path / "y2017.csv").unlink()
    get(source, landing)
    assert sorted(row["a"] for row in Rows(landing, AB).rows) == ["2018", "2019"]
    with pytest.raises(SourceError, match=r"notes\.txt is of no kind"):
        get(FileSource(SOURCE, "trees", tmp_path), landing)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.xlsx", b"PK", "of no kind that can be read"),
        ("t.csv.gz", gzip.compress(CSV * 1000)[:-20], "damaged"),
        ("t.csv.gz", b"not gzip", "damaged"),
        ("t.csv.zst", b"not zstd", "cannot be read"),
        ("t.zip", b"not a zip", "as a zip"),
        ("t.zip", zipped(), "is empty"),
        ("t.zip", zipped(**{"../../evil.csv": CSV}), "points out of its folder"),
        ("t.zip", zipped(**{"/etc/evil.csv": CSV}), "points out of its folder"),
        ("t.zip", zipped(**{"C:\\evil.csv": CSV}), "points out of its folder"),
        ("t.zip", zipped(**{"inner.zip": zipped(**{"t.csv": CSV})}), "of no kind that can be read"),
        ("t.zip", zipped(**{"bomb.csv": b"0" * 80_000_000}), "no honest file"),
        ("t.csv.gz", gzip.compress(b"0" * 80_000_000), "no honest file"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("t.json", b'{"error": true}', "not a list"),
        ("t.geojson", b'{"type": "Topology"}', "feature collection"),
        ("t.parquet", b"PAR1", "Parquet"),
    ],
    ids=label,
)  # fmt: skip
def test_a_file_that_cannot_be_is_one_line(
    name: str, content: bytes, words: str, tmp_path: Path, landing: Landing
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        get(FileSource(SOURCE, "trees", tmp_path / name), landing)
    assert "\n" not in str(caught.value) and caught.value.hint
    assert landing.live(PRODUCT, SOURCE) == ()
    assert not list(landing.root.rglob("*.zst")) and not list(landing.root.rglob(".incoming-*"))
    assert not (tmp_path.parent / "evil.csv").exists()


def test_a_file_that_is_not_there_or_not_readable_is_one_line(open_folder: Path, landing: Landing) -> None:
    with pytest.raises(SourceError, match="There is no file or folder"):
        get(FileSource(SOURCE, "trees", open_folder / "missing.csv"), landing)
    with pytest.raises(SourceError, match="No file in"):
        get(FileSource(SOURCE, "trees", open_folder, pattern="*.csv"), landing)
    path = open_folder / "locked.csv"
    path.write_bytes(CSV)
    path.chmod(0)
    reachable = Landing(open_folder / "landing")
    reachable.root.mkdir(mode=0o777)
    reachable.root.chmod(0o777)
    with as_nobody(), pytest.raises(SourceError, match="permission denied") as caught:
        get(FileSource(SOURCE, "trees", path), reachable)
    assert "\n" not in str(caught.value)


def test_a_source_can_be_read_from_elsewhere() -> None:
    source = SocrataSource("y2020", "requests", "https://example.org", "abcd-1234", "updateddate", note="n")
    assert override(source, path=Path("/x")) == FileSource("y2020", "requests", Path("/x"), note="n")
    assert override(source, url="https://e.org/x.csv") == UrlSource(
        "y2020", "requests", "https://e.org/x.csv", note="n"
    )
    assert override(source) is source
    with pytest.raises(SourceError, match="both"):
        override(source, url="x", path=Path("y"))


Handler = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def web_server(handle: Handler) -> Iterator[str]:
    """A small server on loopback that answers as the test says."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            handle(self)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.send_response(status)
    for name, value in {"content_length": str(len(body)), **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(body)


def test_a_download_is_asked_for_with_its_etag(landing: Landing) -> None:
    asked: list[str | None] = []
    version = ["one"]

    def handle(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.headers["If-None-Match"])
        if request.headers["If-None-Match"] == f'"{version[0]}"':
            reply(request, 304, etag=f'"{version[0]}"')
        else:
            reply(request, 200, f"a,b\n{version[0]},x\n".encode(), etag=f'"{version[0]}"', content_type="text/csv")

    with web_server(handle) as url:
        source = UrlSource(SOURCE, "trees", f"{url}/export?id=7")
        assert get(source, landing).delivery is not None
        assert get(source, landing).delivery is None
        version[0] = "two"
        assert get(source, landing).delivery is not None
        assert get(source, landing, full=True).delivery is not None
    assert asked == [None, '"one"', '"one"', None]
    assert [row["a"] for row in Rows(landing, AB).rows] == ["two"]


def test_the_same_bytes_without_an_etag_are_nothing_new(landing: Landing) -> None:
    with web_server(lambda request: reply(request, 200, zipped(**{"t.csv": CSV}))) as url:
        source = UrlSource(SOURCE, "trees", f"{url}/t.zip")
        assert get(source, landing).delivery is not None
        assert get(source, landing).delivery is None


def test_the_portals_own_exports_can_be_a_source(portal: Portal, landing: Landing) -> None:
    boundaries = UrlSource(SOURCE, "councils", f"{portal.url}/api/geospatial/fu65-dz2f?method=export&format=GeoJSON")
    result = get(boundaries, landing)
    assert result.delivery is not None and result.delivery.objects[0].media == "geojson"
    con = duckdb.connect()
    raw = raw_rows(con, landing, PRODUCT, SOURCE, result.live, make_contract({"geometry": ["_geometry"]}))
    shapes = con.execute(f"SELECT _geometry FROM ({raw.select_sql})").fetchall()
    assert len(shapes) == result.delivery.rows and all("oordinates" in str(shape) for (shape,) in shapes)
    assert get(boundaries, landing).delivery is None


def test_a_download_that_is_refused_is_one_line(landing: Landing) -> None:
    with web_server(lambda request: reply(request, 404)) as url, pytest.raises(SourceError, match="404"):
        get(UrlSource(SOURCE, "trees", f"{url}/t.csv"), landing)


def test_a_web_page_where_a_table_is_expected_is_refused(landing: Landing) -> None:
    page = b"<!DOCTYPE html><html><body>Sign in</body></html>"
    with (
        web_server(lambda request: reply(request, 200, page, content_type="text/html")) as url,
        pytest.raises(FetchError, match="a web page instead of data"),
    ):
        get(UrlSource(SOURCE, "trees", f"{url}/t.csv"), landing)


def test_a_redirect_keeps_the_secret_at_home(portal: Portal, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[str | None]] = {"home": [], "away": []}

    def away(request: BaseHTTPRequestHandler) -> None:
        seen["away"].append(request.headers["X-App-Token"])
        answer = httpx.get(f"{portal.url}{request.path}")
        reply(request, 200, answer.content, content_type=answer.headers["content-type"])

    with web_server(away) as other:

        def home(request: BaseHTTPRequestHandler) -> None:
            seen["home"].append(request.headers["X-App-Token"])
            reply(request, 302, location=f"{other}{request.path}")

        with web_server(home) as url:
            monkeypatch.setenv("SOCRATA_APP_TOKEN", "simulated-app-token")
            result = fetch(Portal(url).source(), landing, PRODUCT, patience=QUICK)
    assert result.delivery is not None and result.delivery.rows == 300
    assert set(seen["home"]) == {"simulated-app-token"} and set(seen["away"]) == {None}


def test_redirects_in_a_circle_end(landing: Landing) -> None:
    with (
        web_server(lambda request: reply(request, 302, location=request.path)) as url,
        pytest.raises(FetchError, match="in a circle"),
    ):
        get(UrlSource(SOURCE, "trees", f"{url}/t.csv"), landing)


def test_an_answer_beyond_the_cap_is_refused(monkeypatch: pytest.MonkeyPatch, landing: Landing) -> None:
    from civicops.ingest import files

    monkeypatch.setattr(files, "MAX_DOWNLOAD_BYTES", 5_000_000)
    packed = gzip.compress(b"a" * 6_000_000)
    with (
        web_server(lambda request: reply(request, 200, packed, content_encoding="gzip")) as url,
        pytest.raises(FetchError, match="more than 5 MB"),
    ):
        get(UrlSource(SOURCE, "trees", f"{url}/t.csv"), landing)


@pytest.mark.parametrize(
    ("host", "internal"),
    [
        ("localhost", True), ("127.0.0.1", True), ("10.1.2.3", True), ("192.168.0.9", True), ("169.254.169.254", True),
        ("::1", True), ("[fd00::1]", True), ("0.0.0.0", True), ("db.internal", True), ("8.8.8.8", False),
    ],
)  # fmt: skip
def test_internal_hosts_are_known(host: str, internal: bool) -> None:
    assert is_internal(host) is internal


def test_redirects_into_the_house_or_out_of_https_are_refused() -> None:
    public = httpx.URL("https://93.184.215.14/data")
    for location in (
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest",
        "http://93.184.215.14/x",
        "file:///etc/passwd",
    ):
        with pytest.raises(FetchError):
            redirected(public, public, location)
    assert str(redirected(public, public, "/other")) == "https://93.184.215.14/other"
    assert redirected(public, public, "https://8.8.8.8/x").host == "8.8.8.8"
    inside = httpx.URL("http://127.0.0.1:80/data")
    assert redirected(inside, inside, "http://127.0.0.1:81/x").port == 81


def test_addresses_are_http_and_show_no_secret() -> None:
    for wrong in (
        "file:///etc/passwd",
        "ftp://e.org/x",
        "e.org/x.csv",
        "http://",
        "https://me:pw@example.org/x",
        "http://[bad",
    ):
        with pytest.raises(SourceError):
            parse_address(wrong, SOURCE)
    assert plain(httpx.URL("https://e.org/x?api_key=abc&id=7")) == "https://e.org/x?api_key=hidden&id=7"


def test_a_file_written_while_it_is_read_is_not_taken(tmp_path: Path, landing: Landing) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(CSV * 20_000)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            os.utime(path, ns=(number, number))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        with pytest.raises(SourceError, match="being written"):
            get(FileSource(SOURCE, "trees", path), landing)
    finally:
        stop.set()
        writer.join()
    assert get(FileSource(SOURCE, "trees", path), landing).delivery is not None


def test_real_samples_are_read_to_the_last_row(landing: Landing) -> None:
    root = (
        Path(os.environ.get("CIVICOPS_REALDATA", Path(__file__).parents[4] / "shared" / "realdata"))
        / "311"
        / "requests"
    )
    if not root.is_dir():
        pytest.skip(f"the real samples are not at {root}")
    result = get(FileSource(SOURCE, "requests", root, pattern="*.csv"), landing)
    rows = {landed.url.removeprefix("file:"): landed.rows for landed in result.live[0].objects}
    for name, count in rows.items():
        assert str(count) in name, "the samples carry their number of rows in their names"
    found = Rows(landing, make_contract({"key": ["srnumber"]}))
    found.assert_conserved()
    assert found.raw.rows_landed == sum(count or 0 for count in rows.values()) and not found.rejects
    described = json.dumps([fields["key"] for fields in found.raw.fields])
    assert described == json.dumps(["srnumber"] * len(found.raw.fields))
