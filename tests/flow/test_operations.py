"""Dangerous operations on real data: proposed, staged, compared, agreed to by somebody else, switched in, undone.

Belongs here: whole operations in a real repository. Does not belong here: the file and its states alone
(`tests/unit/change/test_operations`).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from civicops.audit import open_log
from civicops.change.comparing import unexpected
from civicops.change.grade import compare
from civicops.change.grades import Comparison
from civicops.change.operation_needs import needed
from civicops.change.operations import Operation, OperationError, find, folder_of
from civicops.change.states import FileChange
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.orchestrate.applying import apply_plan
from civicops.orchestrate.completing import cancel, complete, validate
from civicops.orchestrate.continuous import check_change
from civicops.orchestrate.operating import compare_operation, propose, stage
from civicops.orchestrate.planning import make_plan
from civicops.orchestrate.running import run_product
from civicops.orchestrate.undoing import ApplyError, undo
from civicops.orchestrate.unplanned import UnplannedError
from civicops.runs import RunLog
from tests.duck import asked
from tests.flow.killing import in_a_process
from tests.flow.orchard import Orchard, column

pytestmark = pytest.mark.xdist_group("change")

ADA, BEN = "ada-example", "ben-example"
EVERYBODY = (ADA, BEN, "cleo-example")
SOUTH = "district_code = 'south' AND height_m > 40"
WHY = "These trees were counted twice by a contractor."


def some(dataset: str, **bounds: tuple[int, int | None]) -> dict[str, Any]:
    return {"dataset": dataset, **{what: {"least": a, "most": b} for what, (a, b) in bounds.items()}}


DOWNSTREAM = [
    some("trees.districts", changed=(0, 2)),
    some("shade.shade", changed=(0, 2)),
    some("parks.parks", changed=(0, 2)),
    some("parks.counts", changed=(0, 1)),
]


def count(orchard: Orchard, dataset: str, where: str = "TRUE") -> int:
    release = orchard.store.find(*dataset.split("."))
    return int(asked(f"SELECT count(*) FROM read_parquet('{release.data}') WHERE {where}")[0][0])


def deletion(orchard: Orchard, **more: Any) -> Operation:
    expected = [some("trees.trees", removed=(1, 40)) | {"within": SOUTH}, *DOWNSTREAM]
    return propose(
        orchard.workspace, "delete", "trees", by=ADA, reason=WHY, dataset="inspections", condition=SOUTH,
        **{"expected": expected} | more,
    )  # fmt: skip


def staged(orchard: Orchard, operation: Operation) -> Operation:
    one = stage(orchard.workspace, operation, by=ADA)
    one, _, _ = compare_operation(orchard.workspace, one)
    return one


@pytest.fixture(scope="module")
def agreed(planted: Orchard, tmp_path_factory: pytest.TempPathFactory) -> Orchard:
    """An orchard with a deletion that is validated and waits; nobody changes it."""
    orchard = planted.copy(tmp_path_factory.mktemp("agreed") / "orchard")
    validate(orchard.workspace, staged(orchard, deletion(orchard, name="twice")), by=BEN)
    return orchard


def test_rows_leave_for_a_named_reason_after_somebody_else_has_seen_it(orchard: Orchard) -> None:
    before, rows = orchard.bytes_of_releases(), count(orchard, "trees.trees")
    gone = count(orchard, "trees.trees", SOUTH)
    assert 0 < gone < 40
    one = deletion(orchard)
    assert one.others == ("ben-example", "cleo-example") and one.state == "proposed"
    with pytest.raises(OperationError, match="it cannot become validated"):
        validate(orchard.workspace, one, by=BEN)
    with pytest.raises(OperationError, match="it cannot become complete"):
        complete(orchard.workspace, one, by=ADA)
    one = stage(orchard.workspace, one, by=ADA)
    with pytest.raises(OperationError, match="has not been compared"):
        validate(orchard.workspace, one, by=BEN)
    one, compared, page = compare_operation(orchard.workspace, one)
    assert orchard.bytes_of_releases() == before, "nobody has seen anything of it"
    assert unexpected(one, compared) == ()
    effects = {effect.dataset: effect for effect in compared.releases}
    assert (effects["trees.trees"].removed, effects["trees.trees"].added, effects["trees.trees"].changed) == (
        gone,
        0,
        0,
    )
    assert effects["shade.shade"].changed and effects["parks.parks"].changed
    moved = next(item for item in compared.accepted if item.dataset == "trees.inspections")
    assert moved.before is not None and moved.before.accepted - moved.after.accepted == gone
    assert moved.after.ignored == {f"left out by operation {one.id}": gone}
    assert moved.after.rows_in == moved.after.accepted + moved.after.quarantined + gone
    assert {item.column for item in compared.sums} >= {"height_m", "tree_count", "shade_m"}
    text = page.read_text(encoding="utf-8")
    assert (
        "All of it is within what was expected" in text
        and "Made-Up" not in text
        and "Made-Up" not in compared.model_dump_json()
    )

    with pytest.raises(OperationError, match="somebody else must validate it"):
        validate(orchard.workspace, one, by=ADA)
    with pytest.raises(OperationError, match="none of its reviewers"):
        validate(orchard.workspace, one, by="mallory-example")
    done = complete(orchard.workspace, validate(orchard.workspace, one, by=BEN), by=ADA)
    assert set(done.switches) == {"trees", "shade", "parks"} and done.operation.state == "complete"
    assert count(orchard, "trees.trees") == rows - gone and count(orchard, "trees.trees", SOUTH) == 0
    for effect in compared.releases:
        assert (
            orchard.store.find(*effect.dataset.split(".")).package()["resources"][0]["hash"]
            == f"sha256:{effect.data_sha256}"
        )
    after = orchard.bytes_of_releases()
    assert run_product(orchard.workspace, "trees").status == "unchanged"
    # What comes later is left out as well, until the file goes.
    with (orchard.root / "downloads" / "inspections.csv").open("a", encoding="utf-8") as stream:
        stream.write("N1,south,good,45,Robin Made-Up\nN2,north,good,45,Robin Made-Up\n")
    assert run_product(orchard.workspace, "trees").status == "succeeded"
    assert count(orchard, "trees.trees", "tree_id LIKE 'N%'") == 1 and count(orchard, "trees.trees", SOUTH) == 0
    with pytest.raises(ApplyError, match="published or rolled back since"):
        undo(orchard.workspace)
    events = open_log(orchard.workspace).find(kind="operation")
    assert sorted(str(entry.content["state"]) for entry in events) == ["complete", "proposed", "staged", "validated"]
    assert after["parks.parks"] != before["parks.parks"]
    with pytest.raises(OperationError, match="it cannot become staged"):
        stage(orchard.workspace, find(orchard.workspace, one.id), by=ADA)


def test_rolled_back_it_is_as_before_to_the_byte(agreed: Orchard, planted: Orchard, tmp_path: Path) -> None:
    orchard = agreed.copy(tmp_path / "one")
    _repoint(agreed, orchard)
    complete(orchard.workspace, find(orchard.workspace, "twice"), by=ADA)
    assert orchard.bytes_of_releases() != planted.bytes_of_releases()
    undo(orchard.workspace, "twice")
    assert orchard.bytes_of_releases() == planted.bytes_of_releases()
    with pytest.raises(ApplyError, match="undone already"):
        undo(orchard.workspace, "twice")


def _repoint(old: Orchard, new: Orchard) -> None:
    """Nothing in a workspace knows where it lies; a copy is one."""
    assert str(old.root) not in (new.root / "var" / "operations" / "twice" / "stage.json").read_text(encoding="utf-8")


def test_killed_while_it_is_completed_it_is_finished_by_doing_it_again(agreed: Orchard, tmp_path: Path) -> None:
    before, dry = agreed.bytes_of_releases(), agreed.copy(tmp_path / "dry")
    _, seen = in_a_process(lambda: complete(dry.workspace, find(dry.workspace, "twice"), by=ADA))
    promised = dry.bytes_of_releases()
    switch = next(n for n, step in enumerate(seen) if step == "os.rename .together.json")
    left = next(
        n for n, step in enumerate(seen) if step == "os.rename .twice.yaml" or step.startswith("os.rename twice.yaml")
    )
    assert left < switch, "what later runs need is there before the switch"
    for point in (left, left + 1, switch, switch + 1, switch + 9, len(seen) - 2):
        orchard = agreed.copy(tmp_path / f"at{point}")
        killed, _ = in_a_process(
            lambda o=orchard: complete(o.workspace, find(o.workspace, "twice"), by=ADA), stop_at=point
        )  # type: ignore[misc]
        assert killed
        assert (orchard.bytes_of_releases() == before) is (point <= switch)
        one = find(orchard.workspace, "twice")
        if point == switch + 1:
            with pytest.raises(OperationError, match="are switched in already"):
                cancel(orchard.workspace, one, by=BEN, reason="Too late.")
        if point == left + 1:
            cancel(orchard.workspace, one, by=BEN, reason="Not after all.")
            assert not list((orchard.root / "products" / "trees" / "suppressed").glob("[!.]*"))
            continue
        if one.state != "complete":
            assert complete(orchard.workspace, one, by=ADA).operation.state == "complete"
        assert {name for name in promised if orchard.bytes_of_releases()[name] != before[name]} == {
            name for name in promised if promised[name] != before[name]
        }
        undo(orchard.workspace, "twice")
        assert orchard.bytes_of_releases() == before
        shutil.rmtree(orchard.root)


def test_what_was_not_expected_cannot_be_agreed_to(orchard: Orchard) -> None:
    one = staged(orchard, deletion(orchard, expected=[some("trees.trees", removed=(1, 2))]))
    with pytest.raises(
        OperationError, match=r"trees\.districts changes, and nothing was .*23 rows removed, expected 1 to 2"
    ):
        validate(orchard.workspace, one, by=BEN)
    # The file may be mended, but what was compared is not what it says then.
    path = folder_of(orchard.workspace) / f"{one.id}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("most: 2", "most: 999"), encoding="utf-8")
    with pytest.raises(OperationError, match="says something else than when it was compared"):
        validate(orchard.workspace, find(orchard.workspace, one.id), by=BEN)
    report = folder_of(orchard.workspace) / f"{one.id}.comparison.json"
    path.write_text(path.read_text(encoding="utf-8").replace("most: 999", "most: 2"), encoding="utf-8")
    report.write_text(report.read_text(encoding="utf-8").replace('"removed": ', '"removed": 1'), encoding="utf-8")
    with pytest.raises(OperationError, match="is not the comparison that"):
        validate(orchard.workspace, find(orchard.workspace, one.id), by=BEN)
    ended = cancel(orchard.workspace, one, by=BEN, reason="Too many trees.")
    assert ended.state == "cancelled" and not (orchard.root / "var" / "operations" / one.id).exists()
    with pytest.raises(OperationError, match="'cancelled' is the end of it") as refused:
        stage(orchard.workspace, ended, by=ADA)
    assert refused


def test_a_world_that_moved_refuses_it(agreed: Orchard, tmp_path: Path) -> None:
    orchard = agreed.copy(tmp_path / "one")
    with (orchard.root / "downloads" / "inspections.csv").open("a", encoding="utf-8") as stream:
        stream.write("N1,north,good,45,Robin Made-Up\n")
    run_product(orchard.workspace, "trees")
    after = orchard.bytes_of_releases()
    with pytest.raises(OperationError, match="what has landed of trees, the current releases of trees changed since"):
        complete(orchard.workspace, find(orchard.workspace, "twice"), by=ADA)
    assert orchard.bytes_of_releases() == after and not (orchard.root / "products" / "trees" / "suppressed").exists()


def test_a_backfill_reads_again_what_an_ordinary_run_takes_for_known(orchard: Orchard, tmp_path: Path) -> None:
    path = orchard.root / "downloads" / "inspections.csv"
    stat = path.stat()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("T0001,north,fair,1,", "T0001,north,fair,9,"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert run_product(orchard.workspace, "trees").status == "unchanged", "corrected behind our back"
    expected = [some("trees.trees", changed=(1, 1)) | {"within": "tree_id < 'T0002'"}, *DOWNSTREAM]
    with pytest.raises(OperationError, match="did you mean 'inspections'"):
        propose(orchard.workspace, "backfill", "trees", by=ADA, reason=WHY, sources=("inspection",))
    one = propose(
        orchard.workspace,
        "backfill",
        "trees",
        by=ADA,
        reason="Heights were corrected.",
        sources=("inspections",),
        expected=expected,
    )
    landed = sorted(p.name for p in (orchard.root / "var" / "landing").rglob("*.json"))
    one = staged(orchard, one)
    assert sorted(p.name for p in (orchard.root / "var" / "landing").rglob("*.json")) == landed, (
        "read beside the landing zone"
    )
    one = validate(orchard.workspace, one, by=BEN)
    # Killed when the bytes have landed and nothing is switched: the next run makes the same, and so does doing it again.
    dry, other = orchard.copy(tmp_path / "dry"), orchard.copy(tmp_path / "other")
    _, seen = in_a_process(lambda: complete(dry.workspace, one, by=ADA))
    switch = seen.index("os.rename .together.json")
    for place in (orchard, other):
        assert in_a_process(lambda place=place: complete(place.workspace, one, by=ADA), stop_at=switch)[0]  # type: ignore[misc]
        assert count(place, "trees.trees", "tree_id = 'T0001' AND height_m = 9") == 0
    assert run_product(other.workspace, "trees").status == "succeeded"
    complete(orchard.workspace, find(orchard.workspace, one.id), by=ADA)
    assert {place.store.find("trees", "trees").data.read_bytes() for place in (dry, other, orchard)} == {
        orchard.store.find("trees", "trees").data.read_bytes()
    }
    assert count(orchard, "trees.trees", "tree_id = 'T0001' AND height_m = 9") == 1
    assert len(list((orchard.root / "var" / "landing").rglob("*.json"))) == len(landed) + 1
    assert run_product(orchard.workspace, "trees").status == "unchanged"


def test_a_backfill_that_touches_more_than_was_meant_is_not_agreed_to(orchard: Orchard) -> None:
    path = orchard.root / "downloads" / "inspections.csv"
    path.write_text(
        path.read_text(encoding="utf-8")
        .replace("north,fair,1,", "north,fair,9,")
        .replace("south,dead,3,", "south,dead,8,")
    )
    expected = [some("trees.trees", changed=(0, None)) | {"within": "district_code = 'north'"}, *DOWNSTREAM]
    one = propose(
        orchard.workspace, "backfill", "trees", by=ADA, reason=WHY, sources=("inspections",), expected=expected
    )
    one = staged(orchard, one)
    with pytest.raises(OperationError, match="rows differ outside of district_code = 'north'"):
        validate(orchard.workspace, one, by=BEN)


def test_a_replay_checks_everything_that_has_landed_again(orchard: Orchard) -> None:
    """Rows as older code would have left them, with half of them lost, are made anew from the landed bytes."""
    whole = orchard.bytes_of_releases()
    (rows,) = (orchard.root / "var" / "accepted" / "trees" / "inspections").rglob("rows*.parquet")
    spoilt = rows.with_name("x.parquet")
    asked(f"COPY (SELECT * FROM '{rows}' WHERE hash(tree_id) % 2 = 0) TO '{spoilt}' (FORMAT parquet)")
    rows.chmod(0o644)
    spoilt.replace(rows)
    expected = [one["dataset"] for one in DOWNSTREAM]
    one = propose(
        orchard.workspace, "replay", "trees", by=ADA, reason="A release of civicops lost rows.",
        expected=[some(name) for name in ("trees.trees", *expected)],
    )  # fmt: skip
    one = staged(orchard, one)
    complete(orchard.workspace, validate(orchard.workspace, one, by=BEN), by=ADA)
    assert orchard.bytes_of_releases() == whole, "the releases were right all along"
    made = list((orchard.root / "var" / "accepted" / "trees" / "inspections").rglob("rows*.parquet"))
    ((total,),) = asked(f"SELECT count(*) FROM read_parquet({[str(p) for p in made]})")
    record = RunLog(orchard.workspace.folder("runs")).last_success("trees")
    assert record is not None and total == next(d["accepted"] for d in record.datasets if d["layer"] == "accepted")


def graded(was: Contract, orchard: Orchard, dataset: str) -> Comparison:
    return compare(was, orchard.workspace.product(was.product).contract(dataset), today=date(2026, 11, 2))


def rekey(orchard: Orchard) -> None:
    """Trees get a number of the city's own as their key; the old one stays as a column."""
    data = orchard.read("trees.trees")
    first = data["schema"][0]["properties"][0]
    del first["primaryKey"]
    data["schema"][0]["properties"].insert(0, column("city_id", primaryKey=True))
    orchard.write("trees.trees", data, "2.0.0")
    orchard.model(
        "trees/models/trees.sql",
        "SELECT 'C' || substr(tree_id, 2) AS city_id, tree_id, district_code, condition_code, height_m "
        "FROM {{ source('accepted', 'inspections') }}\n",
    )


def mapping(orchard: Orchard, change: Any = None) -> None:
    path = folder_of(orchard.workspace) / "cities.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [[f"T{n:04}", f"C{n:04}"] for n in range(400)]
    if change:
        change(lines)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["old_tree_id", "new_city_id"], *lines])


def test_another_key_needs_a_proof_that_it_tells_the_same_things_apart(orchard: Orchard) -> None:
    before, was = orchard.bytes_of_releases(), orchard.workspace.product("trees").contract("trees")
    rekey(orchard)
    plan = make_plan(orchard.workspace)
    (problem,) = plan.problems
    assert "its key becomes city_id (tree_id before), which needs a reviewed operation" in problem
    assert "civicops operation new rekey trees --dataset trees --becomes 'city_id'" in problem
    with pytest.raises(ApplyError, match="needs a reviewed operation"):
        apply_plan(orchard.workspace, plan, approved=EVERYBODY)

    def spoil(lines: list[list[str]]) -> None:
        lines[1][1] = lines[2][1]  # two old keys become one
        lines[3][0] = "T9999"  # a current row is left out
        lines.append(["T0004", "C7777"])  # named twice

    mapping(orchard, spoil)
    one = propose(
        orchard.workspace, "rekey", "trees", by=ADA, reason="The city numbers its trees.", dataset="trees", becomes="city_id",
        mapping="cities.csv", expected=[some("trees.trees")],
    )  # fmt: skip
    one = staged(orchard, one)
    with pytest.raises(OperationError) as refused:
        validate(orchard.workspace, one, by=BEN)
    for words in (
        "names old key T0004 more than once", "T0001 and T0002 both become C0002", "1 current rows have a key that the mapping lacks, such as T0003",
        "1 rows of the new release have a key that the mapping lacks, such as C0001",
    ):  # fmt: skip
        assert words in refused.value.message, refused.value.message
    mapping(orchard)
    one, compared, _ = compare_operation(orchard.workspace, one)
    (effect,) = [item for item in compared.releases if item.dataset == "trees.trees"]
    assert (effect.added, effect.removed, effect.changed) == (0, 0, 0) and not effect.is_same
    one = validate(orchard.workspace, one, by=BEN)
    assert needed(orchard.workspace, (graded(was, orchard, "trees"),), ()) == (), (
        "agreed to, it may also be applied as a plan"
    )
    done = complete(orchard.workspace, one, by=ADA)
    assert set(done.switches) == {"trees"}
    assert orchard.store.find("trees", "trees").package()["resources"][0]["schema"]["primaryKey"] == ["city_id"]
    undo(orchard.workspace)
    assert orchard.bytes_of_releases() == before


def test_another_retention_needs_a_reviewed_operation(orchard: Orchard) -> None:
    was = orchard.workspace.product("trees").contract("trees")
    data = orchard.read("trees.trees")
    data["slaProperties"] = [{"property": "retention", "value": 2, "unit": "years"}]
    orchard.write("trees.trees", data, "2.0.0")
    (problem,) = needed(orchard.workspace, (graded(was, orchard, "trees"),), ())
    assert "--dataset trees --becomes '2 years'" in problem
    one = propose(
        orchard.workspace, "retention", "trees", by=ADA, reason="Old trees are nobody's business.", dataset="trees",
        becomes="3 years", expected=[],
    )  # fmt: skip
    one = staged(orchard, one)
    with pytest.raises(OperationError, match=r"the contract keeps trees\.trees for 2 years, not 3 years"):
        validate(orchard.workspace, one, by=BEN)


def test_another_column_by_which_rows_are_old_needs_one_too(orchard: Orchard) -> None:
    """It is the same deletion: without it nothing went, with it all that is old does."""
    data, kept = orchard.read("trees.inspections"), {"property": "retention", "value": 5, "unit": "years"}
    seen = column("seen_on", "date", customProperties=[{"property": "formats", "value": ["%Y-%m-%d"]}])
    data["schema"][0]["properties"].append(seen)
    data["slaProperties"] = [kept]
    orchard.write("trees.inspections", data, "2.0.0")
    was = orchard.workspace.product("trees").contract("inspections")
    data["slaProperties"] = [kept | {"element": "inspections.seen_on"}]
    orchard.write("trees.inspections", data, "3.0.0")
    (problem,) = needed(orchard.workspace, (graded(was, orchard, "inspections"),), ())
    assert "its retention column becomes seen_on (none before), which needs a reviewed operation" in problem
    assert "civicops operation new retention trees --dataset inspections --becomes '5 years'" in problem


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("retention", {"becomes": "soon"}, "becomes: .*soon"),
        ("rekey", {"becomes": "tree_id, nosuch", "mapping": "m.csv"}, "has no column 'nosuch'"),
    ],
)
def test_what_is_misspelt_is_refused_at_once(orchard: Orchard, kind: str, fields: dict[str, str], words: str) -> None:
    with pytest.raises(OperationError, match=words):
        propose(
            orchard.workspace,
            kind,
            "trees",
            by=ADA,
            reason="To see that it is refused.",
            dataset="trees",
            expected=[],
            **fields,
        )
    assert not list(folder_of(orchard.workspace).glob("*.yaml"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, r"There is no mapping .*cities\.csv"),
        (b"old_tree_id,new_city_id\nT0001,Caf\xe9\n", r"cities\.csv:2: is not UTF-8 text"),
        (b"tree,city\nT0001,C0001\n", r"cities\.csv has the columns tree, city"),
        (
            b"old_tree_id,new_district_code\nT0001,C0001\n",
            r"cities\.csv has the columns old_tree_id, new_district_code",
        ),
        (b"old_tree_id,new_city_id\n", r"cities\.csv maps no key"),
        (b"", r"cities\.csv"),
        (b"old_tree_id,new_city_id\nT0001\n,,,,\n", r"cities\.csv"),
    ],
)
def test_a_mapping_is_looked_at_when_it_is_proposed(orchard: Orchard, content: bytes | None, words: str) -> None:
    rekey(orchard)
    path = folder_of(orchard.workspace) / "cities.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    given: dict[str, Any] = {
        "by": ADA, "reason": "The city numbers its trees.", "dataset": "trees", "becomes": "city_id", "mapping": "cities.csv",
        "expected": [some("trees.trees")],
    }  # fmt: skip
    with pytest.raises(CivicopsError, match=words) as refused:
        propose(orchard.workspace, "rekey", "trees", **given)
    assert "old_tree_id, new_city_id" in refused.value.hint
    assert not list(folder_of(orchard.workspace).glob("*.yaml"))
    mapping(orchard)
    one = propose(orchard.workspace, "rekey", "trees", **given)
    path.unlink()
    with pytest.raises(CivicopsError, match="There is no mapping"):
        stage(orchard.workspace, one, by=ADA)


def test_a_key_cannot_be_taken_away_first_and_another_given_later(orchard: Orchard) -> None:
    was, data = orchard.workspace.product("trees").contract("trees"), orchard.read("trees.trees")
    for one in data["schema"][0]["properties"]:
        one.pop("primaryKey", None)
        one.pop("primaryKeyPosition", None)
    orchard.write("trees.trees", data, "2.0.0")
    (problem,) = needed(orchard.workspace, (graded(was, orchard, "trees"),), ())
    assert "its key (tree_id) goes" in problem and "civicops operation new rekey trees --dataset trees" in problem


def test_a_merge_may_only_move_states_lawfully(agreed: Orchard, tmp_path: Path) -> None:
    orchard = agreed.copy(tmp_path / "one")

    def step() -> Any:
        report = check_change(orchard.workspace, fetch=False)
        return next(one for one in report.steps if one.name == "operations")

    orchard.git("checkout", "-qb", "twice")
    orchard.commit("the operation")
    assert (step().status, step().text) == ("passed", "1 operations moved as they may, by people who may.")
    path = folder_of(orchard.workspace) / "twice.yaml"
    text = path.read_text(encoding="utf-8")
    # Somebody who answers for nothing makes himself a reviewer.
    path.write_text(text.replace("ben-example", "mallory-example"), encoding="utf-8")
    failed = step()
    assert failed.status == "failed" and any(
        "mallory-example validated it and answers neither" in line for line in failed.details
    )
    path.write_text(text.replace("state: validated\n  at", "state: complete\n  at"), encoding="utf-8")
    failed = step()
    assert (
        failed.status == "failed" and f"{path}:" in failed.text and "'complete' cannot follow 'staged'" in failed.text
    )
    # Landed, its history cannot be written anew.
    path.write_text(text, encoding="utf-8")
    orchard.git("checkout", "-q", "main")
    orchard.git("merge", "-q", "--no-ff", "-m", "Merge", "twice")
    orchard.git("checkout", "-qb", "later")
    path.write_text(text.replace("by: ben-example", "by: cleo-example"), encoding="utf-8")
    assert "twice.yaml: its history was written anew; states are only added" in step().details
    orchard.git("rm", "-qf", str(path))
    failed = step()
    assert failed.status == "failed"
    assert "twice.yaml is removed: what was done, or asked for, is kept; cancel it instead" in failed.details


def test_rows_left_out_by_hand_need_an_operation(orchard: Orchard) -> None:
    folder = orchard.root / "products" / "trees" / "suppressed"
    folder.mkdir()
    content = {"operation": "mine", "dataset": "inspections", "condition": "height_m > 40", "reason": "I say so."}
    (folder / "mine.yaml").write_text(json.dumps(content), encoding="utf-8")
    files = (FileChange("trees", "suppressed/mine.yaml", "code", "added"),)
    (problem,) = needed(orchard.workspace, (), files)
    assert "trees/suppressed/mine.yaml leaves rows out, which needs a reviewed operation" in problem
    (folder / "mine.yaml").write_text(json.dumps(content | {"condition": "hieght_m > 40"}), encoding="utf-8")
    with pytest.raises(UnplannedError, match=r"suppressed/mine\.yaml"):
        run_product(orchard.workspace, "trees")
    assert any("did you mean 'height_m'" in problem for problem in make_plan(orchard.workspace).problems)
