"""The portal over HTTP/1.1 on loopback, and the faults of the wire.

Belongs here: sockets, encodings, throttling, the log, starting and stopping. Does not belong here: what the answers say
(`routes`).
"""

import gzip
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from simulators.socrata.control import Control, RequestLog
from simulators.socrata.faults import Fault, FaultBook
from simulators.socrata.messages import Answer, Request, error
from simulators.socrata.portal import Portal
from simulators.socrata.routes import Routes, route_of

DEFAULT_TOKEN: Final = "simulated-app-token"  # noqa: S105  a made-up key of a made-up portal
GZIP_FROM: Final = 1400  # bytes; smaller bodies are not worth it
CHUNK: Final = 1 << 20
_HTML: Final = (
    "<!DOCTYPE html><html><head><title>Service temporarily unavailable</title></head>"
    "<body><h1>We'll be right back</h1><p>Scheduled maintenance.</p></body></html>"
)
_STATUS_TEXT: Final = {429: "too_many_requests", 500: "internal_error", 502: "bad_gateway", 503: "unavailable"}
_LOGGED_HEADERS: Final = (
    "accept-encoding",
    "if-none-match",
    "if-modified-since",
    "user-agent",
    "accept",
    "content-type",
)


@dataclass(frozen=True)
class Settings:
    """How a portal is started. `anonymous_limit` requests without token are served per `anonymous_window` seconds
    (None: unlimited); `files` are given CSVs served under dataset ids of their own."""

    seed: int = 7
    rows_per_year: int = 6000
    port: int = 0
    unlisted: bool = False
    files: Mapping[str, Path] = field(default_factory=dict)
    tokens: frozenset[str] = frozenset({DEFAULT_TOKEN})
    anonymous_limit: int | None = 1000
    anonymous_window: float = 60.0
    compress: bool = True


class Throttle:
    """Counts requests without token in fixed windows."""

    def __init__(self, limit: int | None, window: float) -> None:
        self.limit, self.window = limit, window
        self._start, self._count = time.monotonic(), 0
        self._lock = threading.Lock()

    def wait(self) -> int | None:
        """Count one request: None if it may pass, else the seconds until it may."""
        with self._lock:
            now = time.monotonic()
            if now - self._start >= self.window:
                self._start, self._count = now, 0
            self._count += 1
            if self.limit is None or self._count <= self.limit:
                return None
            return max(1, round(self._start + self.window - now))


class PortalServer(ThreadingHTTPServer):
    """One portal with its faults and its log. `url` is known as soon as it exists; `stop()` frees everything."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings) -> None:
        super().__init__(("127.0.0.1", settings.port), _Handler)
        self.settings = settings
        self.portal = Portal(settings.seed, settings.rows_per_year, unlisted=settings.unlisted, files=settings.files)
        self.book, self.log = FaultBook(), RequestLog()
        self.routes = Routes(self.portal, settings.tokens)
        self.control = Control(self.portal, self.book, self.log)
        self.throttle = Throttle(settings.anonymous_limit, settings.anonymous_window)
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        """Stop serving (from another thread than the one that serves) and let go of the port and the data."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        self.portal.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are nothing to print about; a mistake of ours is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(settings: Settings | None = None, **changes: Any) -> Iterator[PortalServer]:
    """A running portal in a thread: `with serve(rows_per_year=500) as portal: ... portal.url`.

    `changes` are fields of `Settings`. Raises OSError when the port is taken.
    """
    server = PortalServer(replace(settings or Settings(), **changes))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(timeout=10)


class _Hangup(Exception):  # noqa: N818  not an error: a way to leave
    """The connection is to be closed without another word."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "PortalSimulator"
    sys_version = ""
    disable_nagle_algorithm = True
    server: PortalServer

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr; `/_sim/log` has it all."""

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        params: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            params.setdefault(name, value)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        headers = {k.lower(): v for k, v in self.headers.items()}
        return Request(self.command, unquote_plus(parts.path), params, headers, body)

    def _handle(self) -> None:
        request = self._read()
        if request.path.startswith("/_sim/"):
            self._send(request, self.server.control.answer(request), ())
            return
        route, dataset_id, _ = route_of(request.path)
        faults = self.server.book.strike(route, dataset_id, unquote_plus(self.path))
        sent: Answer | None = None
        try:
            sent = self._answer(request, faults)
            self._send(request, sent, faults)
        except _Hangup:
            self.close_connection = True
        finally:
            self._note(request, route, dataset_id, sent, faults)

    do_GET = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815  the standard library looks for these names

    def _note(
        self, request: Request, route: str, dataset_id: str | None, sent: Answer | None, faults: tuple[Fault, ...]
    ) -> None:
        token = request.token
        shown = "none" if token is None else "known" if token in self.server.settings.tokens else "unknown"
        hidden = ("$$app_token", "app_token")
        posted: Any = None
        if request.body:
            try:
                posted = json.loads(request.body)
            except ValueError:
                posted = request.body.decode("utf-8", "replace")
        self.server.log.add(
            {
                "method": request.method,
                "path": request.path,
                "route": route,
                "dataset": dataset_id,
                "query": {k: v for k, v in request.params.items() if k not in hidden},
                "body": posted,
                "headers": {k: v for k, v in request.headers.items() if k in _LOGGED_HEADERS},
                "token": shown,
                "status": sent.status if sent else None,
                "rows": sent.rows if sent else None,
                "faults": [f.kind for f in faults],
            }
        )

    def _answer(self, request: Request, faults: tuple[Fault, ...]) -> Answer:
        for fault in faults:
            if fault.kind == "timeout":
                self.server.stopping.wait(fault.seconds)
                raise _Hangup
            if fault.kind.isdigit():
                status = int(fault.kind)
                wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                headers = wait if status in (429, 503) else {}
                return replace(error(status, _STATUS_TEXT[status], "Simulated fault"), headers=headers)
            if fault.kind == "html_200":
                return Answer(200, _HTML.encode(), "text/html; charset=utf-8")
        if request.method not in ("GET", "POST", "HEAD"):
            return error(405, "method_not_allowed", f"{request.method} is not served")
        if request.token is None:
            seconds = self.server.throttle.wait()
            if seconds is not None:
                answer = error(429, "too_many_requests", "You have been throttled; use an application token")
                return replace(answer, headers={"Retry-After": str(seconds)})
        return self.server.routes.answer(request, faults)

    def _send(self, request: Request, answer: Answer, faults: tuple[Fault, ...]) -> None:
        wire = {f.kind: f for f in faults if f.kind in ("truncated", "reset", "bom", "latin1")}
        try:
            if answer.file is not None and not wire:
                self._send_file(request, answer, answer.file)
                return
            body = answer.file.read_bytes() if answer.file is not None else answer.body
        finally:
            if answer.file is not None:
                answer.file.unlink(missing_ok=True)
        if "bom" in wire:
            body = b"\xef\xbb\xbf" + body
        if "latin1" in wire:
            body = body.decode("utf-8").encode("latin-1", "replace")
        cut = wire.get("truncated") or wire.get("reset")
        packed = self._wants_gzip(request) and len(body) >= GZIP_FROM
        if packed or (cut is not None and cut.kind == "truncated" and cut.how == "gzip"):
            body, packed = gzip.compress(body, 1, mtime=0), True
        chunked = cut is not None and cut.kind == "truncated" and cut.how == "chunked"
        kept = body if cut is None else body[: int(len(body) * cut.keep)]
        self._head(request, answer, packed)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 304:
            whole_stream = cut is not None and cut.kind == "truncated" and cut.how == "gzip"
            self.send_header("Content-Length", str(len(kept if whole_stream else body)))
        self.end_headers()
        if self.command == "HEAD" or answer.status == 304:
            return
        self._write(f"{len(body):x}\r\n".encode() + kept if chunked else kept)
        if cut is not None:
            if cut.kind == "reset":
                # Linger of zero seconds: the kernel answers with RST instead of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            raise _Hangup

    def _wants_gzip(self, request: Request) -> bool:
        return self.server.settings.compress and "gzip" in request.headers.get("accept-encoding", "")

    def _head(self, request: Request, answer: Answer, packed: bool) -> None:
        self.send_response(answer.status)
        if answer.status != 304:
            self.send_header("Content-Type", answer.media)
        if packed:
            self.send_header("Content-Encoding", "gzip")
        if request.path.startswith("/_sim/"):
            self.send_header("Cache-Control", "no-store")
        else:
            self.send_header("X-Socrata-Region", "simulated")
        for name, value in answer.headers.items():
            self.send_header(name, value)

    def _send_file(self, request: Request, answer: Answer, path: Path) -> None:
        """Stream a file in chunks, as the portal streams its exports: nobody is told the length beforehand."""
        packed = self._wants_gzip(request)
        self._head(request, answer, packed)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        with path.open("rb") as source:
            if packed:
                out = _ChunkWriter(self)
                with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as stream:
                    while block := source.read(CHUNK):
                        stream.write(block)
            else:
                while block := source.read(CHUNK):
                    self._write(b"%x\r\n%b\r\n" % (len(block), block))
        self._write(b"0\r\n\r\n")

    def _write(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise _Hangup from gone


class _ChunkWriter:
    """What gzip writes becomes HTTP chunks."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler

    def write(self, data: bytes) -> int:
        """Send one chunk (none for no data: an empty chunk would end the body)."""
        if data:
            self._handler._write(b"%x\r\n%b\r\n" % (len(data), data))
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""
