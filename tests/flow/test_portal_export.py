"""The public pages as a folder, served by Python's own web server, every link followed.

Belongs here: `civicops export site`. Does not belong here: how pages look in the portal (`test_portal_pages`).
"""

from __future__ import annotations

import functools
import http.server
import posixpath
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import pytest

from tests.duck import asked
from tests.flow.conftest import Library
from tests.flow.portal_kit import PROGRAM, SECRET, make_shelf

pytestmark = pytest.mark.xdist_group("portal")


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src", "data-chart", "action") and value]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_shelf(tmp_path_factory.mktemp("site"))


def export(library: Library, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "export", "site", str(out)], cwd=library.root, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def site(shelf: Library) -> Path:
    out = shelf.root / "site"
    done = export(shelf, out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def base(site: Path) -> Iterator[str]:
    # Below a folder, as on a host that many share: a link to the root would lead out.
    handler = functools.partial(Quiet, directory=str(site.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/site/"
        server.shutdown()


def test_every_link_leads_somewhere_inside(base: str) -> None:
    waiting, seen = [base], set()
    with httpx.Client(trust_env=False) as client:
        while waiting:
            url = waiting.pop()
            if url in seen:
                continue
            seen.add(url)
            answer = client.get(url)
            assert answer.status_code == 200, url
            assert url.startswith(base), url
            if "text/html" in answer.headers["Content-Type"]:
                links = Links()
                links.feed(answer.text)
                waiting += [urljoin(url, link).partition("#")[0] for link in links.found if urlsplit(link).scheme == ""]
    kinds = {posixpath.splitext(urlsplit(url).path)[1] for url in seen}
    assert {".parquet", ".csv", ".geojson", ".json", ".js", ".css", ".svg"} <= kinds
    names = {unquote(url.removeprefix(base)) for url in seen}
    assert {"p/library/lending/", "catalogue/library/loan_places/", "products/library/", "catalogue/", "api/"} <= names


def test_nothing_restricted_is_in_it(site: Path, shelf: Library) -> None:
    files = [path for path in site.rglob("*") if path.is_file()]
    assert not [path for path in files if "members" in path.name or "desk" in str(path.relative_to(site))]
    for path in files:
        content = path.read_bytes()
        assert SECRET.encode() not in content and b"117.123456" not in content, path
    assert SECRET.encode() in shelf.releases.find("library", "members").data.read_bytes() or asked(
        f"SELECT 1 FROM '{shelf.releases.find('library', 'members').data}' WHERE address LIKE '%{SECRET}%' LIMIT 1"
    )
    assert "Where the borrower lives." in (site / "catalogue" / "library" / "members" / "index.html").read_text()


def test_files_are_those_of_the_current_release(site: Path, shelf: Library) -> None:
    for name, release in shelf.releases.snapshot("library").items():
        copies = list((site / "catalogue" / "library" / name).glob("*/*.parquet"))
        assert [path.read_bytes() for path in copies] == ([] if name == "members" else [release.data.read_bytes()])


def test_it_replaces_its_own_and_nothing_else(shelf: Library, site: Path, tmp_path: Path) -> None:
    (site / "left-over.html").write_text("old")
    assert export(shelf, site).returncode == 0
    assert not (site / "left-over.html").exists() and (site / "index.html").is_file()
    (tmp_path / "thesis.txt").write_text("years of work")
    done = export(shelf, tmp_path)
    assert (
        done.returncode == 1
        and "was not exported" in done.stderr
        and (tmp_path / "thesis.txt").read_text() == "years of work"
    )
