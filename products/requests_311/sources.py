"""Where the rows of the 311 product come from.

Belongs here: turning the product's lists of datasets and boundary files, and its table in civicops.toml, into sources. Does not
belong here: the lists themselves (`lookups/socrata_datasets.csv`, `lookups/boundary_sets.csv`) or fetching (`civicops.ingest`).

Settings, all optional, in `[products.requests_311]`:

- `portal_url`: the Socrata portal; the City of Los Angeles' unless given.
- `only`: names of the sources to use; all unless given. A volunteer with one year on disk names that one.
- `sources.NAME.url`, `sources.NAME.path`: takes one source from another address, or from a file or folder.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from civicops.errors import CivicopsError
from civicops.ingest.values import FileSource, SocrataSource, Source, UrlSource, override

LOOKUPS = Path(__file__).parent / "lookups"
PORTAL = "https://data.lacity.org"
DATASETS = {"legacy": "legacy_requests", "cases": "cases"}
UPDATE_COLUMNS = {"legacy": "updateddate", "cases": "systemmodstamp"}
SETTINGS = ("portal_url", "only", "sources")


def sources(settings: Mapping[str, Any]) -> Sequence[Source]:
    """The sources of this product under its settings, in the order of the lists.

    Boundary files and the population table have no source until somebody gives them an address or a path, unless the list
    has one. Raises `CivicopsError` for a setting or a source name that does not exist.
    """
    _known("setting", settings, SETTINGS)
    replaced: Mapping[str, Mapping[str, str]] = settings.get("sources", {})
    only: Sequence[str] = settings.get("only", ())
    every = dict(_every(settings.get("portal_url", PORTAL), replaced))
    _known("source", replaced, every)
    _known("source", only, every)
    return [source for name, source in every.items() if source is not None and (not only or name in only)]


def _every(portal: str, replaced: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, Source | None]]:
    for row in _rows("socrata_datasets.csv"):
        era, year = row["era"], int(row["year"])
        source = SocrataSource(
            name=row["name"],
            dataset=DATASETS[era],
            base_url=portal.rstrip("/"),
            dataset_id=row["dataset_id"],
            update_column=UPDATE_COLUMNS[era],
            note=row["note"],
            # Requests of December are closed as late as June of the year after next.
            frozen_after=date(year + 2, 6, 30),
        )
        yield source.name, _replaced(source, replaced.get(source.name, {}))
    for row in _rows("boundary_sets.csv"):
        yield row["source"], _file(row["source"], row["dataset"], row["url"], row["note"], replaced)
    yield "council_populations", _file("council_populations", "council_populations", "", "census of 2020", replaced)


def _file(name: str, dataset: str, url: str, note: str, replaced: Mapping[str, Mapping[str, str]]) -> Source | None:
    given = replaced.get(name, {})
    address = given.get("url") or url
    if not address and not given.get("path"):
        return None
    source: Source = UrlSource(name, dataset, address, note=note)
    if given.get("path"):
        source = FileSource(name, dataset, Path(given["path"]), note=note)
    return _replaced(source, given)


def _replaced(source: Source, given: Mapping[str, str]) -> Source:
    _known(f"key of source '{source.name}'", given, ("url", "path"))
    path = given.get("path")
    return override(source, url=given.get("url"), path=Path(path) if path else None)


def _rows(name: str) -> list[dict[str, str]]:
    with (LOOKUPS / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _known(what: str, given: Mapping[str, Any] | Sequence[str], known: Mapping[str, Any] | Sequence[str]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, list(known), n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
            raise CivicopsError(f"[products.requests_311] has no {what} '{name}'.", hint=hint)
