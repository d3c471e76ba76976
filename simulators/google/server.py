"""The server: routes, tokens, batches, and starting it.

Belongs here: HTTP. Does not belong here: what is answered (`drive`, `activity`, `sheets`).
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulators.google import activity, drive
from simulators.google.drive import RefusedError
from simulators.google.faults import Faults
from simulators.google.fields import cut, read_mask
from simulators.google.group import Group, made_up_group
from simulators.google.sheets import Spreadsheets

TOKEN = "simulated-access-token"  # noqa: S105 - nothing but this simulator knows it
ACCOUNT = "drive-watch@civicops.example.org"
SPREADSHEET = "1SimulatedSpreadsheet"


class GoogleServer(ThreadingHTTPServer):
    """Google on loopback. `group` may be changed while it runs; `log` keeps every request line."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, group: Group | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.group = group or made_up_group()
        self.faults = Faults()
        self.sheets = Spreadsheets({SPREADSHEET})
        self.log: list[str] = []
        self.scopes: set[str] = set()
        self.has_activity = True
        self.has_reports = True
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def write_key(self, path: Path) -> Path:
        """A service account's key file that names this server's token endpoint."""
        key = {
            "type": "service_account", "project_id": "civicops-simulated", "private_key_id": "1", "private_key": self.pem,
            "client_email": ACCOUNT, "client_id": "1", "token_uri": f"{self.url}/token",
        }  # fmt: skip
        path.write_text(json.dumps(key), encoding="utf-8")
        return path

    def answer(self, method: str, target: str, body: dict[str, Any]) -> dict[str, Any]:
        """One call of an interface. Raises `RefusedError`."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        hit = self.faults.before(parts.path, unquote(parts.query))
        with self.group.lock:
            found = self._route(method, parts.path, query, body)
        found = self.faults.after(hit, query.get("driveId", ""), found)
        if "fields" not in query:
            return found
        try:
            result: dict[str, Any] = cut(found, read_mask(query["fields"]))
        except ValueError as error:
            raise RefusedError(400, "invalidParameter", str(error)) from error
        return result

    def _route(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match parts:
            case ["drive", "v3", "drives"]:
                return drive.list_drives(self.group, query)
            case ["drive", "v3", "drives", one]:
                return drive.get_drive(self.group, one)
            case ["drive", "v3", "files"]:
                return drive.list_files(self.group, query)
            case ["drive", "v3", "files", one]:
                return drive.get_file(self.group, one, query)
            case ["drive", "v3", "files", one, "permissions"]:
                return drive.list_permissions(self.group, one)
            case ["drive", "v3", "changes", "startPageToken"]:
                return drive.start_token(self.group)
            case ["drive", "v3", "changes"]:
                return drive.list_changes(self.group, query)
            case ["v2", "activity:query"] if self.has_activity:
                return activity.query_activity(self.group, body)
            case ["admin", "reports", "v1", "activity", "users", "all", "applications", "drive"] if self.has_reports:
                return activity.list_reports(self.group, query)
            case ["v4", "spreadsheets", *_]:
                return self.sheets.answer(method, path.removeprefix("/v4/spreadsheets/"), query, body)
        raise RefusedError(403, "accessNotConfigured", f"This interface is not switched on: {path}")

    def stop(self) -> None:
        """Stop and free the port."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GoogleServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def do_PUT(self) -> None:
        self.do_POST()

    def _answer(self, body: bytes) -> None:
        self.server.log.append(f"{self.command} {self.path}")
        path = urlsplit(self.path).path
        if path == "/token":
            return self._token(body)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            refused = RefusedError(401, "authError", "Invalid Credentials")
            return self._send(refused.status, json.dumps(refused.body).encode())
        if path.startswith("/batch"):
            return self._batch(body)
        status, answer = self._one(self.command, self.path, body)
        return self._send(status, answer)

    def _one(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        try:
            found = self.server.answer(method, target, json.loads(body) if body else {})
            return 200, json.dumps(found, indent=1).encode()
        except RefusedError as refused:
            return refused.status, json.dumps(refused.body).encode()

    def _token(self, body: bytes) -> None:
        form = dict(parse_qsl(body.decode()))
        claims = json.loads(base64.urlsafe_b64decode(form["assertion"].split(".")[1] + "=="))
        self.server.scopes |= set(claims["scope"].split())
        answer = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
        self._send(200, json.dumps(answer).encode())

    def _batch(self, body: bytes) -> None:
        """Several requests in one, as `multipart/mixed`; each is answered on its own."""
        whole = message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        parts = whole.get_payload()
        answers = []
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, Message):
                continue
            head = str(part.get_payload()).split("\n", 1)[0].split()
            status, answer = self._one(head[0], head[1], b"")
            name = " ".join(str(part["Content-ID"]).split()).replace("<", "<response-")
            answers.append(
                f"--batch_end\r\nContent-Type: application/http\r\nContent-ID: {name}\r\n\r\nHTTP/1.1 {status} "
                f"{HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n\r\n".encode()
                + answer
                + b"\r\n"
            )
        self._send(200, b"".join(answers) + b"--batch_end--\r\n", "multipart/mixed; boundary=batch_end")

    def _send(self, status: int, body: bytes, kind: str = "application/json; charset=UTF-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent; `log` has it."""


@contextmanager
def serve_google(group: Group | None = None, port: int = 0) -> Iterator[GoogleServer]:
    """Google in a thread: `with serve_google() as google: google.url`."""
    server = GoogleServer(group, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
