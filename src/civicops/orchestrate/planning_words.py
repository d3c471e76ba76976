"""What a plan says of products as a whole: who hands them over, what they will fetch, what is gone, what all of them share.

Belongs here: these sentences and names, from two states. Does not belong here: contracts and rows (`planning`, `effects`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from civicops.change.shared import kept_shorter
from civicops.change.states import FileChange, State
from civicops.ingest.declared import product_sources
from civicops.workspace import Product, Workspace

Products = Mapping[str, Product]


def handed_over(old: Products, new: Products) -> dict[str, str]:
    """Contracts and products that get another owner, and whose they are in the base."""
    found: dict[str, str] = {}
    for name in sorted(set(old) & set(new)):
        was, now = old[name], new[name]
        after = {c.id: c.owner for c in now.contracts} | {name: now.file.owner}
        before = {c.id: c.owner for c in was.contracts} | {name: was.file.owner}
        found |= {one: owner for one, owner in before.items() if after.get(one, owner) != owner}
    return found


def keepers(base: State, head: State, old: Products) -> dict[str, list[str]]:
    """Who must agree that releases and keys are kept for less long: the owners of all that there are, each with the reason."""
    found: dict[str, list[str]] = {}
    for words in kept_shorter(base, head):
        for product in old.values():
            found.setdefault(product.file.owner, []).append(f"owns {product.name}, of which less is kept ({words})")
    return found


def read_no_more(old: Products, new: Products) -> Iterator[str]:
    """Sentences about products that are taken away though others read them."""
    gone = set(old) - set(new)
    for product in new.values():
        for read in product.file.reads:
            owner = read.partition(".")[0]
            if owner in gone:
                yield f"{product.name} reads {read} of {owner}, which is no product any more"


def new_sources(
    old: Products, new: Products, base: Workspace, head: Workspace, files: Iterable[FileChange]
) -> list[str]:
    """What the next run will fetch because of the change; a plan fetches nothing."""
    found = []
    for name in sorted({change.product for change in files if change.kind in ("source", "settings")} & set(new)):
        before = {s.name: s for s in product_sources(base, old[name])} if name in old else {}
        after = {s.name: s for s in product_sources(head, new[name])}
        for source in sorted({*before, *after}):
            if source not in after:
                found.append(
                    f"{name} no longer reads source {source}; what has landed of it stays and no longer counts"
                )
            elif source not in before:
                found.append(f"{name} gets a source {source}, which the next run fetches as a whole")
            elif before[source] != after[source]:
                found.append(f"{name} asks source {source} otherwise; the next run fetches what that gives")
    return found


def shared_words(files: Iterable[FileChange]) -> Iterator[str]:
    """Sentences about what all products share and what that means for this plan."""
    shared = [change for change in files if not change.product]
    yield from (change.path for change in shared if change.kind == "settings")
    if code := [change for change in shared if change.kind == "framework"]:
        yield f"civicops itself changes ({len(code)} files), so every product is run"
