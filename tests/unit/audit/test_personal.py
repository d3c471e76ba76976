"""What is personal: apart from the log, bound by commitments, erasable; and tables that nobody changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from civicops.audit import AuditError, Event, Log, open_log
from civicops.audit.prove import check, opened, prove
from civicops.audit.verify import verify
from tests.pg import postgres_cluster
from tests.unit.audit import independent
from tests.unit.audit.conftest import event, workspace


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    if request.param == "postgresql":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres"))
    found = open_log(workspace(tmp_path))
    yield found
    if request.param == "postgresql":
        with found.database.writing() as con:
            for table in ("audit_entry", "audit_person", "audit_personal", "audit_outbox"):
                con.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
                con.exec_driver_sql(f"DELETE FROM {table}")
                con.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


def stored(log: Log) -> bytes:
    """Everything that the log's files, and SQLite's with its journal, consist of."""
    folder = log.folder.parent
    return b"".join(
        path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and "keys" not in path.parts
    )


def test_no_name_and_no_note_is_in_the_permanent_part(log: Log) -> None:
    log.append(event(1, "alice-example", personal={"note": "Grace was rude"}, about="bob-example"))
    files = b"".join(path.read_bytes() for path in log.folder.rglob("*") if path.is_file())
    for word in (b"alice", b"bob", b"Grace", b"rude"):
        assert word not in files
    entry = log.entry(0)
    assert log.names_of([entry]) == {entry.actor: "alice-example", entry.about: "bob-example"}
    fields, people = opened(log, entry)
    assert hashlib.sha256(bytes.fromhex(fields[0].salt) + b"Grace was rude").hexdigest() == entry.personal["note"]
    for one in people:
        digest = hashlib.sha256(bytes.fromhex(one.salt) + one.value.encode()).hexdigest()
        assert one.field == f"p{digest[:40]}" and one.field in (entry.actor, entry.about)
    log.append(event(2, "alice-example"), event(3, "civicops"), event(4, "public"))
    assert [one.actor for one in log.find()][::-1] == [entry.actor, entry.actor, "civicops", "public"]


def test_what_is_erased_is_gone_and_every_proof_holds(log: Log) -> None:
    log.append(
        event(1, "alice-example", personal={"note": "called at noon", "phone": "555-0101"}),
        event(2, "bob-example", personal={"note": "kept"}),
        event(3, "bob-example", personal={"submitted_by": "alice-example"}),
        event(4, "bob-example", personal={"note": "warned"}, about="alice-example"),
    )
    before = [prove(log, index).text() for index in range(4)]
    assert b"called at noon" in stored(log) or not log.database.is_sqlite
    done = log.erase(reason="asked for by the person", who="ada-example", person="alice-example")
    assert done.entries == (0, 2, 3) and done.fields == 4
    if log.database.is_sqlite:
        for word in (b"alice-example", b"called at noon", b"555-0101", b"warned"):
            assert word not in stored(log)
    report = verify(log)
    assert report.is_good and report.erased == 4, report.problems
    for index, text in enumerate(before):
        assert check(text, log.verifier_key)[0].index == index
        assert prove(log, index).entry in text.encode() or prove(log, index).index == index
    assert log.personal_of([log.entry(0), log.entry(1)]) == {0: {}, 1: {"note": "kept"}}
    assert log.names_of([log.entry(0)]) == {}
    (erasure,) = log.find(kind="erasure")
    assert erasure.content["entries"] == [0, 2, 3] and erasure.content["pseudonym"] == log.entry(0).actor
    assert log.personal_of([erasure]) == {4: {"reason": "asked for by the person"}}
    # The same person later is somebody new: nothing connects the two.
    log.append(event(5, "alice-example"))
    assert log.entry(5).actor != log.entry(0).actor
    independent.everything(log.folder, str(log.verifier_key))


def test_one_entry_is_erased_alone(log: Log) -> None:
    log.append(event(1, personal={"note": "a"}), event(2, personal={"note": "b"}))
    assert log.erase(reason="wrong person", who="ada-example", index=0).fields == 1
    assert log.personal_of([log.entry(0), log.entry(1)]) == {0: {}, 1: {"note": "b"}}
    assert log.names_of([log.entry(0)]) != {}
    assert verify(log).is_good
    with pytest.raises(AuditError, match="Nothing personal"):
        log.erase(reason="again", who="ada-example", index=0)
    with pytest.raises(AuditError, match="Say why"):
        log.erase(reason=" ", who="ada-example", index=1)
    with pytest.raises(AuditError, match="Nothing personal"):
        log.erase(reason="unknown", who="ada-example", person="nobody-here")


def test_a_personal_value_that_was_changed_or_removed_is_found(log: Log) -> None:
    log.append(event(1, personal={"note": "true"}), event(2, personal={"note": "also"}), event(3, "bob-example"))
    with log.database.writing() as con:
        con.execute(sa.text("DELETE FROM audit_personal WHERE entry_index = 1"))
        con.execute(sa.text("DELETE FROM audit_personal WHERE entry_index = 0"))
        salt = "00" * 32
        con.execute(sa.text("INSERT INTO audit_personal VALUES (0, 'note', :salt, 'forged')"), {"salt": salt})
        con.execute(sa.text("DELETE FROM audit_person WHERE name = 'bob-example'"))
    report = verify(log)
    assert [(one.index, one.what) for one in report.problems] == [(0, "personal"), (1, "personal"), (2, "personal")]
    assert "not what was logged" in report.problems[0].message
    assert "no erasure" in report.problems[1].message and "no erasure" in report.problems[2].message
    assert log.personal_of([log.entry(0)]) == {0: {}}, "what does not fit is not shown as if it did"


def test_an_erasure_that_was_cut_short_is_found_and_can_be_repeated(log: Log) -> None:
    log.append(event(1, "alice-example", personal={"note": "n"}))
    pseudonym = log.entry(0).actor
    log.append(
        Event("erasure", "civicops", f"person/{pseudonym}", {"entries": [0], "fields": 1, "pseudonym": pseudonym})
    )
    assert "erase again" in verify(log).problems[0].message
    log.erase(reason="again", who="civicops", person="alice-example")
    assert verify(log).is_good


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET kind = 'task'",
        "DELETE FROM audit_entry",
        "UPDATE audit_person SET name = 'mallory'",
        "UPDATE audit_personal SET value = 'other'",
        "UPDATE audit_outbox SET event = '{}'",
    ],
)
def test_the_role_of_the_application_changes_nothing(log: Log, statement: str) -> None:
    log.append(event(1, personal={"note": "n"}))
    with log.database.writing() as con:
        log.post(con, event(2))
    with pytest.raises(sa.exc.DBAPIError, match=r"is (append-only|written once)"), log.database.writing() as con:
        con.execute(sa.text(statement))
    log.flush()
    assert verify(log).is_good and log.checkpoint().size == 2


def test_a_killed_append_leaves_no_personal_rows_behind(log: Log) -> None:
    log.append(event(1))
    with log.database.writing() as con:
        con.execute(sa.text("INSERT INTO audit_personal VALUES (1, 'note', :salt, 'of nobody')"), {"salt": "00" * 32})
    log.append(event(2, personal={"note": "mine"}))
    assert log.personal_of([log.entry(1)]) == {1: {"note": "mine"}}
    assert verify(log).is_good
