"""Which addresses may be contacted.

Belongs here: the rule on hosts and redirects, and how an address is written where people read it. Does not belong here: talking
to them (`web`).

The rule: an address in the configuration is http or https. It may lead inside only if it says so itself, being an internal IP
address, `localhost`, a name without a dot or one that ends as internal names do; or if the settings say of its host that it is
internal. A redirect is followed only from https to https or from http to
either, and never from there to a host inside a private network, unless the configured address itself names that host:
otherwise a public server could make civicops fetch from machines that only civicops can see.
"""

from __future__ import annotations

import re
import socket

import httpx

from civicops import network
from civicops.ingest.values import FetchError, SourceError
from civicops.network import host_name

_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_INSIDE = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def parse_address(text: str, source: str) -> httpx.URL:
    """A configured address; `SourceError` when it is not http(s) with a host, or carries a password."""
    hint = f"Correct the address of source '{source}' in its sources.py or in civicops.toml."
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise SourceError(f"The address of source '{source}' cannot be read: {error}.", hint=hint) from error
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.raw_host):
        raise SourceError(
            f"The address of source '{source}' does not begin with https:// or http:// and a host.", hint=hint
        )
    if url.userinfo:
        raise SourceError(f"The address of source '{source}' holds a user name or password.", hint=hint)
    return url


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a secret may be shown to."""
    return url.scheme, url.host, url.port


def plain(url: httpx.URL) -> str:
    """The address as it is kept in manifests: nothing in it that could be a secret."""
    hidden = [
        name for name in url.params if "token" in name.lower() or "key" in name.lower() or "secret" in name.lower()
    ]
    for name in hidden:
        url = url.copy_set_param(name, "hidden")
    return str(url)


def says_internal(host: str) -> bool:
    """Whether a host as it is written can only be meant to be inside: nobody could make a public name of it."""
    name = host_name(host)
    try:
        return network.is_internal(name)
    except ValueError:
        return "." not in name or name.endswith(_INSIDE)


def is_internal(host: str) -> bool:
    """Whether a host is, or resolves to, an address that is not on the public internet."""
    if says_internal(host):
        return True
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host_name(host), None)}
    except OSError:
        return False  # nothing will be reached under this name either, or only through a proxy that resolves it itself
    return any(network.is_internal(address) for address in found)


def redirected(configured: httpx.URL, current: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads; `FetchError` when it must not be followed."""
    try:
        target = current.join(location)
    except httpx.InvalidURL as error:
        raise FetchError(f"{current.host} redirects to an address that cannot be read.") from error
    if target.scheme not in ("http", "https") or (current.scheme == "https" and target.scheme != "https"):
        raise FetchError(
            f"{current.host} redirects to '{target.scheme}:', which is not followed.",
            hint="Give the final https:// address as the source's.",
        )
    if target.host != configured.host and is_internal(target.host):
        raise FetchError(
            f"{current.host} redirects to {target.host}, an internal address, which is not followed.",
            hint="If that is meant, give the internal address itself as the source's.",
        )
    return target
