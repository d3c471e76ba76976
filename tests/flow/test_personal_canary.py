"""Planted people are where they may be and nowhere else: files, releases, pages, messages, logs.

Belongs here: the list of allowed places, and everything that could leak. Does not belong here: the search itself (`canary`).
"""

from __future__ import annotations

import fnmatch
import re
import stat
import subprocess
from pathlib import Path
from urllib.parse import urljoin

import pytest
from typer.testing import CliRunner

from civicops.cli.app import app
from civicops.errors import CivicopsError
from simulators.mailbox import Mailbox, WebhookSink
from tests.ethics import write_reviews
from tests.flow.canary import (
    HELD_NAME,
    NAME,
    NOTE_PHONE,
    PHONE,
    PLANTED,
    PUBLIC,
    PUBLIC_SQL,
    found_in,
    make_desk,
    search,
)
from tests.flow.conftest import Library
from tests.flow.portal_kit import ROLES, serving

pytestmark = pytest.mark.xdist_group("canary")
ALLOWED = {
    # What the group was given and what its own runs work with; nobody but the workspace's account reads it.
    "downloads/*": "the source itself",
    "var/landing/*": "raw bytes as they came",
    "var/accepted/*": "accepted rows",
    "var/quarantine/*": "rows held back, with their raw values",
    "var/warehouse/*": "tables of runs",
    "var/plans/work/*/accepted/*": "the same, of the trial of a plan",
    "var/plans/work/*/quarantine/*": "the same",
    "var/plans/work/*/warehouse/*": "the same",
    "var/plans/work/*/releases/library/visitors/*/data.parquet": "the same",
    "var/releases/library/visitors/*/data.parquet": "a restricted release, readable by its owner alone",
}


def allowed(path: str) -> bool:
    return any(fnmatch.fnmatch(path, pattern) for pattern in ALLOWED)


def refuse(root: Path) -> None:
    leaks = {path: sorted(hits) for path, hits in search(root).items() if not allowed(path)}
    assert not leaks, "\n".join(f"{path}: {hits}" for path, hits in leaks.items())


def say(library: Library, *words: str) -> str:
    """What a command prints, and the words of its failure."""
    done = CliRunner().invoke(app, ["--workspace", str(library.root), *words], env={"COLUMNS": "400"})
    return f"{done.output} {done.exception or ''}"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in this process and name their workspace in its environment."""
    monkeypatch.setenv("CIVICOPS_WORKSPACE", "")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = make_desk(tmp_path_factory.mktemp("desk"))
    record = library.run()
    assert record.status == "succeeded"
    return library


def test_the_search_finds_what_is_there(desk: Library) -> None:
    found = search(desk.root)
    for pattern in (
        "downloads/*",
        "var/landing/*",
        "var/accepted/*",
        "var/quarantine/*",
        "var/releases/library/visitors/*",
    ):
        assert any(fnmatch.fnmatch(path, pattern) for path in found), f"nothing is found in {pattern}"
    assert {hit for path, hits in found.items() if path.startswith("var/accepted") for hit in hits} >= {
        NAME,
        PHONE,
        NOTE_PHONE,
    }
    assert {hit for path, hits in found.items() if path.startswith("var/quarantine") for hit in hits} >= {HELD_NAME}


def test_a_run_leaves_them_nowhere_else(desk: Library) -> None:
    refuse(desk.root)
    for path in (desk.root / "var" / "releases" / "library" / "visitors").rglob("*.parquet"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o400
    record = next(iter(desk.log.runs("library")))
    kinds = [item["message"] for item in record.findings if item["check_id"] == "personal_data"]
    assert any("visits.remark holds what looks like telephone numbers" in words for words in kinds)
    assert any("visitors.remark holds what looks like telephone numbers" in words for words in kinds)


def test_what_is_published_is_treated(desk: Library) -> None:
    release = desk.releases.find("library", "visits_public")
    from tests.duck import asked

    (row,) = asked(
        f"SELECT visitor_phone, visitor_mail, home_address, year(born_on), month(born_on) FROM '{release.data}' WHERE visit_id = 'v16'"
    )
    assert (row[0], row[2], row[3], row[4]) == ("***87", None, 1971, 1)
    assert re.fullmatch(r"[0-9a-f]{32}", row[1])


COMMANDS = (
    ("products",), ("status",), ("status", "library"), ("history",), ("diagnose", "library"), ("lineage", "library.visits_public"),
    ("quarantine", "list"), ("release", "list", "library"), ("incidents", "list"), ("personal", "scan", "--all"), ("personal", "classes"),
    ("personal", "keys"), ("audit", "verify"), ("observe", "tick"), ("release", "prov", "library.visits_public"),
    ("trace", "library.visits_public", "v01"), ("alerts", "log"),
)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_what_commands_print(desk: Library, words: tuple[str, ...]) -> None:
    printed = say(desk, *words)
    assert printed
    assert found_in(printed) == set()


def test_a_plan_shows_none(desk: Library) -> None:
    git = ["git", "-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    (desk.root / ".gitignore").write_text("/var/\n/downloads/\n*.log\n__pycache__/\n")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "desk")):
        subprocess.run([*git, *words], cwd=desk.root, check=True)
    contract = desk.product / "contracts" / "visits.yaml"
    before = contract.read_text()
    try:
        contract.write_text(
            before.replace("version: 1.0.0", "version: 2.0.0").replace(
                "values: [Alder, Harbor]", f'values: [Alder, "{"Quay"}"]'
            )
        )
        printed = say(desk, "plan", "--markdown") + say(desk, "plan") + say(desk, "plan", "--json")
    finally:
        contract.write_text(before)
    assert "branch_known" in printed
    assert found_in(printed) == set()
    refuse(desk.root)


def crawl(server: object, role: str | None) -> dict[str, set[str]]:
    """Every page that links lead to from the first one, and the interface, with what of the planted values it shows."""
    get = server.get  # type: ignore[attr-defined]
    waiting = [
        "/",
        "/catalogue/",
        "/status/",
        "/metrics",
        "/api/v1/datasets",
        "/api/v1/openapi.json",
        "/incidents/",
        "/changes/",
        "/runs/",
    ]
    waiting += [
        f"/api/v1/datasets/library/{name}{more}"
        for name in ("visits_public", "visitors")
        for more in ("", "/versions", "/rows")
    ]
    seen: dict[str, set[str]] = {}
    while waiting and len(seen) < 250:
        path = waiting.pop(0)
        if path in seen:
            continue
        answer = get(path, role)
        seen[path] = found_in(answer.content)
        if "html" in answer.headers.get("content-type", ""):
            waiting += [
                link
                for found in re.findall(r'(?:href|src|data-chart)="([^"]*)"', answer.text)
                if (link := urljoin(path, found.split("#")[0])).startswith("/")
                and not link.startswith(("/static", "/accounts", "//"))
            ]
    assert len(seen) > 15
    return {path: hits for path, hits in seen.items() if hits}


def test_pages_and_interface_as_everybody(desk: Library) -> None:
    with serving(desk) as server:
        for role in (None, *ROLES):
            shown = crawl(server, role)
            if role in ("steward", "admin"):
                # They may read the restricted release, and rows that are held back, which they mend; nothing else shows any.
                shown = {path: hits for path, hits in shown.items() if "/visitors" not in path and "/held/" not in path}
            assert shown == {}, f"{role or 'anybody'} sees planted people"
    refuse(desk.root)


def test_the_exported_site(desk: Library, tmp_path: Path) -> None:
    printed = say(desk, "export", "site", str(tmp_path / "site"))
    assert found_in(printed) == set()
    assert any((tmp_path / "site").rglob("*.parquet"))
    assert search(tmp_path / "site") == {}


def test_incidents_letters_and_events_of_runs_that_fail_on_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A value in the engine's message, in a model's and in a release's; a public release that would show a free text."""
    library = make_desk(tmp_path)
    with Mailbox() as box, WebhookSink() as hook, WebhookSink() as collector:
        monkeypatch.setenv(
            "DESK_MAIL", f"mailto://127.0.0.1:{box.port}?from=civicops@example.org&to=ada@example.org&mode=insecure"
        )
        monkeypatch.setenv("DESK_HOOK", f"json://127.0.0.1:{hook.port}/")
        with (tmp_path / "civicops.toml").open("a") as stream:
            stream.write(
                '\n[alerts.routes.desk]\nurls = ["DESK_MAIL", "DESK_HOOK"]\nallow = ["127.0.0.1"]\n'
                f'\n[observe]\nopenlineage_url = "http://127.0.0.1:{collector.port}/"\nopenlineage_allow = ["127.0.0.1"]\n'
            )
        product = library.product / "product.yaml"
        product.write_text(product.read_text() + "alerts: [desk]\n")
        library.run()
        model, contract = (
            library.product / "models" / "visits_public.sql",
            library.product / "contracts" / "visits_public.yaml",
        )
        failures = {
            "a cast in a model": (
                PUBLIC_SQL.replace(" days_count", " cast(visitor_phone as bigint) as days_count"),
                PUBLIC,
            ),
            "a free text that nobody declared": (
                PUBLIC_SQL.replace(" days_count", " days_count, remark"),
                PUBLIC + "      - {name: remark, logicalType: string, description: What the desk wrote.}\n",
            ),
            "a name where a number is promised": (
                PUBLIC_SQL.replace(" days_count", " error('found ' || visitor_name) as days_count"),
                PUBLIC,
            ),
        }
        messages = []
        for sql, text in failures.values():
            model.write_text(sql)
            contract.write_text(text)
            write_reviews(tmp_path)
            with pytest.raises(CivicopsError) as caught:
                library.run()
            messages.append(f"{caught.value.message} {caught.value.hint}")
        assert "personal data that no contract declares" in messages[1]
        printed = (
            say(library, "observe", "tick")
            + say(library, "incidents", "list")
            + say(library, "alerts", "digest", "desk")
        )
        printed += (
            say(library, "incidents", "show", "1") + say(library, "status", "library") + say(library, "run", "library")
        )
        assert box.mails and hook.messages and collector.messages
        for what, text in (
            ("errors", " ".join(messages)),
            ("letters", " ".join(f"{mail.subject} {mail.text} {mail.html}" for mail in box.mails)),
            ("hooks", str(hook.messages)),
            ("OpenLineage", str(collector.messages)),
            ("commands", printed),
            ("output", "".join(capfd.readouterr())),
            ("log", caplog.text),
        ):
            assert found_in(text) == set(), f"{what} show planted people"
    refuse(tmp_path)


def test_every_planted_value_is_told_from_the_others() -> None:
    assert all(found_in(value) == {value} for value in PLANTED)
