"""Who must look at which file, in the form that code hosts read: CODEOWNERS, made from contracts and product settings.

Belongs here: that text. Does not belong here: who must agree to one plan (`civicops.orchestrate.readers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from civicops.change.accepting import FOLDER as CHANGES
from civicops.change.states import Repository
from civicops.workspace import Product, Workspace

PLACE = Path(".github") / "CODEOWNERS"
SHARED = (".github/", "civicops.toml", "people.yaml", "src/", "requirements/", "pyproject.toml")
"""Where they are: the gates themselves, settings and people, and the code and packages that every dataset depends on."""
_HEAD = """\
# Whose agreement a change needs. Made by `civicops owners --write` from the contracts' owners and each product.yaml; do not edit.
# The last line that matches a file counts; one of the people it names is enough.
"""


def codeowners(workspace: Workspace) -> str:
    """The text of CODEOWNERS for the repository around a workspace; paths are from its top. Raises `StateError`."""
    repository = Repository(workspace)
    products = repository.products
    lines: list[str] = []
    everybody: dict[str, None] = {}
    for product in workspace.products:
        own = _people(product.file.owner, product.file.backup)
        everybody.update(dict.fromkeys(own))
        folder = f"/{(products / product.name).as_posix()}/"
        lines.append(_line(folder, own))
        lines += [_line(folder + path, people) for path, people in _contracts(product) if people != own]
        everybody.update(dict.fromkeys(name for _, people in _contracts(product) for name in people))
    changes = (products.parent / CHANGES).as_posix()
    lines.append(_line(f"/{changes}/", tuple(everybody)))
    # First, as the last line that matches counts: what decides about every product is anybody's of those who answer for one.
    shared = [_line(f"/{path}", tuple(everybody)) for path in SHARED if (repository.top / path).exists()]
    return "\n".join(line for line in (_HEAD, *shared, *lines) if line) + "\n"


def _contracts(product: Product) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Files that belong to whoever owns a dataset: its contract, and the model of a published one."""
    for contract in product.contracts:
        people = _people(contract.owner, product.file.backup)
        yield f"contracts/{contract.dataset}.yaml", people
        if contract.layer == "published":
            yield f"models/{contract.dataset}.sql", people


def _people(*names: str) -> tuple[str, ...]:
    """Names as a code host knows them: a user or a team gets an @, an address stays as it is."""
    known = dict.fromkeys(name.removeprefix("@") for name in names if name and name != "nobody")
    return tuple(name if "@" in name else f"@{name}" for name in known)


def _line(path: str, people: tuple[str, ...]) -> str:
    return f"{path.replace(' ', chr(92) + ' ')} {' '.join(people)}" if people else ""
