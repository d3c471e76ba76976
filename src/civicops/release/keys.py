"""The keys that hashes in releases are made with: one per product and period, kept beside the data, never in git or a release.

Belongs here: making, finding, ending and destroying keys. Does not belong here: which columns are hashed (`treatments`).

A key's id is its period (`2026-Q4`), with a number behind it when it was ended early (`2026-Q4.2`). It lies in
`keys/<product>/<id>.key`, readable by the owner alone. Destroyed keys leave `<id>.destroyed`, so that the id is never used again:
without its key a hash can neither be computed nor be compared with hashes of another period.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from civicops.contracts.privacy import Period
from civicops.durable import sync
from civicops.errors import CivicopsError

_ID = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})))?(?:\.(\d+))?")
_BYTES = 32


class HashKeyError(CivicopsError):
    """A key cannot be read, made or destroyed."""


@dataclass(frozen=True)
class HashKey:
    """One key, without its bytes: what it is called, and whether it is there."""

    product: str
    id: str
    ends: date
    """The first day that is no longer of its period."""
    is_destroyed: bool
    path: Path


class HashKeys:
    """All keys under `keys/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self, product: str, period: Period, today: date) -> tuple[str, bytes]:
        """Id and bytes of the key in use on that day; made when there is none. Raises `HashKeyError`."""
        base = period_id(period, today)
        newest = max((key for key in self.all(product) if _base(key.id) == base), key=_number, default=None)
        if newest is None:
            return base, self._make(product, base)
        if newest.is_destroyed:
            following = f"{base}.{_number(newest) + 1}"
            return following, self._make(product, following)
        return newest.id, _read(newest.path)

    def current_id(self, product: str, period: Period, today: date) -> str:
        """The id that `current` would give, without making a key."""
        base = period_id(period, today)
        newest = max((key for key in self.all(product) if _base(key.id) == base), key=_number, default=None)
        if newest is None:
            return base
        return f"{base}.{_number(newest) + 1}" if newest.is_destroyed else newest.id

    def all(self, product: str | None = None) -> Iterator[HashKey]:
        """Every key there is or was, by product and id."""
        folders = [self.folder / product] if product else sorted(self.folder.glob("*"))
        for folder in folders:
            for path in sorted([*folder.glob("*.key"), *folder.glob("*.destroyed")]):
                if _ID.fullmatch(path.stem):
                    yield HashKey(folder.name, path.stem, _ends(path.stem), path.suffix == ".destroyed", path)

    def destroy(self, key: HashKey, now: datetime | None = None) -> None:
        """Overwrite and remove a key; hashes made with it can never be made again. Raises `OSError`."""
        if key.is_destroyed:
            return
        moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        note = key.path.with_suffix(".destroyed")
        note.write_text(f"destroyed {moment}\n", encoding="utf-8")
        sync(note)
        with key.path.open("r+b") as stream:
            stream.write(secrets.token_bytes(2 * _BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        key.path.unlink()
        sync(key.path.parent)

    def tidy(self, product: str, days: int, today: date) -> tuple[HashKey, ...]:
        """Destroy the keys of a product whose period ended at least so many days ago; returns them. Raises `OSError`."""
        over = tuple(
            key for key in self.all(product) if not key.is_destroyed and key.ends + timedelta(days=days) <= today
        )
        for key in over:
            self.destroy(key)
        return over

    def _make(self, product: str, name: str) -> bytes:
        folder = self.folder / product
        folder.mkdir(parents=True, exist_ok=True)
        for one in (self.folder, folder):
            one.chmod(0o700)
        path = folder / f"{name}.key"
        work = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        handle = os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_hex(_BYTES).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(work, path)  # of two that make it at once, one wins and both use it
        except FileExistsError:
            pass
        finally:
            work.unlink()
        sync(folder)
        return _read(path)


def period_id(period: Period, day: date) -> str:
    """What the month, quarter or year of a day is called: `2026-11`, `2026-Q4`, `2026`."""
    match period:
        case "month":
            return f"{day:%Y-%m}"
        case "quarter":
            return f"{day.year}-Q{(day.month + 2) // 3}"
        case _:
            return f"{day.year}"


def _ends(name: str) -> date:
    found = _ID.fullmatch(name)
    assert found is not None  # noqa: S101 - `all` gives no other
    year, quarter, month = int(found[1]), found[2], found[3]
    after = int(quarter) * 3 + 1 if quarter else int(month) + 1 if month else 13
    return date(year + (after > 12), (after - 1) % 12 + 1, 1)


def _base(name: str) -> str:
    return name.partition(".")[0]


def _number(key: HashKey) -> int:
    return int(key.id.partition(".")[2] or 1)


def _read(path: Path) -> bytes:
    hint = "Restore it from a backup, or destroy it with `civicops personal keys --destroy`; then another key is made."
    try:
        mode, raw = path.stat().st_mode, path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise HashKeyError(f"The key {path.stem} cannot be read: {type(error).__name__}.", hint=hint) from error
    if mode & 0o077:
        raise HashKeyError(f"The key {path} can be read by others than its owner.", hint=f"chmod 600 {path}")
    if not re.fullmatch(r"[0-9a-f]{64}", raw):
        raise HashKeyError(f"The key {path.stem} is damaged.", hint=hint)
    return bytes.fromhex(raw)
