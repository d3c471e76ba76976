"""Websites of made-up places, and geocoders that speak the protocols of the US Census and of Nominatim, on loopback.

Belongs here: answering, with faults on demand, and remembering who asked. Does not belong here: places
(`simulators.world.listings`).

    with serve_sites() as sites: ...    sites.url, sites.log
    sites.pages["/open"] = Page("<p>Open Monday</p>"); sites.robots = "User-agent: *\\nDisallow: /private"
    sites.points["12 alder st|90012"] = (34.05, -118.24); sites.fail_next = 2
"""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Page:
    """What an address answers; `location` redirects; `seconds` passes before."""

    text: str = ""
    status: int = 200
    location: str = ""
    seconds: float = 0.0
    content_type: str = "text/html; charset=utf-8"
    size: int = 0
    """So many bytes more follow the text."""


@dataclass
class Sites:
    """A server and what it answers."""

    url: str = ""
    robots: str | None = None
    pages: dict[str, Page] = field(default_factory=dict)
    points: dict[str, tuple[float, float] | str] = field(default_factory=dict)
    """`street|zip` in lower case -> latitude and longitude, or `tie`."""
    log: list[tuple[float, str, str]] = field(default_factory=list)
    """Time (monotonic), path, and who asked."""
    fail_next: int = 0
    """So many questions to geocoders are refused with 503."""

    def point(self, street: str, zip_code: str) -> tuple[float, float] | str | None:
        """Where an address lies."""
        return self.points.get(f"{street.strip().lower()}|{zip_code.strip()}")


@contextmanager
def serve_sites() -> Iterator[Sites]:
    """A server on loopback until the block ends."""
    sites = Sites()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _note(sites, self)
            parts = urlsplit(self.path)
            if parts.path == "/search":
                _answer(self, *_nominatim(sites, {key: value[0] for key, value in parse_qs(parts.query).items()}))
            elif parts.path == "/robots.txt":
                _answer(self, 200 if sites.robots is not None else 404, sites.robots or "", "text/plain")
            else:
                _page(self, sites.pages.get(parts.path, Page(status=404)))

        def do_POST(self) -> None:
            _note(sites, self)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            _answer(self, *_census(sites, body.decode("utf-8")))

        def log_message(self, *_: Any) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # whoever asked hung up
    sites.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield sites
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _note(sites: Sites, request: BaseHTTPRequestHandler) -> None:
    sites.log.append((time.monotonic(), request.path, request.headers.get("user-agent", "")))


def _page(request: BaseHTTPRequestHandler, page: Page) -> None:
    time.sleep(page.seconds)
    if page.location:
        request.send_response(302)
        request.send_header("Location", page.location)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    _answer(request, page.status, page.text + "x" * page.size, page.content_type)


def _answer(request: BaseHTTPRequestHandler, status: int, text: str, kind: str) -> None:
    body = text.encode("utf-8")
    try:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
    except (BrokenPipeError, ConnectionResetError):
        pass  # whoever asked had enough


def _census(sites: Sites, body: str) -> tuple[int, str, str]:
    if sites.fail_next:
        sites.fail_next -= 1
        return 503, "busy", "text/plain"
    lines = body.split('filename="addresses.csv"', 1)[-1].split("\r\n\r\n", 1)[-1].split("\r\n--", 1)[0]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    for line in csv.reader(io.StringIO(lines)):
        if len(line) != 5:
            continue
        number, street, city, state, zip_code = line
        asked = f"{street}, {city}, {state}, {zip_code}"
        found = sites.point(street, zip_code)
        if found is None:
            writer.writerow([number, asked, "No_Match"])
        elif isinstance(found, str):
            writer.writerow([number, asked, "Tie"])
        else:
            writer.writerow([number, asked, "Match", "Exact", asked.upper(), f"{found[1]},{found[0]}", "1", "L"])
    return 200, out.getvalue(), "text/plain"


def _nominatim(sites: Sites, asked: dict[str, str]) -> tuple[int, str, str]:
    if sites.fail_next:
        sites.fail_next -= 1
        return 503, "busy", "text/plain"
    found = sites.point(asked.get("street", ""), asked.get("postalcode", ""))
    items: list[dict[str, Any]] = []
    if isinstance(found, tuple):
        items.append(
            {
                "lat": str(found[0]),
                "lon": str(found[1]),
                "category": "building",
                "addresstype": "building",
                "display_name": asked.get("street", ""),
            }
        )
    elif found == "tie":
        items.append(
            {
                "lat": "34.0",
                "lon": "-118.2",
                "category": "highway",
                "addresstype": "road",
                "display_name": asked.get("street", ""),
            }
        )
    return 200, json.dumps(items), "application/json"
