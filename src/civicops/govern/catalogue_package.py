"""The catalogue as one Frictionless Data Package: a resource per dataset.

Belongs here: joining the descriptions that lie beside the releases into one, with addresses or with copies of the files. Does
not belong here: the description of a single release (`civicops.release.datapackage`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from civicops.contracts.checktypes import ForeignKey
from civicops.govern.catalogue import CatalogueError, Item


def data_package(found: Sequence[Item], *, organisation: str, address: str = "") -> dict[str, Any]:
    """The descriptor as plain values.

    With an `address` (ends in `/`) the files are those that stand there; without one they lie in the folder `data` beside the
    descriptor, where `copy_files` puts them. Restricted datasets are described without a file. Raises `CatalogueError` where
    there is no public dataset.
    """
    public = [item for item in found if item.access == "public"]
    if not public:
        raise CatalogueError("There is no public dataset to tell of.", hint="civicops run PRODUCT publishes one.")
    names = {item.id for item in public}
    package: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "catalogue",
        "title": f"Data of {organisation}" if organisation else "Published data",
        "description": "The current release of every public dataset.",
        "created": max(str(item.package["created"]) for item in public),
        "licenses": _once(licence for item in public for licence in item.package["licenses"]),
        "sources": _once(source for item in public for source in item.package["sources"]),
        "contributors": _once(one for item in public for one in item.package["contributors"]),
        "resources": [_resource(item, names, address) for item in public],
    }
    if rest := [item for item in found if item.access != "public"]:
        package["civicops"] = {"restricted": [_restricted(item) for item in rest]}
    return {key: value for key, value in package.items() if value not in ("", [])}


def copy_files(found: Sequence[Item], folder: Path) -> int:
    """Copy the Parquet files of public datasets to where the descriptor without an address expects them; their bytes."""
    size = 0
    for item in found:
        if item.access == "public":
            target = folder / _place(item)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(item.release.data, target)
            size += target.stat().st_size
    return size


def _place(item: Item) -> str:
    return f"data/{item.contract.product}/{item.contract.dataset}.parquet"


def _resource(item: Item, names: set[str], address: str) -> dict[str, Any]:
    contract = item.contract
    schema = dict(item.resource["schema"])
    keys = []
    for check in contract.dataset_checks:
        if isinstance(check.spec, ForeignKey):
            to = check.spec.dataset if "." in check.spec.dataset else f"{contract.product}.{check.spec.dataset}"
            if to in names:
                reference = {"resource": to, "fields": list(check.spec.references)}
                keys.append({"fields": list(check.spec.columns), "reference": reference})
    return {
        **item.resource,
        "name": contract.id,
        "title": contract.title,
        "description": item.package["description"],
        "path": f"{address}{item.folder}{contract.dataset}.parquet" if address else _place(item),
        "licenses": item.package["licenses"],
        "sources": item.package["sources"] or [{"title": item.product.file.title}],
        "schema": schema | ({"foreignKeys": keys} if keys else {}),
        "civicops": {"version": item.release.version, "contract": item.package["civicops"]["contract"]},
    }


def _restricted(item: Item) -> dict[str, Any]:
    return {
        "name": item.id,
        "title": item.contract.title,
        "description": item.package["description"],
        "version": item.release.version,
        "schema": item.resource["schema"],
    }


def _once(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
