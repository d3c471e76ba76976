"""The mailbox as pages to look at in a browser, on loopback.

Belongs here: showing mails that arrived. Does not belong here: receiving them (`mailbox`).

    with Mailbox() as box, mailbox_page(box) as url: ...
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from simulators.mailbox import HOST, Mail, Mailbox

# Mails come from programs: whatever is in them runs nothing and fetches nothing from elsewhere.
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem }}
h1 {{ font-size: 1.4rem; line-height: 1.3; overflow-wrap: anywhere }}
li {{ padding: .5rem 0; overflow-wrap: anywhere }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit }}
iframe {{ width: 100%; height: 70vh; border: 1px solid #8888; background: white }}
</style></head><body><main>"""
_FOOT = "</main></body></html>"


@contextmanager
def mailbox_page(box: Mailbox, port: int = 0) -> Iterator[str]:
    """Serve the mails of a box, as they arrive; gives the address of the list. Raises `OSError` when the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = _answer(box, self.path)
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind or "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing on the console."""

    server = ThreadingHTTPServer((HOST, port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(box: Mailbox, path: str) -> tuple[str, bytes]:
    """(content type, content); no type where there is nothing."""
    page = "text/html; charset=utf-8"
    mails = list(box.mails)
    if path == "/":
        return page, _list(mails).encode()
    number, _, rest = path.strip("/").partition("/")
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= len(mails):
        return "", b"There is no such mail."
    mail = mails[int(number) - 1]
    if not rest:
        return page, _one(int(number), mail).encode()
    if rest == "letter" and mail.html:
        html = mail.html
        for name in mail.pictures:
            html = html.replace(f"cid:{name}", f"/{number}/{name}")
        return page, html.encode()
    if rest in mail.pictures:
        return "image/png", mail.pictures[rest]
    return "", b"There is no such part of this mail."


def _list(mails: list[Mail]) -> str:
    lines = [
        f'<li><a href="/{number}/">{escape(mail.subject)}</a><br>to {escape(", ".join(mail.to))}, {mail.at:%H:%M:%S} UTC</li>'
        for number, mail in reversed(list(enumerate(mails, start=1)))
    ]
    found = f"<ol reversed>{''.join(lines)}</ol>" if lines else "<p>Nothing has arrived yet.</p>"
    return f"{_HEAD.format(title='Mailbox')}<h1>Mailbox: {len(mails)} mails, the newest first</h1>{found}{_FOOT}"


def _one(number: int, mail: Mail) -> str:
    head = _HEAD.format(title=escape(mail.subject))
    told = f"<p>From {escape(mail.sender)} to {escape(', '.join(mail.to))}, {mail.at:%Y-%m-%d %H:%M:%S} UTC</p>"
    letter = f'<iframe src="/{number}/letter" title="The letter" sandbox></iframe>' if mail.pictures else ""
    text = f"<pre>{escape(mail.text)}</pre>"
    shown = f"{letter}<details><summary>As plain text</summary>{text}</details>" if letter else text
    return f'{head}<p><a href="/">All mails</a></p><h1>{escape(mail.subject)}</h1>{told}{shown}{_FOOT}'
