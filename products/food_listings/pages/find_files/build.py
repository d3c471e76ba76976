"""The order of the steps that make the page's folder.

Belongs here: which files there are. Does not belong here: what is in them (the other modules of this folder).

    places.json                       what the page reads
    grounds.json                      outlines and names of neighborhoods, where a release of them is read
    downloads/food_listings.json      every listing with its hours, and how fresh each field is
    downloads/food_listings.csv       the same as a table
    downloads/food_listings.hsds.json the same in Open Referral HSDS 3
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from civicops.errors import CivicopsError
from civicops.release.values import Release

from .grounds import grounds
from .hsds import to_hsds
from .listings import DATASETS, Listing, moment_of, read_listings
from .payload import payload
from .tables import to_csv, to_json

NAME = "food_listings"
"""What downloads are called."""


def build(releases: Mapping[str, Release], out: Path) -> None:
    """Write the files of the page into the empty folder `out`. The same releases give the same bytes.

    Raises `CivicopsError` where a release is missing.
    """
    for dataset in DATASETS:
        if dataset not in releases:
            raise CivicopsError(
                f"The page needs the dataset '{dataset}', which has no release.",
                hint="Run `civicops run food_listings` first.",
            )
    found: list[Listing] = read_listings(releases)
    moment = moment_of(releases)
    downloads = out / "downloads"
    downloads.mkdir(parents=True)
    _save(out / "places.json", payload(found, moment))
    _save(out / "grounds.json", grounds(releases))
    _save(downloads / f"{NAME}.json", to_json(found, moment), indent=1)
    (downloads / f"{NAME}.csv").write_text(to_csv(found), encoding="utf-8", newline="")
    _save(downloads / f"{NAME}.hsds.json", to_hsds(found, moment), indent=1)


def _save(path: Path, content: Any, indent: int | None = None) -> None:
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(content, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
