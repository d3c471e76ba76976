"""Files of lists between upload and adding: kept for two hours, for the account that sent them.

Belongs here: keeping, finding, forgetting. Does not belong here: what is in them (`importing`), pages (`views.imports`).

A file lies under the hash of a random token that only its page's address holds; the account, product and dataset it was sent for
are kept with it and asked for again, so that a token alone opens nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from civicops.errors import CivicopsError
from civicops.ingest.disk import writing
from civicops.workspace import Workspace

MINUTES = 120
EACH = 5
"""Files that one account may have waiting; the oldest goes for a new one."""
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".json", ".ndjson")
_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
_ABOUT = "about.json"
_FILE = "file"


@dataclass
class Choice:
    """What one column of the file is: a field of the dataset, `ignore`, or nothing yet."""

    field: str = ""
    is_identity: bool = False
    why: str = ""
    """Why it was suggested; empty for what the layout or a person says."""


@dataclass
class Upload:
    """One file that waits, and what was chosen for it so far. `header` and `choices` go together."""

    folder: Path
    account: int
    product: str
    dataset: str
    name: str
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    layout: str = ""
    list_code: str = ""
    choices: list[Choice] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.folder / _FILE / self.name

    @property
    def seen(self) -> str:
        """A name for what was chosen: what a page showed is what is added, or nothing is."""
        chosen = [[one.field, one.is_identity] for one in self.choices]
        return hashlib.sha256(
            json.dumps([self.sheet, self.layout, self.list_code, self.header, chosen]).encode()
        ).hexdigest()[:16]

    def save(self) -> None:
        """Keep what was chosen, whole or not at all."""
        about = {key: value for key, value in asdict(self).items() if key != "folder"}
        part = self.folder / f".{secrets.token_hex(8)}"
        with writing(part):
            part.write_text(json.dumps(about), encoding="utf-8")
            part.replace(self.folder / _ABOUT)

    def forget(self) -> None:
        """Throw the file away."""
        shutil.rmtree(self.folder, ignore_errors=True)


def keep(
    workspace: Workspace, account: int, product: str, dataset: str, name: str, chunks: Iterable[bytes]
) -> tuple[str, Upload]:
    """Write an uploaded file to the disk piece by piece; returns its token. Raises `CivicopsError` when it cannot."""
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise CivicopsError(
            f"A list cannot be {f'a {suffix[:20]} file' if suffix else 'a file without an ending'}.",
            hint="Give a .csv, .xlsx or .json file.",
        )
    sweep(workspace)
    _make_room(workspace, account)
    token = secrets.token_urlsafe(32)
    folder = _root(workspace) / _hashed(token)
    safe = (re.sub(r"[^\w. ()-]+", "_", Path(name).stem).strip(". -") or "list")[:80] + suffix
    upload = Upload(folder, account, product, dataset, safe)
    try:
        with writing(folder):
            folder.mkdir(parents=True, mode=0o700)
            upload.path.parent.mkdir()
            with upload.path.open("wb") as stream:
                for chunk in chunks:
                    stream.write(chunk)
        upload.save()
    except CivicopsError:
        upload.forget()
        raise
    return token, upload


def find(workspace: Workspace, token: str, account: int, product: str, dataset: str) -> Upload | None:
    """The file of a token, for the account that sent it and while it has not expired; else None."""
    if not _TOKEN.fullmatch(token):
        return None
    upload = _read(_root(workspace) / _hashed(token))
    if upload is None or _is_old(upload.folder):
        return None
    mine = (upload.account, upload.product, upload.dataset) == (account, product, dataset)
    return upload if mine else None


def sweep(workspace: Workspace) -> None:
    """Throw away what has expired."""
    for folder in _folders(workspace):
        if _is_old(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _make_room(workspace: Workspace, account: int) -> None:
    mine = [found for folder in _folders(workspace) if (found := _read(folder)) and found.account == account]
    mine.sort(key=lambda upload: upload.path.stat().st_mtime if upload.path.exists() else 0)
    for upload in mine[: max(0, len(mine) - EACH + 1)]:
        upload.forget()


def _folders(workspace: Workspace) -> list[Path]:
    root = _root(workspace)
    return [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []


def _read(folder: Path) -> Upload | None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        choices = [Choice(**one) for one in about.pop("choices")]
        return Upload(folder=folder, choices=choices, **about)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_old(folder: Path) -> bool:
    """Whether its file came too long ago. What is chosen later does not make it younger."""
    try:
        came = min((path.stat().st_mtime for path in (folder / _FILE).iterdir()), default=folder.stat().st_mtime)
    except OSError:
        return False  # it is just being made, or goes just now
    return time.time() - came > MINUTES * 60


def _root(workspace: Workspace) -> Path:
    return workspace.folder("portal") / "uploads"


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
