"""Where messages arrive: an SMTP server and a webhook sink on loopback that keep what they are sent.

Belongs here: receiving and keeping. Does not belong here: sending (`civicops.observe`).

    with Mailbox() as box: ...        box.port, box.mails
    with WebhookSink() as sink: ...   sink.port, sink.messages; sink.status is what it answers
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Mail:
    """One mail as it was received: envelope, subject, its plain text, its HTML, and the pictures that are in it by name."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Mailbox:
    """An SMTP server that takes everything."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self._controller: Any = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name for it
        """Called by the server for each mail."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        texts = {}
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            texts[kind] = body.get_content() if body is not None else ""
        pictures = {
            part["Content-ID"].strip("<>"): part.get_content()
            for part in mail.walk()
            if part.get_content_maintype() == "image" and part["Content-ID"]
        }
        to, subject = tuple(envelope.rcpt_tos), str(mail["subject"])
        text = texts["plain"] or texts["html"]
        self.mails.append(Mail(envelope.mail_from, to, subject, text, texts["html"], pictures))
        return "250 OK"

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._controller.server.sockets[0].getsockname()[1]
        return port

    def __enter__(self) -> Mailbox:
        from aiosmtpd.controller import Controller  # noqa: PLC0415 - a tool for development; the sink below needs none

        class OnAnyPort(Controller):
            def _trigger_server(self) -> None:
                """It would connect to the port it was given, which is 0 here; the port it got is in the socket."""
                server: Any = self.server
                self.port = server.sockets[0].getsockname()[1]
                trigger: Any = super()._trigger_server
                trigger()

        self._controller = OnAnyPort(self, hostname=HOST, port=0)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


class WebhookSink:
    """An HTTP server that keeps every JSON body posted to it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.stopped = threading.Event()
        self.paths: list[str] = []
        self.status = 200
        self.seconds = 0.0
        """How long it thinks before it answers."""
        self.location = ""
        """Where it redirects to, with a status of 3xx."""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sink.paths.append(self.path)
                self._answer()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sink.paths.append(self.path)
                sink.stopped.wait(sink.seconds)
                if sink.status < 300:
                    sink.messages.append(json.loads(body))
                self._answer()

            def _answer(self) -> None:
                self.send_response(sink.status)
                if sink.location:
                    self.send_header("Location", sink.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing on the console."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> WebhookSink:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
