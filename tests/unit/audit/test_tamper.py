"""Whatever is done to the files, the first bad entry is named."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.audit import Log
from civicops.audit.events import Entry, decode, moment_text
from civicops.audit.index import DamagedError
from civicops.audit.merkle import leaf_hash
from civicops.audit.tiles import Tiles, unpack
from civicops.audit.verify import Known, Report, read_known, verify, verify_folder
from civicops.audit.writing import add_tiles, replace_checkpoint
from tests.unit.audit.conftest import event, filled

SIZE = 700


@dataclass(frozen=True)
class Original:
    log: Log
    files: dict[str, bytes]
    entries: list[bytes]
    earlier: str
    """The checkpoint when there were 364 entries."""

    def copy(self, folder: Path, files: dict[str, bytes]) -> Log:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return Log(folder, self.log.key_file, self.log.database)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        root = tmp_path_factory.mktemp("original")
        log = filled(root, 364)
        earlier = log.checkpoint().text
        log.append(*(event(number) for number in range(364, SIZE)))
    needed = {"checkpoint", "vkey", "tile/0/002.p/188", "tile/entries/002.p/188", "tile/1/000.p/2"}
    needed |= {f"tile/{kind}/{number:03d}" for kind in ("0", "entries") for number in (0, 1)}
    files = {name: (log.folder / name).read_bytes() for name in needed}
    tiles = Tiles(log.folder, SIZE)
    return Original(log, files, [tiles.entry(index) for index in range(SIZE)], earlier)


def first_difference(name: str, before: bytes, after: bytes | None) -> int | None:
    """The entry that a changed file concerns first, worked out without the verifier; None for the log as a whole."""
    if name == "checkpoint":
        return None
    kind, _, rest = name.removeprefix("tile/").partition("/")
    first = int(rest[:3]) * 256
    if after is None:
        return first
    if kind == "entries":
        try:
            found = unpack(after)
        except ValueError as error:
            found = error.args[1]
        pairs = zip(unpack(before), found, strict=False)
        same = next((at for at, (old, new) in enumerate(pairs) if old != new), min(len(unpack(before)), len(found)))
        return first + same
    span = 1 if kind == "0" else 256
    same = next(
        (at for at in range(0, len(before), 32) if before[at : at + 32] != after[at : at + 32]), len(before) - 32
    )
    return (first + same // 32) * span


@st.composite
def mutations(draw: st.DrawFn, size: int) -> tuple[str, int, int, bytes]:
    kind = draw(st.sampled_from(["flip", "cut", "delete", "insert", "remove", "swap", "zero"]))
    at = draw(st.integers(0, max(0, size - 1)))
    return kind, at, draw(st.integers(0, max(0, size - 1))), draw(st.binary(min_size=1, max_size=40))


def mutate(data: bytes, kind: str, at: int, to: int, extra: bytes) -> bytes | None:
    low, high = sorted((at, to))
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ (1 << to % 8)]) + data[at + 1 :]
    if kind == "cut":
        return data[:at]
    if kind == "delete":
        return None
    if kind == "insert":
        return data[:at] + extra + data[at:]
    if kind == "remove":
        return data[:low] + data[high + 1 :]
    if kind == "swap":
        middle = (low + high) // 2
        return data[:low] + data[middle:high] + data[low:middle] + data[high:]
    return data[:low] + bytes(high - low + 1) + data[high + 1 :]


@settings(max_examples=70, deadline=None)
@given(data=st.data())
def test_any_change_of_any_file_is_found_and_named(original: Original, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(set(original.files) - {"vkey"})))
    before = original.files[name]
    after = mutate(before, *data.draw(mutations(len(before))))
    if after == before:
        return
    files = dict(original.files)
    with tempfile.TemporaryDirectory() as folder:
        if after is None:
            del files[name]
        else:
            files[name] = after
        log = original.copy(Path(folder), files)
        wanted = first_difference(name, before, after)
        for report in (verify(log), verify_folder(log.folder, log.verifier_key)):
            assert not report.is_good
            if wanted is None:
                assert report.problems[0].index is None and report.problems[0].what == "checkpoint"
            else:
                assert report.first_bad == wanted, report.problems


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_an_entry_changed_together_with_its_hash_is_named(original: Original, data: st.DataObject) -> None:
    """Who can write all files but has no key: entry and leaf hash fit each other, and not the signed root."""
    index = data.draw(st.integers(0, SIZE - 1))
    bundle, place = divmod(index, 256)
    entries = original.entries[bundle * 256 : bundle * 256 + 256]
    entries[place] = entries[place].replace(b"accept", b"reject")
    suffix = f"{bundle:03d}" if bundle < 2 else "002.p/188"
    files = dict(original.files)
    files[f"tile/entries/{suffix}"] = b"".join(len(one).to_bytes(2, "big") + one for one in entries)
    files[f"tile/0/{suffix}"] = b"".join(leaf_hash(one) for one in entries)
    with tempfile.TemporaryDirectory() as folder:
        log = original.copy(Path(folder), files)
        assert verify(log).first_bad == index, "the database holds the hash that was logged"
        alone = verify_folder(log.folder, log.verifier_key)
        assert not alone.is_good
        if bundle < 2:  # without a database the files alone say which bundle it is in
            assert alone.first_bad == bundle * 256


def rewritten(original: Original, folder: Path, entries: list[bytes]) -> Log:
    """A log that its owner wrote anew, with every hash and a good signature."""
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder, original.log.key_file, original.log.database)
    (folder / "vkey").write_bytes(original.files["vkey"])
    root, _ = add_tiles(Tiles(folder, 0), entries, [leaf_hash(one) for one in entries])
    replace_checkpoint(folder, original.log.signing_key.checkpoint(len(entries), root).text)
    return log


def stamped(entry: bytes, at: datetime) -> bytes:
    found = decode(0, entry)
    return entry.replace(moment_text(found.at).encode(), moment_text(at).encode())


def judged(original: Original, log: Log) -> tuple[Report, Report]:
    """What the workspace finds, and what an outsider with the kept checkpoint and no database finds."""
    known = [read_known(original.earlier, log.verifier_key)]
    return verify(log, known), verify_folder(log.folder, log.verifier_key, known)


def test_the_owner_cannot_delete_reorder_or_back_date_unnoticed(original: Original, tmp_path: Path) -> None:
    entries = original.entries
    at = [decode(index, entry).at for index, entry in enumerate(entries)]
    cases: dict[str, tuple[list[bytes], int, bool]] = {
        # name: (entries, first bad one, whether a checkpoint over the first 364 shows it)
        "deleted": ([*entries[:100], *entries[101:]], 100, True),
        "deleted later": ([*entries[:500], *entries[501:]], 500, False),
        "swapped": ([*entries[:40], entries[41], entries[40], *entries[42:]], 40, True),
        "added": ([*entries[:300], entries[299], *entries[300:]], 300, True),
        "changed": ([*entries[:5], entries[5].replace(b"accept", b"reject"), *entries[6:]], 5, True),
        "back-dated": ([*entries[:600], stamped(entries[600], at[100]), *entries[601:]], 600, False),
        "cut off": (entries[:200], 200, True),
        "cut off a little": (entries[:699], 699, False),
    }
    for name, (changed, index, seen_outside) in cases.items():
        log = rewritten(original, tmp_path / name.replace(" ", "-"), changed)
        inside, outside = judged(original, log)
        assert inside.first_bad == index, (name, inside.problems[:3])
        assert outside.is_good is not (seen_outside or name == "back-dated"), (name, outside.problems)
        if name == "back-dated":
            assert outside.first_bad == 600 and outside.problems[0].what == "back-dated"
        if name == "cut off":
            assert outside.first_bad == 200 and outside.problems[0].what == "truncated"
        shutil.rmtree(log.folder)


def test_a_kept_checkpoint_and_its_time_show_back_dating(original: Original, tmp_path: Path) -> None:
    at = [decode(index, entry).at for index, entry in enumerate(original.entries)]
    # All after 364 are said to be of the moment of entry 363, in good order, while the checkpoint was seen an hour later.
    changed = [*original.entries[:364], *(stamped(entry, at[363]) for entry in original.entries[364:])]
    log = rewritten(original, tmp_path, changed)
    known = read_known(original.earlier, log.verifier_key, seen_at=at[363] + timedelta(hours=1))
    report = verify_folder(tmp_path, log.verifier_key, [known])
    assert report.first_bad == 364 and report.problems[0].what == "back-dated"
    early = read_known(original.earlier, log.verifier_key, seen_at=at[0] - timedelta(hours=1))
    assert verify_folder(tmp_path, log.verifier_key, [early]).problems[0].what == "post-dated"


def test_nothing_is_added_to_a_log_that_was_cut_off_or_changed(original: Original, tmp_path: Path) -> None:
    short = rewritten(original, tmp_path / "short", original.entries[:500])
    with pytest.raises(DamagedError, match="had 700 entries and has 500"):
        short.append(event(1))
    other = rewritten(original, tmp_path / "other", [*original.entries[:699], original.entries[0]])
    with pytest.raises(DamagedError, match="Entry 699 of the audit log is not the one"):
        other.append(event(1))
    files = {name: data for name, data in original.files.items() if name != "checkpoint"}
    lost = original.copy(tmp_path / "lost", files)
    with pytest.raises(DamagedError, match="lost its checkpoint"):
        lost.prepare("other/log")
    with pytest.raises(DamagedError, match="checkpoint cannot be read"):
        lost.append(event(1))


def test_another_key_is_not_believed(original: Original, tmp_path: Path) -> None:
    from civicops.audit.notes import SigningKey, keep_key

    mine = SigningKey.make(original.log.signing_key.name)
    keep_key(tmp_path / "key", mine)
    log = original.copy(tmp_path / "log", {**original.files, "vkey": f"{mine.verifier}\n".encode()})
    replace_checkpoint(log.folder, mine.checkpoint(SIZE, original.log.checkpoint().root).text)
    kept = original.log.verifier_key
    assert verify(log).problems[0].what == "checkpoint"
    assert verify_folder(log.folder, kept).problems[0].what == "checkpoint"
    forged = replace(log.checkpoint(mine.verifier), size=SIZE)
    assert forged.text.count("\n") == 5


def test_the_database_copy_is_held_against_the_log(tmp_path: Path) -> None:
    log = filled(tmp_path, 30)
    with log.database.writing() as con:
        con.exec_driver_sql("DROP TRIGGER audit_entry_no_update")  # what only an owner of the file can do
        con.execute(sa.text("UPDATE audit_entry SET leaf_hash = :h WHERE entry_index = 12"), {"h": "0" * 64})
    report = verify(log)
    assert report.first_bad == 12 and report.problems[0].what == "database"


def test_a_good_log_is_good(original: Original, tmp_path: Path) -> None:
    log = original.copy(tmp_path, original.files)
    seen = datetime.now(UTC)
    report = verify(log, [read_known(original.earlier, log.verifier_key), Known(log.checkpoint(), seen)])
    assert report.is_good and report.size == SIZE and report.known == 2 and report.first_bad is None
    assert isinstance(decode(0, original.entries[0]), Entry)
