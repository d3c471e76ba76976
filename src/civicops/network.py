"""Where connections may lead: an address that a setting names must not lead into the inside of a network.

Belongs here: which addresses are internal, and the guard over the moment in which a name becomes the address of a connection.
Does not belong here: which hosts a setting may name (`observe.outgoing`, `ingest.addresses`).

Looking a name up before connecting proves nothing: whoever answers for it may answer otherwise a moment later (DNS rebinding). So
the guard sits where the connection itself looks it up, and the addresses it lets through are those that are connected to.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from civicops.errors import CivicopsError

_SHARED = ipaddress.ip_network("64:ff9b::/96")
"""The well-known prefix that networks translate to version 4."""
_resolve = socket.getaddrinfo
_state = threading.local()


class InternalAddressError(CivicopsError):
    """A name that led to an internal address when it was to be connected to."""


def is_internal(address: str) -> bool:
    """Whether an IP address is not one of the public internet. Raises `ValueError` for what is no address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_internal(str(inner))
        if ip in _SHARED:
            return is_internal(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return not ip.is_global or ip.is_multicast


def host_name(host: str) -> str:
    """A host as names are compared: without brackets, final dot and capitals."""
    return host.strip("[]").lower().rstrip(".")


@contextmanager
def guarded(allow: Collection[str] = ()) -> Iterator[None]:
    """While this lasts, no name that this thread looks up to connect leads inside, unless it stands in `allow`.

    It holds for everything that asks Python's `socket.getaddrinfo` in this thread: httpx, requests, smtplib. It does not hold for
    libraries that resolve in C or in threads of their own. A proxy of the environment resolves names itself and is let through.
    Raises `InternalAddressError` in the place that wanted to connect.
    """
    socket.getaddrinfo = _checked  # once and for all; threads outside a guard are let through
    before = getattr(_state, "allow", None)
    proxies = (urlsplit(url if "//" in url else f"//{url}").hostname or "" for url in getproxies().values())
    _state.allow = frozenset(host_name(name) for name in (*allow, *proxies)) - {""}
    try:
        yield
    finally:
        _state.allow = before


def _checked(host: Any, *more: Any, **options: Any) -> Any:
    found = _resolve(host, *more, **options)
    allow: frozenset[str] | None = getattr(_state, "allow", None)
    if allow is None or host is None:
        return found
    name = host_name(host.decode("idna") if isinstance(host, bytes) else str(host))
    if name not in allow:
        for item in found:
            if is_internal(str(item[4][0])):
                raise InternalAddressError(
                    f"The host '{name}' leads to an internal address, so it is not connected to.",
                    hint=f'If it is meant, name it in the settings: allow = ["{name}"].',
                )
    return found
