"""What ends up in the audit log when runs, releases, incidents and accounts happen; and the page about proving it.

Belongs here: events of the whole program, from the command line. Does not belong here: the log itself (tests/unit/audit).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from civicops.audit import Log, open_log
from civicops.audit.verify import verify
from civicops.observe.incidents import acknowledge, resolve
from civicops.observe.tables import open_database
from civicops.observe.watch import tick
from civicops.orchestrate.auditing import reconcile
from civicops.release.rollback import rollback
from tests.flow.conftest import Library, make_library, many_loans
from tests.flow.portal_kit import PROGRAM
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT


def civicops(folder: Path, *words: str, code: int = 0, **env: str) -> Any:
    """The answer of a command as JSON."""
    done = subprocess.run(
        [*PROGRAM, *words, "--json"], cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    assert done.returncode == code, done.stderr or done.stdout
    return json.loads(done.stdout) if done.stdout else None


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        library = make_library(tmp_path_factory.mktemp("audit"))
        library.deliver(many_loans(1, 50))
        library.run()
        library.deliver(many_loans(1, 60))
        library.run()
        yield library


def log_of(library: Library) -> Log:
    return open_log(library.workspace)


def test_the_page_about_proving_a_decision_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for step in steps((ROOT / "docs" / "howto" / "prove-a-decision.md").read_text(encoding="utf-8")):
        perform(step, tmp_path)


def test_runs_leave_their_switches_and_the_contracts_they_used(library: Library) -> None:
    switches = log_of(library).find(kind="release.switch", subject="library")
    history = library.releases.history("library")
    assert [one.content["sequence"] for one in switches][::-1] == [switch.sequence for switch in history]
    for entry, switch in zip(switches[::-1], history, strict=True):
        assert entry.happened_at == switch.at and entry.content["run_id"] == switch.run_id
        for dataset, change in entry.content["datasets"].items():
            release = library.releases.find("library", dataset, change["after"])
            assert hashlib.sha256(release.data.read_bytes()).hexdigest() in entry.content["sha256"][dataset]
    contracts = library.workspace.product("library").contracts
    changes = log_of(library).find(kind="contract.change", subject="library")
    assert {one.subject for one in changes} == {contract.id for contract in contracts}
    assert len(changes) == len(contracts), "the second run used the same"


def test_a_contract_that_changed_is_said_once(library: Library) -> None:
    contract = library.workspace.product("library").contracts[0]
    text = contract.path.read_text()
    before = hashlib.sha256(text.encode()).hexdigest()
    contract.path.write_text(text + "\n# looked at\n")
    for _ in range(2):
        library.run()
    newest, first = log_of(library).find(kind="contract.change", subject=contract.id)
    assert newest.content["before"] == before == first.content["sha256"]
    assert newest.content["sha256"] == hashlib.sha256(contract.path.read_bytes()).hexdigest()


def test_a_rollback_whose_process_died_is_logged_by_the_next_verify(library: Library) -> None:
    versions = [release.version for release in library.releases.versions("library", "branch_loans")]
    civicops(
        library.root,
        "release",
        "rollback",
        "library.branch_loans",
        "--to",
        versions[0],
        "--reason",
        "doubled",
        CIVICOPS_USER="grace-example",
    )
    (entry,) = log_of(library).find(kind="release.rollback", subject="library")
    assert log_of(library).names_of([entry]) == {entry.actor: "grace-example"}
    assert log_of(library).personal_of([entry])[entry.index] == {"reason": "doubled"}
    # The same without what comes after the switch: what a killed process leaves.
    rollback(library.releases, "library", "branch_loans", versions[-1], reason="no, it was right")
    answer = civicops(library.root, "audit", "verify")
    assert answer["is_good"] and len(answer["logged_now"]) == 1
    newest = log_of(library).find(kind="release.rollback", limit=1)[0]
    assert newest.happened_at is not None and newest.happened_at < newest.at
    assert civicops(library.root, "audit", "verify")["logged_now"] == []
    assert reconcile(library.workspace) == ()


def test_quarantined_rows_that_are_let_in_are_events(library: Library) -> None:
    civicops(library.root, "quarantine", "release", "library")
    done, asked = log_of(library).find(kind="quarantine.release", subject="library")
    assert asked.content["step"] == "asked" and done.content["step"] == "done" and done.content["run_id"]


def test_what_people_do_to_incidents_is_logged_and_what_monitors_do_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    library = make_library(tmp_path)
    (library.root / "loans.csv").unlink(missing_ok=True)
    civicops(library.root, "run", "library", code=1)
    tick(library.workspace)
    (number,) = [one["id"] for one in civicops(library.root, "incidents", "list")]
    civicops(library.root, "incidents", "ack", str(number), "--note", "Grace looks", CIVICOPS_USER="grace-example")
    database = open_database(library.workspace)
    # The process dies right after the transaction; the next event brings it along.
    resolve(database, number, "stefan-example", "the file is back", datetime.now(UTC))
    with pytest.raises(Exception, match="resolved"):
        acknowledge(database, number, "stefan-example", "", datetime.now(UTC))
    window = civicops(library.root, "maintenance", "start", "library", "--hours", "1", "--reason", "moving desks")
    civicops(library.root, "maintenance", "end", str(window["id"]))
    log = log_of(library)
    found = log.find(kind="incident.action")[::-1]
    assert [(one.subject, one.content["action"]) for one in found] == [
        (f"incident/{number}", "acknowledged"),
        (f"incident/{number}", "resolved"),
        (f"maintenance/{window['id']}", "announced"),
        (f"maintenance/{window['id']}", "ended"),
    ]
    personal = log.personal_of(found)
    assert personal[found[0].index] == {"note": "Grace looks"}
    assert personal[found[1].index] == {"note": "the file is back"}
    assert verify(log).is_good


def test_commands_name_what_is_wrong(library: Library, tmp_path: Path) -> None:
    def told(*words: str) -> str:
        done = subprocess.run(
            [*PROGRAM, "audit", *words], cwd=library.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stdout
        return done.stderr

    assert "no kind of event 'decison'" in told("list", "--kind", "decison")
    assert "no moment" in told("list", "--since", "yesterday")
    assert "There is no entry 9999" in told("show", "9999") and "no entry 9999" in told("prove", "9999")
    assert "never had" in told("consistency", "9999")
    assert "cannot be read" in told("verify", "--checkpoint", "nowhere")
    (tmp_path / "kept").write_text("nonsense")
    assert "not a signed checkpoint" in told("verify", "--checkpoint", str(tmp_path / "kept"))
    assert "not a verifier key" in told("verify", "--key", "nonsense")
    assert "Say which key" in told("verify", "--folder", ".")
    assert "Nothing personal" in told("erase", "nobody-example", "--reason", "r")


def test_verify_answers_in_json_with_the_first_bad_entry(library: Library) -> None:
    log = log_of(library)
    size = log.checkpoint().size
    path = log.folder / f"tile/entries/000.p/{size}"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"contract.change", b"contract.chance", 1))
    try:
        answer = civicops(library.root, "audit", "verify", code=1)
        first = log.find(kind="contract.change", limit=1000)[-1].index
        assert answer["first_bad"] == first and not answer["is_good"]
    finally:
        path.write_bytes(data)
    assert civicops(library.root, "audit", "verify")["is_good"]
    assert civicops(library.root, "audit", "consistency", "1")["new"] == size
    assert civicops(library.root, "audit", "checkpoint")["size"] == size
    assert civicops(library.root, "audit", "key")["key"] == str(log.verifier_key)
