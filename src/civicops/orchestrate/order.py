"""The order in which products are run: each after those whose releases it reads, and circles that have no order.

Belongs here: that order, and naming a circle. Does not belong here: running anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from civicops.errors import CivicopsError
from civicops.workspace import Product, Workspace


class CircleError(CivicopsError):
    """Products read each other in a circle, so that none of them can be run first."""


def ordered(products: Iterable[Product]) -> list[Product]:
    """Products by name, but each after those it reads. Raises `CircleError`."""
    given = {product.name: product for product in products}
    refuse_circles(given.values())
    sorter = _sorter(given.values())
    sorter.prepare()
    found: list[Product] = []
    ready: list[str] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        ready.remove(name := min(ready))
        found.append(given[name])
        sorter.done(name)
    return found


def circles(products: Iterable[Product]) -> tuple[str, ...]:
    """A sentence that names a circle in which products read each other; none where there is none."""
    given = {product.name: product for product in products}
    try:
        _sorter(given.values()).prepare()
    except CycleError as error:
        # Each is read by the one that follows it, and the last is the first again.
        around: list[str] = error.args[1][1:][::-1]
        start = around.index(min(around))
        steps = [*around[start:], *around[:start]]
        reads = (
            f"{name} reads {next(read for read in given[name].file.reads if read.partition('.')[0] == other)}"
            for name, other in zip(steps, [*steps[1:], steps[0]], strict=True)
        )
        return (
            f"{', '.join(reads)}: in a circle none can be run first; take one of them out of reads in product.yaml",
        )
    return ()


def refuse_circles(products: Iterable[Product]) -> None:
    """Raises `CircleError` that names a circle in which these products read each other."""
    for said in circles(products):
        raise CircleError(f"{said}.", hint="What both need can be a dataset of a third product that reads neither.")


def read_by(workspace: Workspace, name: str) -> list[Product]:
    """A product and all whose releases it reads, directly or not, as far as they are there.

    Raises `ContractFileError` for faults in the files of any of them.
    """
    found: dict[str, Product] = {}
    waiting = [name]
    while waiting:
        if (one := waiting.pop()) not in found and one in workspace.product_names:
            found[one] = workspace.product(one)
            waiting += [read.partition(".")[0] for read in found[one].file.reads]
    return list(found.values())


def _sorter(products: Iterable[Product]) -> TopologicalSorter[str]:
    given = {product.name: product for product in products}
    return TopologicalSorter({
        name: [other for read in product.file.reads if (other := read.partition(".")[0]) in given]
        for name, product in given.items()
    })  # fmt: skip
