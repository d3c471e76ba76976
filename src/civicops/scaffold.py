"""The folder of a new product.

Belongs here: the files a product starts with. Does not belong here: an example that has to be removed again; the tutorial in
`docs/tutorial.md` goes from these files to a published dataset in a quarter of an hour.
"""

from __future__ import annotations

import getpass
import json
import os
import re
from pathlib import Path

from civicops.errors import CivicopsError
from civicops.workspace import Workspace

_PRODUCT = """\
title: {title}
summary: Say in one or two sentences what this product is for, to somebody who has never heard of it.
owner: {owner}
backup: ""
stage: pilot
schedule: "0 7 * * *"
timezone: {timezone}
alerts: []
reads: []
privacy: Say what this product does to protect people; "no personal data" is an answer.
"""

_SOURCES = '''\
"""Where the rows of {name} come from.

Belongs here: the list of sources. Does not belong here: what a row means (contracts).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from civicops.ingest.values import Source


def sources(settings: Mapping[str, Any]) -> Sequence[Source]:
    """The sources of this product. `settings` is the table [products.{name}] of civicops.toml.

    Each is a value: FileSource(name=..., dataset=..., path=Path("downloads"), pattern="*.csv"),
    UrlSource(name=..., dataset=..., url=...) or SocrataSource(...), imported from civicops.ingest.values.
    `dataset` is the accepted dataset it feeds: contracts/<dataset>.yaml.
    """
    return []
'''

_README = """\
# {title}

What this product is, for whom, and who to ask: {owner}.

## The files

| path | what it says |
|---|---|
| `product.yaml` | title, owner, schedule |
| `sources.py` | where rows come from |
| `contracts/` | what a row must look like, and what happens when it does not |
| `lookups/` | corrections and vocabularies: data, reviewed like code |
| `models/` | SQL that makes the published tables, with its tests |
| `ethics.yaml` | why data may be public, once they are; `civicops ethics new {name}` begins it |

## Runbook

| what you see | what it means | what to do |
|---|---|---|
| `civicops status {name}` says `failed` | the sentence beside it says why | `civicops diagnose {name}` |
| `civicops incidents list` shows one | a monitor or a run found something | the message names a section of `docs/howto` |
| rows in quarantine | a rule of a contract was broken | `civicops quarantine show {name}.DATASET` |
"""


def make_product(workspace: Workspace, name: str, *, owner: str = "") -> tuple[Path, ...]:
    """Make `products/<name>/`; returns the files made, relative to the workspace.

    Raises `CivicopsError` for a name that is not lower-case words joined by `_`, or a folder that exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise CivicopsError(
            f"'{name}' cannot be a product's name.", hint="Use lower-case words joined by _, such as library_hours."
        )
    folder = workspace.products_folder / name
    if folder.exists():
        raise CivicopsError(f"{folder} exists already.", hint="Choose another name, or remove that folder first.")
    words = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "owner": owner or _user(),
        "timezone": workspace.settings.workspace.timezone,
    }
    files = {
        "product.yaml": _PRODUCT.format(**words | {"owner": json.dumps(words["owner"])}),
        "sources.py": _SOURCES.format(**words),
        "README.md": _README.format(**words),
    }
    for part in ("contracts", "lookups", "models"):
        (folder / part).mkdir(parents=True)
    for path, content in files.items():
        (folder / path).write_text(content, encoding="utf-8")
    made = [*(folder / path for path in files), *(folder / part for part in ("contracts", "lookups", "models"))]
    return tuple(path.relative_to(workspace.root) if path.is_relative_to(workspace.root) else path for path in made)


def _user() -> str:
    try:
        return os.environ.get("CIVICOPS_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "nobody"
