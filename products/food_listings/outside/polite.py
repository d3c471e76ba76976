"""HTTP to hosts that nobody has configured: pinned to a public address, slowly, within bounds.

Belongs here: one request. Does not belong here: what is asked and why (`websites`, `geocoding`).

A listing's website is text that anybody may have written, so it must not make civicops talk to machines that only civicops
can see. The name is resolved once, every address it resolves to must be public, and the connection goes to exactly the
address that was looked at, so that a second answer of the name server changes nothing. Each redirect is a new such request.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from civicops.ingest.addresses import is_internal

MAX_BYTES = 600_000
HOPS = 5


class InternalAddressError(Exception):
    """The address leads into a private network; it was not contacted."""


class UnknownHostError(Exception):
    """No address is known for the host."""


@dataclass(frozen=True)
class Reply:
    """Status, headers and at most `MAX_BYTES` of an answer, and the address it came from at the end."""

    status: int
    url: str
    body: bytes
    content_type: str


class Polite:
    """Asks hosts, each at most once in `pause` seconds. `allow` are internal hosts that are meant all the same."""

    def __init__(self, agent: str, *, pause: float = 5.0, seconds: float = 15.0, allow: Collection[str] = ()) -> None:
        self.agent, self.pause, self.allow = agent, pause, frozenset(allow)
        # No proxy from the environment: it would resolve names itself, where nobody checks them.
        self._client = httpx.Client(
            timeout=seconds, follow_redirects=False, trust_env=False, headers={"User-Agent": agent}
        )
        self._seconds = seconds
        self._last: dict[str, float] = {}

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, address: str) -> Reply:
        """Follow an address to its end. Raises `InternalAddressError`, `UnknownHostError` or `httpx.HTTPError`."""
        url = httpx.URL(address)
        for _ in range(HOPS):
            reply, target = self._once(url)
            if target is None:
                return reply
            url = target
        raise httpx.TooManyRedirects("more than 5 redirects")

    def _once(self, url: httpx.URL) -> tuple[Reply, httpx.URL | None]:
        if url.scheme not in ("http", "https") or url.userinfo:
            raise InternalAddressError(url.scheme)
        ip = self._resolved(url.host, url.port or (443 if url.scheme == "https" else 80))
        self._wait(url.host)
        pinned = url.copy_with(host=ip)
        request = self._client.build_request(
            "GET", pinned, headers={"Host": url.netloc.decode()}, extensions={"sni_hostname": url.host}
        )
        until = time.monotonic() + 2 * self._seconds
        answer = self._client.send(request, stream=True)
        try:
            if answer.has_redirect_location:
                return Reply(answer.status_code, str(url), b"", ""), url.join(answer.headers["location"])
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MAX_BYTES or time.monotonic() > until:
                    break
        finally:
            answer.close()
        return Reply(answer.status_code, str(url), body[:MAX_BYTES], answer.headers.get("content-type", "")), None

    def _resolved(self, host: str, port: int) -> str:
        try:
            found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise UnknownHostError(host) from error
        if host not in self.allow and (
            is_internal(host) or any(not ipaddress.ip_address(ip.split("%")[0]).is_global for ip in found)
        ):
            raise InternalAddressError(host)
        return found[0]

    def _wait(self, host: str) -> None:
        last = self._last.get(host)
        if last is not None:
            time.sleep(max(0.0, last + self.pause - time.monotonic()))
        self._last[host] = time.monotonic()
