"""Looking for undeclared personal data when somebody asks, in what the last run left.

Belongs here: finding the rows of a dataset outside a run. Does not belong here: looking (`civicops.govern.personal_scan`), what
a run does about it (`personal`).
"""

from __future__ import annotations

from civicops.checks.batches import fingerprint_of
from civicops.checks.current import current_rows
from civicops.checks.sql import parquet
from civicops.contracts import Contract
from civicops.govern.personal_scan import Found, scan
from civicops.orchestrate.steps import live_objects
from civicops.orchestrate.trial import trial_run
from civicops.release.store import ReleaseStore
from civicops.workspace import Product, Workspace


def scan_workspace(workspace: Workspace, products: tuple[Product, ...], dataset: str = "") -> tuple[Found, ...]:
    """Everything found in accepted rows and current releases of some products, or of one dataset of one.

    Fetches and changes nothing. Datasets that nothing was accepted into or released of yet are passed over.
    """
    found: list[Found] = []
    for product in products:
        with trial_run(workspace, workspace.folder("landing"), product) as run:
            for contract in product.contracts:
                if dataset not in ("", contract.dataset):
                    continue
                if contract.layer == "published":
                    select = _released(workspace, contract)
                else:
                    keys = [
                        key
                        for source in run.sources
                        if source.dataset == contract.dataset
                        for key in live_objects(run, source)
                    ]
                    fingerprint = fingerprint_of(contract, product.lookup_values(contract))
                    batches = tuple(run.batches.valid(contract.dataset, fingerprint, keys))
                    select = current_rows(run.con, contract, run.batches, batches).select if batches else ""
                if select:
                    found += scan(run.con, contract, select)
    return tuple(found)


def _released(workspace: Workspace, contract: Contract) -> str:
    release = ReleaseStore(workspace.folder("releases")).current(contract.product, contract.dataset)
    return f"SELECT * FROM {parquet([release.data])}" if release else ""
