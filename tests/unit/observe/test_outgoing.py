"""Where messages may go, and that no secret leaves with an error."""

from __future__ import annotations

import pytest

from civicops.observe.messages import Message
from civicops.observe.outgoing import (
    OutgoingError,
    check_host,
    check_url,
    is_internal,
    secrets_of,
    without_secrets,
)
from civicops.observe.sending import send
from civicops.workspace import AlertRoute
from simulators.mailbox import WebhookSink

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
