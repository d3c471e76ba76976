"""How large the body of a request may be: small everywhere, and as large as a list where lists are uploaded.

Belongs here: what the web server refuses before anything is read. Does not belong here: what a page does with a file (`uploads`).
"""

from __future__ import annotations

import copy
from typing import Any

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser  # type: ignore[import-untyped]
from waitress.server import BaseWSGIServer  # type: ignore[import-untyped]
from waitress.utilities import RequestEntityTooLarge  # type: ignore[import-untyped]

SMALL = 64 * 1024
"""Bytes of a form or question."""
UPLOADS = "/import/"
"""Below here files come."""


def bound_bodies(megabytes: int) -> int:
    """Hold every request of this process to its bound; returns the most bytes the server may take at all.

    A file that is a little too large is taken up to twice the bound, so that the page can say so; beyond it the answer is a bare
    sentence.
    """
    said = f"This is too large. A file may have {megabytes:,} MB, everything else {SMALL // 1024} KB."

    class Parser(HTTPRequestParser):  # type: ignore[misc]
        adj: Any
        error: Any

        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            if not self.path.startswith(UPLOADS):
                self.adj = copy.copy(self.adj)
                self.adj.max_request_body_size = SMALL

        def received(self, data: bytes) -> int:
            consumed: int = super().received(data)
            if isinstance(self.error, RequestEntityTooLarge):
                self.error = RequestEntityTooLarge(said)
            return consumed

    class Channel(HTTPChannel):  # type: ignore[misc]
        parser_class: Any = Parser

    BaseWSGIServer.channel_class = Channel
    return 2 * megabytes * 1_000_000
