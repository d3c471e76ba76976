"""What outsiders are told of: which datasets, in which formats, under which address, by whom.

Belongs here: choosing the datasets that a reader may know of, and what every description of them needs. Does not belong here: one
format of description (`catalogue_dcat`, `catalogue_package`, `catalogue_odcs`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from civicops.contracts import Contract
from civicops.contracts.yaml_lines import read_yaml
from civicops.errors import CivicopsError
from civicops.release.described import access_of, package
from civicops.release.store import ReleaseStore
from civicops.release.values import Release
from civicops.settings import Settings
from civicops.workspace import Product

EXPORTED_ROWS = 200_000
"""Above so many rows a static site holds only Parquet: a million requests are 400 MB as CSV and 40 MB as Parquet."""


class CatalogueError(CivicopsError):
    """The catalogue cannot be described: something that the format asks for is not known."""


@dataclass(frozen=True)
class Item:
    """One dataset that is told of: its contract and its current release."""

    product: Product
    contract: Contract
    release: Release
    access: str

    @property
    def id(self) -> str:
        """`product.dataset`."""
        return self.contract.id

    @property
    def path(self) -> str:
        """Where its page stands, below the address of the portal or site."""
        return f"catalogue/{self.contract.product}/{self.contract.dataset}/"

    @property
    def folder(self) -> str:
        """Where the files of its current release stand."""
        return f"{self.path}{self.release.version}/"

    @cached_property
    def package(self) -> dict[str, Any]:
        """The description that lies beside the release."""
        return package(self.release)

    @property
    def resource(self) -> dict[str, Any]:
        """What it says of the file: `rowcount`, `bytes`, `hash`, `schema`."""
        return dict(self.package["resources"][0])

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The words of the contract's `tags`."""
        found = read_yaml(self.contract.path).data.get("tags")
        return tuple(str(tag) for tag in found) if isinstance(found, list) else ()


@dataclass(frozen=True)
class Teller:
    """Who tells of the datasets, and where they stand.

    `address` is that of a portal or static site and ends in `/`. `answers` says whether it is a portal, which answers
    questions and makes text formats of any size.
    """

    organisation: str
    contact: str
    address: str
    answers: bool = False

    @classmethod
    def of(cls, settings: Settings, address: str = "", *, answers: bool = False) -> Teller:
        """The teller that the settings name.

        Raises `CatalogueError` where the organisation, an address of mail or the address of the pages is missing.
        """
        here = address or settings.portal.address
        missing = {
            "the organisation's name": ("organisation", settings.workspace.organisation),
            "an address of mail that somebody reads": ("contact", settings.workspace.contact),
        }
        for what, (key, value) in missing.items():
            if not value:
                raise CatalogueError(
                    f"A catalogue needs {what}.", hint=f"Set {key} under [workspace] in civicops.toml."
                )
        parts = urlsplit(here)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            said = f"'{here}' is no such address" if here else "none is given"
            raise CatalogueError(
                f"A catalogue needs the address under which the pages stand: {said}.",
                hint="Give it as --base-url https://data.example.org, or set address under [portal] in civicops.toml.",
            )
        return cls(settings.workspace.organisation, settings.workspace.contact, here.rstrip("/") + "/", answers)


def items(products: Iterable[Product], store: ReleaseStore, *, everything: bool = False) -> tuple[Item, ...]:
    """Every dataset with a current release that anybody may read, by contract and by release; with `everything` also the
    restricted ones, whose descriptions are for those who may know of them. Internal ones are never told of."""
    wanted = ("public", "restricted") if everything else ("public",)
    found = []
    for product in products:
        current = store.snapshot(product.name)
        for contract in product.published:
            release = current.get(contract.dataset)
            if release is not None and (access := access_of(contract, release)) in wanted:
                found.append(Item(product, contract, release, access))
    return tuple(sorted(found, key=lambda item: item.id))


def offered(contract: Contract, rows: int | None, *, as_files: bool = False) -> tuple[str, ...]:
    """The endings that a dataset can be had with: GeoJSON only where it has points; as files of a static site, text formats
    only of tables that stay small as text."""
    if as_files and (rows or 0) > EXPORTED_ROWS:
        return ("parquet",)
    return ("parquet", "csv", "geojson") if contract.point else ("parquet", "csv")
