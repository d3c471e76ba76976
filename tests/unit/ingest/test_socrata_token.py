"""The app token: from the environment to one header of one host, and nowhere else."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from civicops.errors import CivicopsError
from civicops.ingest.landing import Landing
from civicops.ingest.values import SourceError
from tests.unit.ingest.conftest import Portal
from tests.unit.ingest.socrata_kit import get

CANARY = "canary-token-8d1f"


@pytest.mark.parametrize("fault", [None, {"kind": "500", "times": None}, {"kind": "reset", "times": None}])
def test_a_wrong_token_is_named_by_its_variable_and_never_shown(
    fault: dict[str, Any] | None,
    portal: Portal,
    landing: Landing,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SOCRATA_APP_TOKEN", CANARY)
    if fault is not None:
        portal.fault(lacks=None, **fault)
    with pytest.raises(CivicopsError) as caught:
        get(portal.source(), landing)
    if fault is None:
        assert "SOCRATA_APP_TOKEN" in str(caught.value) and "refused" in str(caught.value)
        assert {item["token"] for item in portal.log()} == {"unknown"}
    out, err = capfd.readouterr()
    chain, error = [], caught.value
    while error is not None:
        chain.append(repr(error) + str(error.__dict__))
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert CANARY not in "".join([out, err, caplog.text, *chain])
    assert not [path for path in landing.root.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_a_good_token_is_used_and_never_kept(portal: Portal, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCRATA_APP_TOKEN", "simulated-app-token")
    get(portal.source(), landing)
    assert {item["token"] for item in portal.log()} == {"known"}
    assert not [path for path in landing.root.rglob("*.json") if b"simulated-app-token" in path.read_bytes()]


@pytest.mark.parametrize("token", ["with space", "line\nbreak", "ünïcode"])
def test_a_token_that_cannot_be_one_is_refused_unsent(
    token: str, portal: Portal, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCRATA_APP_TOKEN", token)
    with pytest.raises(SourceError, match="SOCRATA_APP_TOKEN") as caught:
        get(portal.source(), landing)
    assert token not in str(caught.value)
    assert portal.log() == []
