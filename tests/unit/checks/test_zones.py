"""Moments by the table of clock changes: always what DuckDB's own calendar says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.checks.zones import FIRST, LAST, changes, moment
from tests.duck import asked

REGULAR = ["America/Los_Angeles", "America/New_York"]
OTHERS = ["UTC", "Asia/Tokyo", "Africa/Casablanca", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"]


def differing(zone: str, times: str) -> int:
    own = f"timezone('{zone}', wall)"
    rows = asked(f"SELECT count(*) FROM ({times}) WHERE {moment(zone, 'wall')} IS DISTINCT FROM {own}")
    return int(rows[0][0])


@pytest.mark.parametrize("zone", [*REGULAR, *OTHERS])
def test_every_half_hour_of_all_years_and_some_beyond(zone: str) -> None:
    times = f"unnest(range(TIMESTAMP '{FIRST - 3}-01-01', TIMESTAMP '{LAST + 3}-01-01', INTERVAL 29 MINUTE)) AS wall"
    assert differing(zone, f"SELECT {times}") == 0
    assert differing(zone, "SELECT CAST(NULL AS TIMESTAMP) AS wall") == 0


@settings(deadline=None, max_examples=60)
@given(year=st.integers(FIRST, LAST - 1), side=st.sampled_from(["begins", "ends"]), seconds=st.integers(-7200, 7200))
def test_seconds_around_a_change(year: int, side: str, seconds: int) -> None:
    found = changes("America/Los_Angeles")
    assert found is not None
    at = getattr(found, side)[year - FIRST]
    assert (
        differing("America/Los_Angeles", f"SELECT TIMESTAMP '{at}' + to_microseconds({seconds * 1_000_003}) AS wall")
        == 0
    )


def test_which_zones_are_quick() -> None:
    assert all(changes(zone) for zone in REGULAR)
    assert changes("Africa/Casablanca") is None
    assert moment("Asia/Tokyo", "wall") == "timezone('Asia/Tokyo', wall)"
