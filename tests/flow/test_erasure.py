"""A person's record deleted or masked everywhere, proved, and not coming back.

Belongs here: whole requests on three products that read each other, killed and repeated. Does not belong here: editing bytes
(`tests/unit/ingest/test_redact`), the search (`tests/unit/govern/test_searching`).
"""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from civicops.audit import Event, open_log
from civicops.audit.verify import verify
from civicops.govern.erasure import ErasureError, decide, find
from civicops.govern.searching import search
from civicops.ingest.landing import Landing
from civicops.ingest.redact import redactions
from civicops.lineage import LineageError
from civicops.observe import tables as observed
from civicops.observe.tables import open_database
from civicops.orchestrate.erasing import carry_out, places, propose
from civicops.orchestrate.running import run_product
from civicops.release.rollback import RollbackError, rollback
from civicops.release.store import NoReleaseError
from civicops.release.withdrawn import withdrawn
from civicops.review import tables as review
from civicops.review.tables import open_tables
from tests.flow.orchard import PRODUCTS, ROWS, Orchard, planted_once
from tests.pg import postgres_cluster

KEY, PERSON = "T0123", "Robin Made-Up 123"


@pytest.fixture
def orchard(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Orchard:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return planted_once(tmp_path_factory).copy(tmp_path / "orchard")


def texts(orchard: Orchard) -> list[str]:
    return [str(found) for found in search(orchard.workspace, [KEY, PERSON])]


def agreed(orchard: Orchard, action: str = "delete") -> str:
    made = propose(orchard.workspace, "trees.trees", KEY, action, reason="asked by mail", by="ben-example")  # type: ignore[arg-type]
    decide(orchard.workspace, made, by="ada-example", agrees=True)
    return made.id


def counted(orchard: Orchard, dataset: str, query: str = "count(*)") -> int:
    release = orchard.store.find(*dataset.split("."))
    with duckdb.connect() as con:
        row = con.execute(f"SELECT {query} FROM '{release.data}'").fetchone()
    assert row is not None
    return int(row[0])


def test_a_deleted_record_is_nowhere_and_stays_gone(orchard: Orchard) -> None:
    store, before = orchard.store, texts(orchard)
    assert any("landing" in place for place in before) and any("releases" in place for place in before)
    first = store.find("trees", "trees").version
    district = (
        counted(orchard, "shade.shade", "sum(tree_count)") if "tree_count" in _columns(orchard, "shade.shade") else None
    )
    request = find(orchard.workspace, agreed(orchard))
    kinds = {place.what for place in places(orchard.workspace, request)}
    assert {"landed object", "accepted rows", "release"} <= kinds
    done = carry_out(orchard.workspace, request)
    assert done.state == "done" and done.key == {} and done.needles == () and done.proof["left"] == []
    assert texts(orchard) == [] and PERSON not in (orchard.root / "var" / "erasures" / f"{done.id}.json").read_text()
    assert counted(orchard, "trees.trees", f"count(*) FILTER (tree_id = '{KEY}')") == 0
    if district is not None:
        assert counted(orchard, "shade.shade", "sum(tree_count)") == district - 1, (
            "a count differs by the one that is gone"
        )
    (note, *_) = withdrawn(store, "trees", "trees")
    assert (note.version, note.request, note.rows) == (first, done.id, 1)
    with pytest.raises(NoReleaseError):
        store.find("trees", "trees", first)
    with pytest.raises(RollbackError, match=f"was withdrawn on .* for request {done.id}"):
        rollback(store, "trees", dataset="trees", to=first)
    # Its source serves it again, as it was and in a new file: it stays gone.
    run_product(orchard.workspace, "trees", full=True)
    file = orchard.root / "downloads" / "inspections.csv"
    file.write_text(file.read_text() + "T9999,north,good,7,Kim Made-Up\n")
    run_product(orchard.workspace, "trees", full=True)
    assert counted(orchard, "trees.trees", "count(*) FILTER (tree_id = 'T9999')") == 1
    assert counted(orchard, "trees.trees", f"count(*) FILTER (tree_id = '{KEY}')") == 0
    assert texts(orchard) == []
    agreed_to, entry = sorted(
        (
            entry
            for entry in open_log(orchard.workspace).find(kind="erasure")
            if entry.content.get("request") == done.id
        ),
        key=lambda entry: entry.index,
    )
    assert agreed_to.content["state"] == "approved"
    assert entry.content["left"] == 0 and KEY not in str(entry.content)


def _columns(orchard: Orchard, dataset: str) -> list[str]:
    package = orchard.store.find(*dataset.split(".")).package()
    return [field["name"] for field in package["resources"][0]["schema"]["fields"]]


def test_a_masked_record_keeps_its_counts(orchard: Orchard) -> None:
    rows = counted(orchard, "trees.trees")
    same = {name: orchard.store.find(*name.split(".")).data.read_bytes() for name in ("shade.shade", "parks.parks")}
    done = carry_out(orchard.workspace, find(orchard.workspace, agreed(orchard, "mask")))
    assert done.state == "done"
    assert [str(found) for found in search(orchard.workspace, [PERSON])] == []
    assert counted(orchard, "trees.trees") == rows
    assert counted(orchard, "trees.trees", f"count(*) FILTER (tree_id = '{KEY}')") == 1, "the tree is still a tree"
    for name, content in same.items():
        assert orchard.store.find(*name.split(".")).data.read_bytes() == content, "measures are those from before"
    landing = Landing(orchard.root / "var" / "landing")
    (line,) = redactions(landing, "trees", "inspections")
    assert line.emptied == ("inspector_name",) and line.records == 1
    assert list(landing.verify("trees", "inspections")) == []
    run_product(orchard.workspace, "trees", full=True)
    assert [str(found) for found in search(orchard.workspace, [PERSON])] == []


def test_who_may_agree_and_what_is_refused(orchard: Orchard) -> None:
    workspace = orchard.workspace
    with pytest.raises(LineageError):
        propose(workspace, "trees.trees", "T-nowhere", "delete", reason="asked by mail", by="ben-example")
    with pytest.raises(ErasureError, match="says who asked and why"):
        propose(workspace, "trees.trees", KEY, "delete", reason="", by="ben-example")
    made = propose(workspace, "trees.trees", KEY, "delete", reason="asked by mail", by="ada-example")
    with pytest.raises(ErasureError, match="cannot agree to it"):
        decide(workspace, made, by="ada-example", agrees=True)
    with pytest.raises(ErasureError, match="does not answer for"):
        decide(workspace, made, by="cleo-example", agrees=True)
    with pytest.raises(ErasureError, match="nobody has agreed"):
        carry_out(workspace, made)
    other = propose(workspace, "trees.trees", KEY, "delete", reason="asked by mail", by="ben-example")
    assert decide(workspace, other, by="ada-example", agrees=False).state == "refused"
    assert (
        texts(orchard) != []
        and oct((orchard.root / "var" / "erasures" / f"{made.id}.json").stat().st_mode)[-3:] == "600"
    )


def test_a_record_that_was_held_back_goes_too(orchard: Orchard) -> None:
    held = "T0097"  # its height cannot be
    request = propose(orchard.workspace, "trees.inspections", held, "delete", reason="asked by mail", by="ben-example")
    decide(orchard.workspace, request, by="ada-example", agrees=True)
    kinds = {place.what for place in places(orchard.workspace, request)}
    if "quarantine" not in kinds:
        pytest.fail(f"{held} is not held back in this orchard: {kinds}")
    assert carry_out(orchard.workspace, find(orchard.workspace, request.id)).state == "done"
    assert list(search(orchard.workspace, [held, "Robin Made-Up 97"])) == []


CARRY = """
import os, signal, sys
from pathlib import Path
from civicops.workspace import Workspace
from civicops.govern.erasure import find
from civicops.orchestrate import erasing
at = int(sys.argv[3])
steps = []
for name in ("redact", "_forget_made", "run_product", "_withdraw", "search"):
    whole = getattr(erasing, name)
    def stopping(*given, _whole=whole, **named):
        steps.append(1)
        if len(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return _whole(*given, **named)
    setattr(erasing, name, stopping)
workspace = Workspace.find(Path(sys.argv[1]))
erasing.carry_out(workspace, find(workspace, sys.argv[2]))
"""


@pytest.mark.parametrize("at", [2, 4, 6])
def test_killed_at_a_step_it_goes_on(orchard: Orchard, at: int) -> None:
    name = agreed(orchard)
    done = subprocess.run(
        [sys.executable, "-c", CARRY, str(orchard.root), name, str(at)], env=dict(os.environ), check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert find(orchard.workspace, name).state in ("approved", "running")
    assert carry_out(orchard.workspace, find(orchard.workspace, name)).state == "done"
    assert texts(orchard) == []
    assert counted(orchard, "trees.trees") < ROWS
    assert {product for product in PRODUCTS if orchard.store.snapshot(product)} == set(PRODUCTS)


def test_what_is_found_elsewhere_is_said_and_it_is_not_done(orchard: Orchard) -> None:
    name = agreed(orchard)
    stray = orchard.root / "var" / "notes" / "old.txt"
    stray.parent.mkdir()
    stray.write_text(f"called {PERSON} about {KEY}\n")
    with pytest.raises(ErasureError, match=r"still found in 2 places: notes/old\.txt") as failed:
        carry_out(orchard.workspace, find(orchard.workspace, name))
    assert PERSON not in failed.value.message and find(orchard.workspace, name).state == "running"
    stray.unlink()
    assert carry_out(orchard.workspace, find(orchard.workspace, name)).state == "done"


def test_what_was_looked_at_is_not_looked_at_again(orchard: Orchard, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(orchard.workspace, find(orchard.workspace, agreed(orchard)))
    run_product(orchard.workspace, "trees", full=True)
    looked: list[object] = []
    from civicops.govern import erasure

    whole = erasure.redact
    monkeypatch.setattr(
        erasure, "redact", lambda *given, **named: looked.append(named["only"]) or whole(*given, **named)
    )
    run_product(orchard.workspace, "trees")
    assert looked == []
    file = orchard.root / "downloads" / "inspections.csv"
    file.write_text(file.read_text() + "T9999,north,good,7,Kim Made-Up\n")
    run_product(orchard.workspace, "trees")
    # The file has other bytes than those that were edited, so it lands anew; nothing but what is new is looked at.
    assert looked and all(len(only) <= 2 for only in looked)  # type: ignore[arg-type]
    looked.clear()
    run_product(orchard.workspace, "trees")
    assert looked == []
    assert texts(orchard) == []


def test_of_rows_held_back_only_those_of_that_key_are_meant(tmp_path: Path) -> None:
    from civicops.govern.erasure import Target
    from civicops.orchestrate.erasing import _held_where

    rows = [
        ("""{"id": "T012", "note": "x"}""", "[]"), ("""{"id": "T0123", "note": "about T012"}""", "[]"),
        ("""{"no.": " T012 ", "note": null}""", "[]"), ("""{"text": "T012;Kim;"}""", "['row_readable']"),
        ("""{"text": "T0123;Kim;"}""", "['row_readable']"),
    ]  # fmt: skip
    where = _held_where(Target("p", "d", ("T012",), (("id", "no."),), ()))
    with duckdb.connect() as con:
        listed = " UNION ALL ".join(f"SELECT '{raw}' AS _raw, {checks}::VARCHAR[] AS _checks" for raw, checks in rows)
        found = con.execute(f"SELECT _raw FROM ({listed}) WHERE {where}").fetchall()
    assert {row[0] for row in found} == {rows[0][0], rows[2][0], rows[3][0]}


def test_a_record_whose_absence_cannot_be_proved_is_refused(orchard: Orchard, monkeypatch: pytest.MonkeyPatch) -> None:
    from civicops.orchestrate import erasing

    monkeypatch.setattr(erasing, "SHORTEST", 50)
    with pytest.raises(ErasureError, match="could not be proved"):
        propose(orchard.workspace, "trees.trees", KEY, "delete", reason="asked by mail", by="ben-example")


def test_the_operational_database_is_searched_where_it_is_a_server(
    orchard: Orchard, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    with postgres_cluster() as url:
        with psycopg.connect(url, autocommit=True) as con:
            con.execute("CREATE TABLE notes (about TEXT)")
            con.execute("INSERT INTO notes VALUES (%s)", [f"called {PERSON}"])
        monkeypatch.setenv("DATABASE_URL", url)
        assert "database table notes (text 1)" in [str(found) for found in search(orchard.workspace, [PERSON])]


def said(orchard: Orchard) -> None:
    """What people and a monitor wrote about the record, and about another whose key begins alike."""
    at, reviewing, watching = (
        "2026-03-01T08:00:00+00:00",
        open_tables(orchard.workspace),
        open_database(orchard.workspace),
    )
    task = {"kind": "trees.look", "origin": "run", "filed_by": "", "state": "decided", "round": 1, "content_hash": "c" * 64,
            "needed": 1, "left": 0, "is_audit": False, "value": 1.0, "rank": 1.0, "filed_at": at, "opened_at": at,
            "changed_at": at}  # fmt: skip
    version = {"task_id": 1, "round": 1, "content_hash": "c" * 64, "seen_hash": "s" * 64, "at": at, "run_id": "run",
               "content": {"planted_by": PERSON, "tree": KEY, "other": "T01234"}, "shown": [{"name": "Peña", KEY: [PERSON, 7]}]}  # fmt: skip
    decision = {"task_id": 1, "kind": "trees.look", "round": 1, "stage": "first", "outcome": "approved", "who": "ada-example",
                "at": at, "value": {"call": PERSON}, "reason": f"{PERSON} said so", "content_hash": "c" * 64, "seen_hash": "s" * 64}  # fmt: skip
    with reviewing.writing() as con:
        con.execute(
            sa.insert(review.TASK).values(**task, subject=KEY, record=f"trees.trees/{KEY}", title=f"Tree {KEY}")
        )
        con.execute(
            sa.insert(review.TASK).values(**task, subject="T01234", record="trees.trees/T01234", title="Tree T01234")
        )
        con.execute(sa.insert(review.VERSION).values(**version))
        con.execute(sa.insert(review.DECISION).values(**decision))
    incident = {"product": "trees", "cause": "checks:trees", "subject": "trees.trees", "severity": "warning", "state": "open",
                "since": at, "opened_at": at, "changed_at": at}  # fmt: skip
    event = {"incident_id": 1, "at": at, "kind": "note", "who": "ben-example", "content": {}}
    with watching.writing() as con:
        con.execute(sa.insert(observed.INCIDENT).values(**incident, title=f"{KEY} is wrong"))
        con.execute(sa.insert(observed.EVENT).values(**event, text=f"I called {PERSON} about T01234"))
    open_log(orchard.workspace).append(
        Event(
            "task",
            "ben-example",
            "task/1",
            {"choice": "yes"},
            {"reason": f"asked {PERSON}", "other": "nothing"},
            key="note/1",
        )
    )


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_what_people_wrote_about_it_is_overwritten_and_the_rest_stays(
    server: str, orchard: Orchard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_cluster() if server == "postgresql" else nullcontext() as url:
        if url:
            monkeypatch.setenv("DATABASE_URL", url)
        said(orchard)
        # The orchard was planted with another database: who did that is not known to a server.
        before = verify(open_log(orchard.workspace)).problems
        assert url or not before
        name = agreed(orchard)
        assert carry_out(orchard.workspace, find(orchard.workspace, name)).state == "done"
        assert texts(orchard) == []
        mark, database = f"[erased: {name}]", open_tables(orchard.workspace)
        with database.reading() as con:
            tasks = con.execute(sa.select(review.TASK).order_by(review.TASK.c.id)).all()
            version, decision = (
                con.execute(sa.select(review.VERSION)).one(),
                con.execute(sa.select(review.DECISION)).one(),
            )
            note = con.execute(sa.select(observed.EVENT.c.text).where(observed.EVENT.c.kind == "note")).scalar_one()
        assert [(one.subject, one.record, one.title) for one in tasks] == [
            (mark, f"trees.trees/{mark}", f"Tree {mark}"), ("T01234", "trees.trees/T01234", "Tree T01234"),
        ]  # fmt: skip
        assert version.content == {"planted_by": mark, "tree": mark, "other": "T01234"}
        assert version.shown == [{"name": "Peña", mark: [mark, 7]}]
        assert (decision.outcome, decision.value, decision.reason) == ("approved", {"call": mark}, f"{mark} said so")
        assert note == f"I called {mark} about T01234"
        assert verify(open_log(orchard.workspace)).problems == before
        for table in (review.VERSION, review.DECISION):
            with pytest.raises(sa.exc.DBAPIError), database.writing() as con:
                con.execute(sa.update(table).values(round=2))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_amendment_that_fails_changes_nothing(moment: str, orchard: Orchard) -> None:
    said(orchard)
    database = open_tables(orchard.workspace)
    with pytest.raises(RuntimeError), database.amending([review.DECISION]) as con:
        if moment == "after":
            con.execute(sa.update(review.DECISION).values(reason="other"))
        raise RuntimeError
    with database.reading() as con:
        assert con.execute(sa.select(review.DECISION.c.reason)).scalar_one() == f"{PERSON} said so"
    with pytest.raises(sa.exc.DBAPIError), database.writing() as con:
        con.execute(sa.update(review.DECISION).values(reason="other"))


@given(st.text(min_size=1, max_size=12), st.text(alphabet="ab\"\\/'é\n 1-", min_size=1, max_size=12))
def test_a_record_is_looked_at_however_its_key_is_spelt(first: str, second: str) -> None:
    from civicops.govern.erasure import Target
    from civicops.orchestrate.erasing import _needle

    needle = _needle(Target("p", "d", (first, second), (("a",), ("b",)), ()))
    row = {"a": first, "b": second}
    table = io.StringIO()
    csv.writer(table).writerow(row.values())
    for text in (
        json.dumps(row),
        json.dumps(row, ensure_ascii=False),
        json.dumps(row).replace("/", "\\/"),
        table.getvalue(),
    ):
        assert needle in text.encode("utf-8", "surrogatepass")
