"""Which addresses messages and events may go to: an address from a setting must not lead into the inside of a network.

Belongs here: which hosts a setting may name, and taking secrets out of texts. Does not belong here: sending (`sending`,
`openlineage`), and the guard over the connection itself (`civicops.network`), which every sending stands under as well.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Iterable
from urllib.parse import unquote, urlsplit

from civicops.errors import CivicopsError
from civicops.network import host_name, is_internal

HIDDEN = "***"


class OutgoingError(CivicopsError):
    """A place that nothing may be sent to."""


def check_host(host: str, *, allow: Collection[str] = ()) -> None:
    """Raise `OutgoingError` unless every address of a host is public, or the host itself stands in `allow`.

    Private, loopback, link-local (cloud metadata), shared and reserved ranges are internal, written in whichever way.
    """
    name = host_name(host)
    if not name:
        raise OutgoingError("An address names no host.", hint="Look at the environment variable of the route.")
    if name in {host_name(item) for item in allow}:
        return
    try:
        found = {item[4][0] for item in socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)}
    except (OSError, UnicodeError) as error:
        raise OutgoingError(
            f"The host '{name}' is not known.", hint="Look at its spelling, or try again later."
        ) from error
    for text in found:
        if is_internal(str(text)):
            raise OutgoingError(
                f"The host '{name}' leads to an internal address, so nothing is sent there.",
                hint=f'If it is meant, name it in the settings: allow = ["{name}"].',
            )


def check_url(url: str, *, allow: Collection[str] = ()) -> None:
    """Raise `OutgoingError` unless an http(s) address leads outside, or to a host in `allow`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise OutgoingError("Only http and https addresses can be sent to.", hint="Mend the setting.")
    check_host(parts.hostname or "", allow=allow)


def secrets_of(addresses: Iterable[str]) -> tuple[str, ...]:
    """Everything in some addresses that may be secret: user, password, each part of path and query; longest first."""
    found: set[str] = set()
    for address in addresses:
        found.add(address)
        parts = urlsplit(address)
        user, _, rest = parts.netloc.rpartition("@")
        words = [*user.split(":"), *parts.path.split("/"), *re.split("[&=;]", parts.query)]
        if not rest.count("."):
            words.append(rest)  # the 'host' of many services is a token
        found |= {form for word in words for form in (word, unquote(word)) if len(form) >= 6}
    return tuple(sorted(found, key=len, reverse=True))


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text with every secret replaced."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def named_addresses(names: Iterable[str]) -> tuple[str, ...]:
    """The values of environment variables. Raises `OutgoingError` that names the first one that is not set."""
    found = []
    for name in names:
        value = os.environ.get(name, "").strip()
        if not value:
            raise OutgoingError(
                f"The environment variable {name} is not set.", hint="It holds the address of an alert route."
            )
        found.append(value)
    return tuple(found)
