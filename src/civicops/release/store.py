"""Where releases lie and which ones are current.

    releases/<product>/current.json                      the pointer: one version of every dataset of the product
    releases/<product>/history.jsonl                     every switch of it
    releases/<product>/<dataset>/<version>/data.parquet
    releases/<product>/<dataset>/<version>/datapackage.json
    releases/.together.json                              only while several products are switched together

Belongs here: finding releases, switching the pointer, mending what a crash left. Does not belong here: making a release
(`publish`), choosing one to go back to (`rollback`) or to delete (`prune`).

One file points to all datasets of a product, so that one rename switches all of them: a reader that reads `current.json`
once holds versions that belong together, and there is no moment at which they do not. Readers take no lock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from civicops.durable import sync
from civicops.errors import CivicopsError
from civicops.release.files import explained, remove_folder, replace_json
from civicops.release.history import append_history, read_history, who_acts
from civicops.release.journal import pending_switches, settle_journal
from civicops.release.staging import clean_stale
from civicops.release.values import Release, Switch, SwitchAction, is_name, is_version

CURRENT_FILE = "current.json"
HISTORY_FILE = "history.jsonl"
_LOCK_FILE = ".publish.lock"
_JOURNAL_FILE = ".placing.json"


class NoReleaseError(CivicopsError):
    """There is no such release."""


class ReleaseBusyError(CivicopsError):
    """Another process is changing the releases of the same product."""


class ReleaseStoreError(CivicopsError):
    """The release folder is not as civicops left it."""


class ReleaseStore:
    """The releases of all products under one folder. Holds no state; every answer is read from the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"ReleaseStore({str(self.root)!r})"

    # What is there -----------------------------------------------------------------------------------------------------

    def products(self) -> tuple[str, ...]:
        """Products that have something current, by name."""
        if not self.root.is_dir():
            return ()
        return tuple(
            sorted(path.parent.name for path in self.root.glob(f"*/{CURRENT_FILE}") if is_name(path.parent.name))
        )

    def last_switch(self, product: str) -> Switch | None:
        """The switch that made what is current now, or `None` before the first. Raises `ReleaseStoreError`.

        While several products are switched together, what the journal says counts from the moment it is there: no reader
        sees some of them switched and others not, not even after a crash in between.
        """
        pending = pending_switches(self.root).get(product)
        written = self._written_switch(product)
        if pending is not None and (written is None or written.sequence < pending.sequence):
            return pending
        return written

    def _written_switch(self, product: str) -> Switch | None:
        path = self.product_folder(product) / CURRENT_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return Switch.from_json(content["switch"])
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            hint = f"Put it back from a backup, or from the last line of {HISTORY_FILE} beside it."
            raise ReleaseStoreError(f"{path} cannot be read as a pointer to releases.", hint=hint) from error

    def snapshot(self, product: str) -> dict[str, Release]:
        """The current release of every dataset, all from one read, so that they belong together; empty before the first."""
        switch = self.last_switch(product)
        after = switch.after if switch else {}
        return {dataset: self.release(product, dataset, version) for dataset, version in sorted(after.items())}

    def current(self, product: str, dataset: str) -> Release | None:
        """The current release of one dataset. To read several datasets together use `snapshot`."""
        self.dataset_folder(product, dataset)
        return self.snapshot(product).get(dataset)

    def versions(self, product: str, dataset: str) -> tuple[Release, ...]:
        """Every release on the disk, oldest first. What a killed publisher placed but never switched in is not one."""
        folder = self.dataset_folder(product, dataset)
        if not folder.is_dir():
            return ()
        unfinished = self._unfinished(product)
        return tuple(
            self.release(product, dataset, name)
            for name in sorted(entry.name for entry in folder.iterdir())
            if is_version(name) and (dataset, name) not in unfinished
        )

    def datasets(self, product: str) -> tuple[str, ...]:
        """Datasets that have a release on the disk, by name, current or not."""
        folder = self.product_folder(product)
        if not folder.is_dir():
            return ()
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and is_name(entry.name))
        return tuple(name for name in names if self.versions(product, name))

    def path(self, product: str, dataset: str, version: str | None = None) -> Path:
        """The folder of a version, or of the current one. Raises `NoReleaseError` when there is none."""
        return self.find(product, dataset, version).path

    def find(self, product: str, dataset: str, version: str | None = None) -> Release:
        """One release, the current one by default. Raises `NoReleaseError` when there is none."""
        if version is None:
            current = self.current(product, dataset)
            if current is None:
                hint = f"Run `civicops run {product}` to make the first one."
                raise NoReleaseError(f"There is no current release of {product}.{dataset}.", hint=hint)
            return current
        for release in self.versions(product, dataset):
            if release.version == version:
                return release
        hint = f"`civicops release list {product}.{dataset}` shows those there are."
        raise NoReleaseError(f"There is no release {version} of {product}.{dataset}.", hint=hint)

    def release(self, product: str, dataset: str, version: str) -> Release:
        """The value for a version, whether or not it is on the disk."""
        return Release(product, dataset, version, self.dataset_folder(product, dataset) / version)

    def history(self, product: str) -> tuple[Switch, ...]:
        """Every switch, oldest first, including one whose line a crash kept from being written."""
        known = read_history(self.product_folder(product) / HISTORY_FILE)
        last = self.last_switch(product)
        if last is not None and (not known or known[-1].sequence < last.sequence):
            return (*known, last)
        return known

    def product_folder(self, product: str) -> Path:
        """`<root>/<product>`. Raises `NoReleaseError` for what cannot be a product's name."""
        if not is_name(product):
            raise NoReleaseError(
                f"'{product}' cannot be a product.", hint="Names are lower case: letters, digits and _."
            )
        return self.root / product

    def dataset_folder(self, product: str, dataset: str) -> Path:
        """`<root>/<product>/<dataset>`. Raises `NoReleaseError` for what cannot be a name."""
        if not is_name(dataset):
            raise NoReleaseError(
                f"'{dataset}' cannot be a dataset.", hint="Names are lower case: letters, digits and _."
            )
        return self.product_folder(product) / dataset

    # Changing it -------------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, product: str, *, wait: float = 0.0) -> Iterator[None]:
        """Hold the product's releases against other writers, and first mend what a killed one left.

        `wait`: seconds to wait for another writer. Raises `ReleaseBusyError`, or `ReleaseWriteError` when the folder
        cannot be written to. The lock is the kernel's, so a killed process holds none.
        """
        folder = self.product_folder(product)
        with explained(f"change the releases of {product}", folder):
            folder.mkdir(parents=True, exist_ok=True)
            # Not thread-local: two threads of one process are two writers as much as two processes are.
            lock = FileLock(folder / _LOCK_FILE, thread_local=False)
            try:
                lock.acquire(timeout=wait)
            except Timeout as error:
                message = f"Another run is publishing {product} right now; nothing was changed."
                raise ReleaseBusyError(message, hint="Try again in a moment.") from error
        try:
            with explained(f"change the releases of {product}", folder):
                self._recover(product)
                yield
        finally:
            lock.release()

    def switch(
        self,
        product: str,
        after: Mapping[str, str],
        *,
        action: SwitchAction,
        reason: str = "",
        run_id: str | None = None,
        now: datetime | None = None,
    ) -> Switch:
        """Make `after` (dataset to version, all datasets of the product) current, in one rename. Only inside `writing`.

        Raises `NoReleaseError` when one of the versions is not whole on the disk, `OSError` when the pointer cannot be
        written; either way what was current stays so.
        """
        switch = self.prepared(product, after, action=action, reason=reason, run_id=run_id, now=now)
        self.put(product, switch)
        return switch

    def prepared(
        self,
        product: str,
        after: Mapping[str, str],
        *,
        action: SwitchAction,
        reason: str = "",
        run_id: str | None = None,
        now: datetime | None = None,
    ) -> Switch:
        """The switch that `switch` would make, not made yet. Raises `NoReleaseError` as it does."""
        last = self.last_switch(product)
        for dataset, version in after.items():
            if not self.release(product, dataset, version).is_complete():
                hint = f"`civicops release list {product}.{dataset}` shows those that are."
                raise NoReleaseError(
                    f"Release {version} of {product}.{dataset} is not complete on the disk.", hint=hint
                )
        return Switch(
            sequence=last.sequence + 1 if last else 1,
            action=action,
            at=now or datetime.now(UTC),
            who=who_acts(),
            before=dict(last.after) if last else {},
            after=dict(sorted(after.items())),
            reason=reason,
            run_id=run_id,
        )

    def put(self, product: str, switch: Switch) -> None:
        """Write a prepared switch as the pointer. Only inside `writing`. Raises `OSError`."""
        folder = self.product_folder(product)
        content = {"product": product, "datasets": dict(switch.after), "switch": switch.to_json()}
        replace_json(folder / CURRENT_FILE, content)
        # From here on the switch has happened. Its record is inside the pointer too, so a full disk now loses nothing:
        # the next writer appends the missing line.
        with suppress(OSError):
            append_history(folder / HISTORY_FILE, switch)

    def announce(self, product: str, placing: Mapping[str, str]) -> None:
        """Say which version folders are about to be renamed into place, so that a crash before the switch is undone."""
        replace_json(self.product_folder(product) / _JOURNAL_FILE, {"placing": dict(placing)})

    def settle(self, product: str) -> None:
        """Remove what was announced and did not become current. Only inside `writing`. Raises `OSError`."""
        folder = self.product_folder(product)
        for dataset, version in sorted(self._unfinished(product)):
            remove_folder(self.dataset_folder(product, dataset) / version)
        (folder / _JOURNAL_FILE).unlink(missing_ok=True)
        sync(folder)

    def settle_together(self) -> bool:
        """Remove the journal of a joint switch once every product's own pointer says the same; whether none is left."""
        return settle_journal(self.root, self._written_switch)

    def _unfinished(self, product: str) -> set[tuple[str, str]]:
        path = self.product_folder(product) / _JOURNAL_FILE
        try:
            placing = json.loads(path.read_text(encoding="utf-8"))["placing"]
        except FileNotFoundError:
            return set()
        # Read after the journal: a publisher that ends between the two reads has by then switched its versions in.
        last = self.last_switch(product)
        return set(placing.items()) - (set(last.after.items()) if last else set())

    def _recover(self, product: str) -> None:
        folder = self.product_folder(product)
        last = self.last_switch(product)
        if last is not None:
            if last != self._written_switch(product):
                self.put(product, last)
            append_history(folder / HISTORY_FILE, last)
        settle_journal(self.root, self._written_switch)
        if (folder / _JOURNAL_FILE).exists():
            self.settle(product)
        for leftover in folder.glob(f".{CURRENT_FILE}.*.tmp"):
            leftover.unlink(missing_ok=True)
        for leftover in folder.glob(f".{_JOURNAL_FILE}.*.tmp"):
            leftover.unlink(missing_ok=True)
        clean_stale(folder)
