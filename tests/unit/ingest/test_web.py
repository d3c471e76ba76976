"""Waiting as long as a server asks, and noticing bodies that end early."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.ingest.web import _AgainError, _Gunzip, _pause, _retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("99999", 300.0), ("soon", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_within_reason(header: str | None, seconds: float | None) -> None:
    assert _retry_after(header, 300.0) == seconds


def test_a_date_ahead_is_waited_for() -> None:
    ahead = _retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True), 300.0)
    assert ahead is not None and 60 < ahead <= 120
    assert _pause(_AgainError("x", ahead)) == ahead
    assert _pause(_AgainError("x")) is True and _pause(ValueError()) is False


@given(st.binary(max_size=3_000), st.binary(max_size=500), st.integers(1, 700), st.integers(0, 40))
def test_gzip_is_whole_only_when_it_is(first: bytes, second: bytes, size: int, cut: int) -> None:
    packed = gzip.compress(first) + gzip.compress(second)
    kept = packed[: len(packed) - cut]
    unpacker, got = _Gunzip(), b""
    for at in range(0, len(kept), size):
        got += b"".join(unpacker.feed(kept[at : at + size]))
    if cut == 0:
        assert got == first + second and unpacker.is_whole
    elif len(kept) == len(gzip.compress(first)):
        assert got == first  # one whole member: nothing shows that a second was meant
    else:
        assert not unpacker.is_whole


def test_what_is_no_gzip_is_said_to_be_none() -> None:
    with pytest.raises(_AgainError, match="cannot be unpacked"):
        list(_Gunzip().feed(b"<html>not packed</html>"))
