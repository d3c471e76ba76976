"""Where messages may go, and that no secret leaves with an error."""

from __future__ import annotations

import socket
import threading
from typing import Any

import httpx
import pytest

from civicops import network
from civicops.ingest.values import FetchError
from civicops.ingest.web import Web
from civicops.network import InternalAddressError, guarded, is_internal
from civicops.observe.messages import Message
from civicops.observe.openlineage import send as send_event
from civicops.observe.outgoing import (
    OutgoingError,
    check_host,
    check_url,
    secrets_of,
    without_secrets,
)
from civicops.observe.sending import send
from civicops.workspace import AlertRoute
from simulators.mailbox import Mailbox, WebhookSink

system_resolver = network._resolve
CANARY = "canary-9f8e7d6c"
MESSAGE = Message("Late", "Data are late.")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
)  # fmt: skip
def test_internal_addresses_are_known_in_every_spelling(address: str) -> None:
    assert is_internal(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_not_internal(address: str) -> None:
    assert not is_internal(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "127.1", "LOCALHOST."])
def test_a_host_that_leads_inside_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(OutgoingError):
        check_host(host)


def test_a_host_is_allowed_by_its_name_alone() -> None:
    check_host("localhost", allow=("localhost",))
    with pytest.raises(OutgoingError):
        check_host("127.0.0.1", allow=("localhost",))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/", "http://", "http://user@127.0.0.1/"])
def test_only_web_addresses_outside_are_sent_to(url: str) -> None:
    with pytest.raises(OutgoingError):
        check_url(url)


def test_every_secret_part_of_an_address_is_taken_out() -> None:
    address = f"https://grace:{CANARY}-1@example.org/hooks/{CANARY}-2?token={CANARY}-3"
    text = f"failed: {address} with {CANARY}-1 and {CANARY}-2 and {CANARY}-3"
    assert CANARY not in without_secrets(text, secrets_of([address]))


def test_a_refused_address_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f"nosuchkind://{CANARY}/{CANARY}")
    with pytest.raises(OutgoingError) as failure:
        send(AlertRoute(urls=("HOOK",)), MESSAGE)
    assert "HOOK" in str(failure.value) and CANARY not in str(failure.value)
    monkeypatch.setenv("HOOK", "syslog://")
    with pytest.raises(OutgoingError):
        send(AlertRoute(urls=("HOOK",)), MESSAGE)
    monkeypatch.delenv("HOOK")
    with pytest.raises(OutgoingError, match="HOOK is not set"):
        send(AlertRoute(urls=("HOOK",)), MESSAGE)


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookSink() as sink, WebhookSink() as inside:
        sink.status, sink.location = 307, f"http://127.0.0.1:{inside.port}/secret"
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{sink.port}/{CANARY}")
        with pytest.raises(OutgoingError) as failure:
            send(AlertRoute(urls=("HOOK",), allow=("127.0.0.1",)), MESSAGE)
        assert sink.paths and not inside.paths
        assert CANARY not in str(failure.value)


def test_all_addresses_are_looked_at_before_any_is_sent_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookSink() as sink:
        monkeypatch.setenv("GOOD", f"json://127.0.0.1:{sink.port}/")
        monkeypatch.setenv("BAD", f"json://localhost:{sink.port}/")
        with pytest.raises(OutgoingError):
            send(AlertRoute(urls=("GOOD", "BAD"), allow=("127.0.0.1",)), MESSAGE)
        assert sink.messages == []


class Rebinding:
    """Stands in for the resolver of a network: a name of ours is public when it is looked at and inside when it is connected to."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if not str(host).endswith("rebind.example.org"):
            return system_resolver(host, port, *more, **options)
        self.asked.append(str(host))
        address = "8.8.8.8" if len(self.asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port or 0)))]


@pytest.fixture
def rebinding(monkeypatch: pytest.MonkeyPatch) -> Rebinding:
    stand_in = Rebinding()
    monkeypatch.setattr(network, "_resolve", stand_in)
    monkeypatch.setattr(socket, "getaddrinfo", network._checked)
    return stand_in


def test_a_name_that_turns_inside_after_it_was_looked_at_is_not_connected_to(
    rebinding: Rebinding, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebhookSink() as sink:
        monkeypatch.setenv("HOOK", f"json://rebind.example.org:{sink.port}/{CANARY}")
        with pytest.raises(OutgoingError, match="leads to an internal address") as failure:
            send(AlertRoute(urls=("HOOK",)), MESSAGE)
        assert len(rebinding.asked) > 1 and sink.paths == []
        assert CANARY not in str(failure.value)
        send(AlertRoute(urls=("HOOK",), allow=("rebind.example.org",)), MESSAGE)
        assert [message["title"] for message in sink.messages] == ["Late"]


def test_neither_mail_nor_openlineage_follow_a_name_inside(
    rebinding: Rebinding, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mailbox() as box, WebhookSink() as sink:
        address = f"mailto://rebind.example.org:{box.port}?from=civicops@example.org&to=grace@example.org&mode=insecure"
        monkeypatch.setenv("MAIL", address)
        with pytest.raises(OutgoingError, match="leads to an internal address"):
            send(AlertRoute(urls=("MAIL",)), MESSAGE)
        assert rebinding.asked and box.mails == []
        rebinding.asked.clear()
        url = f"http://rebind.example.org:{sink.port}/{CANARY}"
        reason = send_event(url, "{}")
        assert "leads to an internal address" in reason and CANARY not in reason and sink.paths == []
        assert send_event(url, "{}", ("rebind.example.org",)) == "" and sink.messages == [{}]


def test_a_redirect_of_a_source_to_a_name_that_turns_inside_is_not_followed(rebinding: Rebinding) -> None:
    with WebhookSink() as outside, WebhookSink() as inside:
        outside.status, outside.location = 302, f"http://rebind.example.org:{inside.port}/secret"
        configured = httpx.URL(f"http://127.0.0.1:{outside.port}/data.csv")
        with Web(configured) as web, pytest.raises(FetchError, match="leads to an internal address"):
            web.get(configured, expect="any", max_bytes=1000)
        assert len(rebinding.asked) > 1 and inside.paths == []


def test_a_source_under_a_public_name_is_not_fetched_from_inside_unless_the_settings_say_so(
    rebinding: Rebinding,
) -> None:
    rebinding.asked.append("looked at before")
    with WebhookSink() as inside:
        configured = httpx.URL(f"http://rebind.example.org:{inside.port}/data.csv")
        with Web(configured) as web, pytest.raises(FetchError, match=r"internal_hosts = \["):
            web.get(configured, expect="any", max_bytes=1000)
        assert inside.paths == []
        with Web(configured, internal=True) as web:
            assert web.get(configured, expect="any", max_bytes=1000).status == 200
        assert inside.paths == ["/data.csv"]


def test_what_others_resolve_meanwhile_is_none_of_the_guards_business() -> None:
    found: list[object] = []
    with guarded():
        other = threading.Thread(target=lambda: found.extend(socket.getaddrinfo("localhost", 80)))
        other.start()
        other.join()
        with pytest.raises(InternalAddressError), guarded(("example.org",)):
            socket.getaddrinfo("localhost", 80)
    assert found and socket.getaddrinfo("localhost", 80)
