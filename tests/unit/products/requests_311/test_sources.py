"""The product's sources under several settings."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from civicops.errors import CivicopsError
from civicops.ingest.values import FileSource, SocrataSource, Source, UrlSource
from tests.unit.products.requests_311.conftest import PRODUCT


@pytest.fixture(scope="module")
def sources() -> Callable[[Mapping[str, Any]], Sequence[Source]]:
    spec = importlib.util.spec_from_file_location("sources_311", PRODUCT / "sources.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Mapping[str, Any]], Sequence[Source]] = module.sources
    return found


def test_every_year_of_both_systems(sources: Callable[[Mapping[str, Any]], Sequence[Source]]) -> None:
    portal = [source for source in sources({}) if isinstance(source, SocrataSource)]
    assert [(s.name, s.dataset, s.update_column) for s in portal if s.name in ("requests_2019", "cases_2026")] == [
        ("requests_2019", "legacy_requests", "updateddate"),
        ("cases_2026", "cases", "systemmodstamp"),
    ]
    assert len(portal) == 13
    by_name = {source.name: source for source in portal}
    assert by_name["requests_2019"].frozen_after == date(2021, 6, 30), "a year changes for eighteen months more"


def test_boundaries_without_an_address_wait_for_one(sources: Callable[[Mapping[str, Any]], Sequence[Source]]) -> None:
    files = [source.name for source in sources({}) if isinstance(source, UrlSource)]
    assert files == ["council_boundaries", "district_boundaries_2021"]
    given = {
        "sources": {
            "district_boundaries_2012": {"path": "old.geojson"},
            "council_populations": {"url": "http://127.0.0.1:1/p.csv"},
        }
    }
    by_name = {source.name: source for source in sources(given)}
    assert by_name["district_boundaries_2012"] == FileSource(
        "district_boundaries_2012",
        "district_boundaries",
        Path("old.geojson"),
        note=by_name["district_boundaries_2012"].note,
    )
    assert isinstance(by_name["council_populations"], UrlSource)


def test_settings_choose_and_replace(sources: Callable[[Mapping[str, Any]], Sequence[Source]]) -> None:
    settings = {"portal_url": "http://127.0.0.1:8/", "only": ["requests_2020", "cases_2026"],
                "sources": {"requests_2020": {"path": "mine.csv"}}}  # fmt: skip
    first, second = sources(settings)
    assert isinstance(first, FileSource)
    assert (first.name, first.dataset, first.path) == ("requests_2020", "legacy_requests", Path("mine.csv"))
    assert isinstance(second, SocrataSource)
    assert second.base_url == "http://127.0.0.1:8"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"portal": "x"}, "Did you mean 'portal_url'"),
        ({"only": ["request_2020"]}, "Did you mean 'requests_2020'"),
        ({"sources": {"cases_2062": {"url": "x"}}}, "Did you mean 'cases_2026'"),
        ({"sources": {"cases_2026": {"ulr": "x"}}}, "Did you mean 'url'"),
        ({"sources": {"cases_2026": {"url": "http://127.0.0.1:1/x.csv", "path": "x"}}}, "both"),
    ],
)
def test_a_setting_that_does_not_exist_is_named(
    settings: dict[str, Any], said: str, sources: Callable[[Mapping[str, Any]], Sequence[Source]]
) -> None:
    with pytest.raises(CivicopsError, match=said):
        sources(settings)
