"""The audit log in the portal: what accounts do becomes events, auditors see everything, outsiders check the files.

Belongs here: the log by way of the browser's addresses. Does not belong here: who may (test_portal_access) and the log itself
(tests/unit/audit).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from civicops.audit import Log, open_log
from civicops.audit.notes import VerifierKey
from civicops.audit.prove import check
from civicops.audit.tiles import ENTRIES, tile_name, widths
from civicops.audit.verify import verify
from tests.flow.conftest import Library, make_library
from tests.flow.portal_kit import PROGRAM, Server, serving, sign_in
from tests.unit.audit import independent

pytestmark = pytest.mark.xdist_group("portal")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        library = make_library(tmp_path_factory.mktemp("portal-audit"))
        settings = library.root / "civicops.toml"
        settings.write_text(settings.read_text() + "\n[portal]\nsign_ins_per_minute = 60\n")
        with serving(library) as server:
            yield server


def log_of(server: Server) -> Log:
    return open_log(server.library.workspace)


def give(server: Server, name: str, role: str, **more: str) -> httpx.Response:
    client = server.client("admin")
    token = client.get("/people/").text.partition('csrfmiddlewaretoken" value="')[2][:64]
    data = {"csrfmiddlewaretoken": token, "username": name, "role": role, **more}
    return client.post("/people/", data=data, headers={"Referer": server.base}, follow_redirects=True)


def test_every_sign_in_is_an_event_and_no_password_is_kept(portal: Server) -> None:
    log = log_of(portal)
    with httpx.Client(base_url=portal.base, trust_env=False) as client:
        sign_in(client, "vera-viewer", "wrong-but-secret-1")
        sign_in(client, "a-password-in-the-wrong-field", "x")
        assert sign_in(client, "vera-viewer", portal.passwords["vera-viewer"]).status_code == 302
    right, unknown, wrong = log.find(kind="sign_in", limit=3)
    assert right.content == {"outcome": "signed in"} and log.names_of([right]) == {right.actor: "vera-viewer"}
    assert unknown.content == {"account": "unknown", "outcome": "refused"} and not unknown.about
    assert wrong.content == {"account": "known", "outcome": "refused"}
    assert (wrong.actor, log.names_of([wrong])) == ("public", {wrong.about: "vera-viewer"})
    assert log.personal_of([right])[right.index] == {"address": "127.0.0.1"}
    kept = b"".join(path.read_bytes() for path in log.folder.parent.rglob("*") if path.is_file())
    assert b"wrong-but-secret-1" not in kept and b"a-password-in-the-wrong-field" not in kept


def test_every_change_of_a_role_is_an_event(portal: Server) -> None:
    log = log_of(portal)
    before = log.checkpoint().size
    assert "is now a steward and an auditor" in give(portal, "coral-contributor", "steward", auditor="yes").text
    assert "is now a contributor" in give(portal, "coral-contributor", "contributor").text
    give(portal, "coral-contributor", "contributor")
    found = [one for one in log.find(kind="permission") if one.index >= before][::-1]
    assert [(one.content["change"], one.content["after"]) for one in found] == [
        ("role", "steward"), ("auditor", "yes"), ("role", "contributor"), ("auditor", "no"),
    ]  # fmt: skip
    names = log.names_of(found)
    assert {(names[one.actor], names[one.about]) for one in found} == {("ada-admin", "coral-contributor")}
    assert portal.get("/audit/", "admin").status_code == 403, "an admin is no auditor by being one"


def test_an_auditor_sees_everything_and_changes_nothing(portal: Server) -> None:
    log = log_of(portal)
    page = portal.get("/audit/", "auditor")
    assert page.status_code == 200 and "ada-admin" in page.text and "permission" in page.text
    newest = log.find(limit=1)[0]
    shown = portal.get(f"/audit/{newest.index}/", "auditor").text
    assert newest.kind in shown and "Save the proof" in shown
    assert f"{newest.at:%Y-%m-%d %H:%M:%S} UTC" in shown and f"{newest.at:%Y-%m-%d %H:%M:%S}" in page.text
    only = portal.get("/audit/?kind=sign_in&who=vera-viewer", "auditor").text
    assert "vera-viewer" in only and 'href="' in only and "<td>permission</td>" not in only
    assert "cannot be searched for" in portal.get("/audit/?since=yesterday", "auditor").text
    assert "cannot be searched for" in portal.get("/audit/?kind=%3Cscript%3E&before=x", "auditor").text
    assert portal.get("/audit/99999/", "auditor").status_code == 404
    size = log.checkpoint().size
    token = page.text.partition('csrfmiddlewaretoken" value="')[2][:64]
    for path in ("/audit/", f"/audit/{newest.index}/", "/audit/log/checkpoint", "/people/"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            data = {"csrfmiddlewaretoken": token, "username": "vera-viewer", "role": "admin"}
            headers = {"Referer": portal.base, "X-CSRFToken": token}
            answer = portal.client("auditor").request(method, path, data=data, headers=headers)
            assert answer.status_code in (403, 405), (method, path)
    assert log.checkpoint().size == size and verify(log).is_good
    assert "Audit log" not in portal.get("/", "admin").text and "Audit log" in portal.get("/", "auditor").text


def test_a_proof_is_saved_and_checked_elsewhere(portal: Server) -> None:
    key = VerifierKey.parse(portal.get("/audit/log/vkey").text)
    text = portal.get("/audit/0/proof", "auditor").text
    entry, checkpoint = check(text, key)
    assert entry.index == 0 and checkpoint.size <= log_of(portal).checkpoint().size


def test_anybody_copies_the_log_and_verifies_it_with_other_programs(portal: Server, tmp_path: Path) -> None:
    vkey = portal.get("/audit/log/vkey").text.strip()
    head = portal.get("/audit/log/checkpoint")
    assert head.headers["Content-Type"] == "text/plain; charset=utf-8" and head.headers["Cache-Control"] == "no-cache"
    _, size, _ = independent.checkpoint(head.content, vkey)
    names = ["checkpoint"]
    for level, full, rest in widths(size):
        for kind in (level, ENTRIES) if level == 0 else (level,):
            names += [tile_name(kind, number) for number in range(full)]
            names += [tile_name(kind, full, rest)] if rest else []
    for name in names:
        answer = head if name == "checkpoint" else portal.get(f"/audit/log/{name}")
        assert answer.status_code == 200, name
        if name != "checkpoint":
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert "immutable" in answer.headers["Cache-Control"]
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer.content)
    entries = independent.everything(tmp_path, vkey)
    assert len(entries) == size
    for word in (b"vera-viewer", b"ada-admin", b"127.0.0.1"):
        assert word not in b"".join(entries)
    for name in (
        "tile/0/000",
        f"tile/0/000.p/{size + 1}",
        "tile/0/000.p/0",
        "tile/9/000.p/1",
        "tile/entries/001",
        "../keys/audit",
        ".lock",
    ):
        assert portal.get(f"/audit/log/{name}").status_code == 404, name


def test_what_the_portal_did_before_the_log_could_take_it_comes_later(portal: Server) -> None:
    """The log cannot be written for a while: people go on working, and nothing is lost."""
    log = log_of(portal)
    size = log.checkpoint().size
    hidden = log.key_file.with_name("hidden")
    log.key_file.rename(hidden)
    try:
        assert "is now a steward" in give(portal, "vera-viewer", "steward").text
        assert log.checkpoint().size == size
    finally:
        hidden.rename(log.key_file)
    assert "is now a viewer" in give(portal, "vera-viewer", "viewer").text
    later = log.find(kind="permission", limit=2)
    assert [one.content["after"] for one in later] == ["viewer", "steward"]


def test_accounts_made_by_command_are_events_too(portal: Server) -> None:
    library: Library = portal.library
    words = ["portal", "account", "iris-example", "--role", "none", "--auditor", "--json"]
    subprocess.run([*PROGRAM, *words], cwd=library.root, check=True, capture_output=True)
    log = log_of(portal)
    found = log.find(kind="permission", actor="iris-example")[::-1]
    assert [one.content["change"] for one in found] == ["account made", "auditor"]
    assert re.fullmatch(r"p[0-9a-f]{40}", found[0].about)
