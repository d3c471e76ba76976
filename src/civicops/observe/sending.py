"""Sending one message to the addresses of one route.

Belongs here: Apprise, the guard over where it may connect to, errors without secrets. Does not belong here: what is due
(`delivery`) and words (`messages`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from civicops.network import InternalAddressError, guarded
from civicops.observe.messages import Message
from civicops.observe.outgoing import OutgoingError, check_host, named_addresses, secrets_of, without_secrets
from civicops.workspace import AlertRoute

SECONDS = 15
_SCHEMES_REFUSED = ("file", "syslog", "rsyslog", "dbus", "gnome", "windows", "macosx", "glib", "qt", "kde")
"""Kinds of address that do something on this machine instead of sending, or that resolve names where no guard can see it."""
_sending = threading.Lock()


class DeliveryError(OutgoingError):
    """A message that was not delivered, and why, without the address."""


def send(route: AlertRoute, message: Message) -> None:
    """Send a message to every address of a route, once each. Raises `OutgoingError` or `DeliveryError`.

    Nothing is sent unless all addresses may be sent to. Redirects are not followed.
    """
    addresses = named_addresses(route.urls)
    secrets = secrets_of(addresses)
    targets = [_target(name, address, route.allow) for name, address in zip(route.urls, addresses, strict=True)]
    failed = []
    for name, target in zip(route.urls, targets, strict=True):
        with guarded(route.allow):
            reason = _notify(target, message)
        if reason is not None:
            failed.append(f"{name}: {without_secrets(reason, secrets)}")
    if failed:
        raise DeliveryError(f"Not delivered. {'; '.join(failed)}", hint="`civicops alerts log` shows every attempt.")


def send_letter(variable: str, to: str, message: Message, allow: Sequence[str] = ()) -> None:
    """Send one letter to one person through the mail server whose Apprise address an environment variable holds.

    Raises `OutgoingError` or `DeliveryError`, whose words hold no address of the server.
    """
    [address] = named_addresses([variable])
    target = _target(variable, address, allow)
    if not getattr(target, "smtp_host", None):
        raise DeliveryError(f"The address in {variable} is none of a mail server.", hint="It begins with mailtos://.")
    target.targets = [(False, to)]
    with guarded(allow):
        reason = _notify(target, message)
    if reason is not None:
        raise DeliveryError(f"The letter was not sent: {without_secrets(reason, secrets_of([address]))}.")


def _target(name: str, address: str, allow: Sequence[str]) -> Any:
    """The service of an address, after looking where it leads. Its errors name the variable, never the address."""
    import apprise  # noqa: PLC0415 - half a second that only a message needs

    scheme = address.partition(":")[0].lower()
    asset = apprise.AppriseAsset(
        app_id="civicops", app_desc="civicops alerts", http_redirects=False, secure_logging=True
    )
    with _Quiet():
        target = None if scheme in _SCHEMES_REFUSED else apprise.Apprise.instantiate(address, asset=asset)
    if target is None:
        raise DeliveryError(
            f"The address in {name} is none that messages can be sent to.",
            hint="Apprise's documentation lists the kinds.",
        )
    for host in hosts_of(target):
        check_host(host, allow=allow)
    return target


def hosts_of(target: Any) -> tuple[str, ...]:
    """The hosts that a service will connect to where its address chooses them; services with a fixed host give none."""
    found = []
    if getattr(target, "smtp_host", None):
        found.append(str(target.smtp_host))
    elif any("{host}" in str(template) for template in getattr(target, "templates", ())):
        found.append(str(target.host or ""))
    return tuple(found)


def _notify(target: Any, message: Message) -> str | None:
    """Send; the reason when it failed."""
    target.socket_connect_timeout = target.socket_read_timeout = SECONDS
    with _Quiet() as heard:
        try:
            if message.html and _is_mail(target):
                done = target.notify(
                    title=message.title, body=message.html, body_format="html", attach=_attached(message)
                )
            else:
                done = target.notify(title=message.title, body=message.body)
        except InternalAddressError as error:
            return error.message
        except Exception as error:  # each of a hundred services has its own
            return f"{type(error).__name__}: {error}"
    return None if done else (heard.last() or "the service refused it")


def _is_mail(target: Any) -> bool:
    """Whether it is a letter, which can hold pictures; chats and webhooks get the text."""
    if not getattr(target, "smtp_host", None):
        return False
    target.inline = True
    target.notify_format = "html"
    return True


def _attached(message: Message) -> Any:
    from apprise import AppriseAttachment  # noqa: PLC0415
    from apprise.attachment.memory import AttachMemory  # noqa: PLC0415

    found = AppriseAttachment()
    for image in message.images:
        memory: Any = AttachMemory
        found.add(memory(content=image.content, name=image.name, mimetype="image/png"))
    return found


class _Quiet:
    """Keeps Apprise's log, which may hold addresses, out of ours; what it said last is the reason of a failure."""

    def __enter__(self) -> _Quiet:
        _sending.acquire()
        self._log = logging.getLogger("apprise")
        self._lines: list[str] = []
        self._handler = _Keep(self._lines)
        self._before = (self._log.propagate, self._log.level)
        self._log.propagate = False
        self._log.setLevel(logging.WARNING)
        self._log.addHandler(self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self._handler)
        self._log.propagate, level = self._before
        self._log.setLevel(level)
        _sending.release()

    def last(self) -> str:
        return self._lines[-1] if self._lines else ""


class _Keep(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
