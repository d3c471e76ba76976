"""Who stands under an ethics review that a change brings, and whether they are there.

Belongs here: the reviewers whom a changed review names, as people who must agree, and names that nobody has. Does not belong
here: what a review must say (`civicops.contracts.ethics`), whom else a change needs (`readers.approvals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from civicops.contracts import Contract
from civicops.contracts.model import ReviewNote
from civicops.people import PEOPLE_FILE, read_people
from civicops.workspace import Product, Workspace


def signers(old: Mapping[str, Product], new: Mapping[str, Product]) -> dict[str, list[str]]:
    """Who must agree because a review names them, and the owners of what it opens, each with the reasons.

    A name in a file is written by whoever writes the file; that it is that person's word only they can say.
    """
    found: dict[str, list[str]] = {}
    for contract, review, before in _anew(old, new):
        for name in review.reviewers:
            found.setdefault(name.removeprefix("@"), []).append(f"is named as reviewer of the ethics of {contract.id}")
        if before is None or before.access != contract.access:
            owner = (before or contract).owner
            found.setdefault(owner, []).append(f"owns {contract.id}, which everybody may read with that review")
    return found


def unknown_signers(
    workspace: Workspace, old: Mapping[str, Product], new: Mapping[str, Product], today: date
) -> Iterator[str]:
    """Sentences about reviewers of changed reviews who are not in the group; none where there is no `people.yaml`."""
    people = read_people(workspace)
    if people is None:
        return
    for contract, review, _ in _anew(old, new):
        for name in review.reviewers:
            if people.state(name, today) not in ("active", "leaving"):
                yield f"{contract.id}: {name} is named as reviewer of its ethics and is not in {PEOPLE_FILE}"


def _anew(
    old: Mapping[str, Product], new: Mapping[str, Product]
) -> Iterator[tuple[Contract, ReviewNote, Contract | None]]:
    """Contracts that stand under another review than before, each with that review and what the contract was."""
    before = {contract.id: contract for product in old.values() for contract in product.contracts}
    for product in new.values():
        for contract in product.contracts:
            was = before.get(contract.id)
            if contract.reviewed is not None and contract.reviewed != (was.reviewed if was else None):
                yield contract, contract.reviewed, was
