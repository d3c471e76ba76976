"""Five products switched in one step: all of them or none, whenever the process is killed, and back again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from release_kit import THING_COLUMNS, contract_text, things

from civicops.contracts import Contract, load_contract
from civicops.release import Provenance, ReleaseBusyError, ReleaseConflictError, ReleaseStore, publish, stage
from civicops.release.journal import JOURNAL_FILE, JournalError, pending_switches
from civicops.release.publish import StagedRelease, adopt, discard
from civicops.release.together import publish_together, recover_together, switch_together, writing_all

PRODUCTS = ("ants", "bees", "crows", "ducks", "elks")


class Five:
    """Two stores: the real one with the first state of five products, and a trial's with the second."""

    def __init__(self, root: Path) -> None:
        self.root, self.contracts = root, {product: _contract(root, product) for product in PRODUCTS}

    @property
    def real(self) -> ReleaseStore:
        return ReleaseStore(self.root / "real")

    @property
    def trial(self) -> ReleaseStore:
        return ReleaseStore(self.root / "trial")

    def staged(self, store: ReleaseStore) -> dict[str, list[StagedRelease]]:
        return {p: [adopt(c, self.trial.find(p, "items"), store=store)] for p, c in self.contracts.items()}

    def copy(self, root: Path) -> ReleaseStore:
        shutil.copytree(self.root / "real", root)
        return ReleaseStore(root)


def _contract(root: Path, product: str) -> Contract:
    path = root / "contracts" / product / "items.yaml"
    path.parent.mkdir(parents=True)
    text = contract_text("items", THING_COLUMNS).replace("things.items", f"{product}.items")
    path.write_text(text.replace("dataProduct: things", f"dataProduct: {product}"), encoding="utf-8")
    return load_contract(path)


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Five]:
    made = Five(tmp_path_factory.mktemp("five"))
    with duckdb.connect() as con:
        for store, rows in ((made.real, 20), (made.trial, 30)):
            for contract in made.contracts.values():
                staged = stage(
                    con, contract=contract, select_sql=things(rows), provenance=Provenance("run"), store=store
                )
                publish([staged], store=store)
    yield made


def rows(store: ReleaseStore) -> set[int]:
    """How many rows the current release of each product says it has; one number when they belong together."""
    return {int(store.find(product, "items").package()["resources"][0]["rowcount"]) for product in PRODUCTS}


def state(root: Path) -> dict[str, str]:
    """Every file of a store but locks and the books that only grow."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock") and path.name not in ("history.jsonl", "current.json")
    }


def killed_at(step: int, five: Five, store: ReleaseStore) -> bool:
    """Publish all five in a process of its own that is killed before its `step`-th durable step; whether it got that far."""
    child = os.fork()
    if child == 0:
        try:
            staged = five.staged(store)
            left = step
            rename, fsync = os.rename, os.fsync

            def counted() -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            def renamed(*words: object, **more: object) -> None:
                counted()
                rename(*words, **more)  # type: ignore[arg-type]

            def synced(handle: int) -> None:
                counted()
                fsync(handle)

            os.rename, os.fsync = renamed, synced
            publish_together(staged, store=store, reason="plan x")
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_all_or_none_wherever_it_is_killed(five: Five, tmp_path: Path) -> None:
    seen: list[int] = []
    for step in range(1000):
        store = five.copy(tmp_path / f"store{step}")
        if not killed_at(step, five, store):
            assert rows(store) == {30}
            break
        before = rows(store)
        assert before in ({20}, {30}), f"killed before step {step}: a mix"
        recover_together(store)
        for product in PRODUCTS:
            with store.writing(product):
                pass
        assert rows(store) == before
        assert not (store.root / JOURNAL_FILE).exists()
        for product in PRODUCTS:
            pointer = json.loads((store.root / product / "current.json").read_text(encoding="utf-8"))
            assert pointer["datasets"]["items"] == store.find(product, "items").version
            assert len(store.versions(product, "items")) == (1 if before == {20} else 2)
            assert store.history(product)[-1].after == pointer["datasets"]
        assert not list(store.root.glob("*/*/.staging-*"))
        if before == {20}:
            publish_together(five.staged(store), store=store, reason="plan x")
            assert rows(store) == {30}
        seen.extend(before)
        shutil.rmtree(store.root)
    else:
        pytest.fail("it never ended")
    assert {20, 30} == set(seen), "no kill before the switch, or none after it"


def test_a_reader_sees_the_switch_in_one_moment(five: Five, tmp_path: Path) -> None:
    """Between the journal and the last pointer every product already answers with the new state."""
    store = five.copy(tmp_path / "store")
    seen: list[set[int]] = []

    class Watching(ReleaseStore):
        def put(self, product, switch):  # type: ignore[no-untyped-def]
            seen.append(rows(ReleaseStore(self.root)))
            super().put(product, switch)

    publish_together(five.staged(store), store=Watching(store.root), reason="plan x")
    assert seen == [{30}] * 5


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.sampled_from(PRODUCTS), min_size=1), times=st.integers(1, 3))
def test_there_and_back_gives_the_same_bytes(
    five: Five, tmp_path_factory: pytest.TempPathFactory, chosen: set[str], times: int
) -> None:
    store = five.copy(tmp_path_factory.mktemp("back") / "store")
    data = {p: store.find(p, "items").data.read_bytes() for p in PRODUCTS}
    for _ in range(times):
        staged = {p: items for p, items in five.staged(store).items() if p in chosen}
        done = publish_together(staged, store=store, reason="plan x")
        assert set(done) == chosen
        assert all((store.find(p, "items").data.read_bytes() != data[p]) is (p in chosen) for p in PRODUCTS)
        with writing_all(store, tuple(done)):
            switch_together(store, {p: s.before for p, s in done.items()}, action="rollback", reason="undo plan x")
        assert {p: store.find(p, "items").data.read_bytes() for p in PRODUCTS} == data


def test_the_data_are_shared_not_copied(five: Five, tmp_path: Path) -> None:
    store = five.copy(tmp_path / "store")
    publish_together(five.staged(store), store=store, reason="plan x")
    mine, theirs = store.find("ants", "items").data.stat(), five.trial.find("ants", "items").data.stat()
    assert mine.st_ino == theirs.st_ino and mine.st_nlink >= 2


def test_what_moved_meanwhile_refuses_all_of_them(five: Five, tmp_path: Path) -> None:
    store = five.copy(tmp_path / "store")
    staged = five.staged(store)
    publish_together({"elks": five.staged(store)["elks"]}, store=store, reason="somebody else")
    with pytest.raises(ReleaseConflictError, match=r"elks\.items"):
        publish_together(staged, store=store, reason="plan x")
    discard([item for items in staged.values() for item in items])
    assert [store.find(p, "items").package()["resources"][0]["rowcount"] for p in PRODUCTS] == [20, 20, 20, 20, 30]


def test_one_busy_product_holds_up_all(five: Five, tmp_path: Path) -> None:
    store = five.copy(tmp_path / "store")
    staged = five.staged(store)
    with store.writing("crows"), pytest.raises(ReleaseBusyError):
        publish_together(staged, store=store, reason="plan x")
    assert rows(store) == {20}
    publish_together(staged, store=store, reason="plan x")
    assert rows(store) == {30}


def test_a_journal_that_cannot_be_read_says_so(five: Five, tmp_path: Path) -> None:
    store = five.copy(tmp_path / "store")
    (store.root / JOURNAL_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(JournalError, match=r"\.together\.json cannot be read"):
        pending_switches(store.root)
