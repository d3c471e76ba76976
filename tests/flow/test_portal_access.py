"""Who may do what, on SQLite and on PostgreSQL: every route, every role, every method.

Belongs here: the table of what must be, written out apart from the code. Does not belong here: what pages show.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flow.conftest import Library
from tests.flow.portal_kit import PROGRAM, ROLES, SECRET, Server, make_shelf, serving, sign_in
from tests.pg import postgres_cluster

pytestmark = pytest.mark.xdist_group("portal")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SIGNED_IN = ("viewer", "contributor", "steward", "admin", "auditor")
TABLE = {
    # path: (who gets an answer, what the others get). None is somebody who is not signed in.
    "/": ((None, *SIGNED_IN), 0),
    "/health": ((None, *SIGNED_IN), 0),
    "/data.json": ((None, *SIGNED_IN), 0),
    "/catalogue/": ((None, *SIGNED_IN), 0),
    "/products/library/": ((None, *SIGNED_IN), 0),
    "/catalogue/library/members/": ((None, *SIGNED_IN), 0),
    "/catalogue/library/members/{members}/": ((None, *SIGNED_IN), 0),
    "/catalogue/library/members/{members}/changes/": (("steward", "admin"), 403),
    "/catalogue/library/members/{members}/members.parquet": (("steward", "admin"), 403),
    "/catalogue/library/members/{members}/members.csv": (("steward", "admin"), 403),
    "/catalogue/library/members/{members}/datapackage.json": (("steward", "admin"), 403),
    "/catalogue/library/loan_places/": ((None, *SIGNED_IN), 0),
    "/catalogue/library/loan_places/{loan_places}/": ((None, *SIGNED_IN), 0),
    "/catalogue/library/loan_places/{loan_places}/changes/": ((None, *SIGNED_IN), 0),
    "/catalogue/library/loan_places/{loan_places}/loan_places.geojson": ((None, *SIGNED_IN), 0),
    "/p/library/lending/": ((None, *SIGNED_IN), 0),
    "/p/library/lending/files/names.json": ((None, *SIGNED_IN), 0),
    "/pages/library/lending/files/names.json": ((None, *SIGNED_IN), 0),
    "/p/library/desk/": (("steward", "admin"), 404),
    "/api/": ((None, *SIGNED_IN), 0),
    "/api/v1/openapi.json": ((None, *SIGNED_IN), 0),
    "/api/v1/datasets": ((None, *SIGNED_IN), 0),
    "/api/v1/datasets/library/members": ((None, *SIGNED_IN), 0),
    "/api/v1/datasets/library/members/versions": ((None, *SIGNED_IN), 0),
    "/api/v1/datasets/library/members/rows": (("steward", "admin"), 403),
    "/api/v1/datasets/library/loan_places/rows": ((None, *SIGNED_IN), 0),
    "/api/v1/review/kinds": (("contributor", "steward", "admin"), 403),
    "/api/v1/review/tasks": (("contributor", "steward", "admin"), 403),
    "/api/v1/review/team": (("contributor", "steward", "admin"), 403),
    "/api/v1/review/suggestions/nothing": ((), 404),
    "/scorecard/": (("contributor", "steward", "admin"), 403),
    "/scorecard/library/": (("contributor", "steward", "admin"), 403),
    "/plans/": (("contributor", "steward", "admin"), 403),
    "/plans/nothing/": (("contributor", "steward", "admin"), 403),
    "/people/": (("admin",), 403),
    "/import/library/loans/": (("steward", "admin"), 403),
    "/import/library/loans/nothing/": (("steward", "admin"), 403),
    "/audit/": (("auditor",), 403),
    "/audit/0/": (("auditor",), 403),
    "/audit/0/proof": (("auditor",), 403),
    "/audit/log/checkpoint": ((None, *SIGNED_IN), 0),
    "/audit/log/vkey": ((None, *SIGNED_IN), 0),
    "/audit/log/.lock": ((), 404),
    "/audit/log/tile/0/999": ((), 404),
    "/audit/log/tile/%2e%2e/%2e%2e/keys/audit": ((), 404),
    "/status/": ((None, *SIGNED_IN), 0),
    "/metrics": ((None, *SIGNED_IN), 0),
    "/incidents/": (("contributor", "steward", "admin"), 403),
    "/products/library/runs/": (("contributor", "steward", "admin"), 403),
    "/accounts/password/change/": (SIGNED_IN, 302),
    # What the account library has and we do not offer, to nobody.
    "/accounts/signup/": ((), 403),
    "/accounts/email/": ((), 403),
    "/accounts/password/reset/": ((), 403),
    "/accounts/3rdparty/": ((), 403),
    "/accounts/social/signup/": ((), 403),
    "/api/v1/": ((), 403),
}
NOT_THERE = ("/import/library/loans/", "/import/library/loans/nothing/", "/plans/nothing/")
"""What whoever may ask for is told does not exist: lists are imported into no dataset of this product, and nobody planned."""
CLOSED = (*NOT_THERE, "/plans/", "/people/", "/scorecard/", "/scorecard/library/", "/incidents/", "/audit/", "/audit/0/", "/audit/0/proof", "/accounts/password/change/", "/products/library/runs/")  # fmt: skip
"""Where somebody who is not signed in is sent to do so."""
LIST_ROUTES = """
import json
from civicops.workspace import Workspace
from civicops.portal.settings import configure
configure(Workspace.find())
from civicops.portal import urls
from civicops.portal.access import RULES, routes
print(json.dumps([sorted(set(routes(urls.urlpatterns))), sorted(RULES)]))
"""
WITHOUT_RULE = """
from civicops.workspace import Workspace
from civicops.portal.server import prepare
prepare(Workspace.find())
from civicops.portal.access import RULES
from django.test import Client
before = Client(SERVER_NAME="localhost").get("/health").status_code
del RULES["health"]
print(before, Client(SERVER_NAME="localhost").get("/health").status_code)
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_shelf(tmp_path_factory.mktemp("access"), portal="sign_ins_per_minute = 60\n")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest, shelf: Library) -> Iterator[Server]:
    if request.param == "sqlite":
        with serving(shelf) as server:
            assert (shelf.root / "var" / "app.sqlite3").is_file()
            yield server
        return
    with postgres_cluster() as url:
        (shelf.root / "var" / "app.sqlite3").unlink(missing_ok=True)
        with serving(shelf, DATABASE_URL=url) as server:
            assert not (shelf.root / "var" / "app.sqlite3").exists()
            yield server


def expected(path: str, method: str, role: str | None) -> set[int]:
    allowed, otherwise = TABLE[path]
    if method not in ("GET", "HEAD"):
        # Without a form's token a method that changes something is refused before anybody asks who it is.
        return {403, 405} if path not in ("/accounts/password/change/", "/people/") else {302, 403, 405}
    if role in allowed:
        return {404} if path in NOT_THERE else {200}
    if role is None and path in CLOSED:
        return {302}
    if role is None and path.startswith("/api/v1/review/") and allowed:
        return {401}
    if not allowed and otherwise == 403:
        return {403} if role else {302, 403}
    return {otherwise}


@pytest.mark.parametrize("role", [None, *ROLES, "auditor"])
def test_every_route_role_and_method(portal: Server, role: str | None) -> None:
    wrong = []
    for path in TABLE:
        url = path.format(members=portal.version("members"), loan_places=portal.version("loan_places"))
        for method in METHODS:
            answer = portal.client(role).request(method, url)
            if answer.status_code not in expected(path, method, role):
                wrong.append((method, path, role, answer.status_code, expected(path, method, role)))
            if role not in ("steward", "admin"):
                assert SECRET not in answer.text, (method, path, role)
    assert not wrong, wrong


def test_what_is_restricted_is_never_kept_by_anybody_on_the_way(portal: Server) -> None:
    version = portal.version("members")
    for path in ("/api/v1/datasets/library/members/rows", f"/catalogue/library/members/{version}/members.csv"):
        answer = portal.get(path, "steward")
        assert SECRET in answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers
        known = {"If-None-Match": answer.headers["ETag"]}
        assert portal.get(path, None, headers=known).status_code == 403, "a known ETag is no key"


def test_a_dataset_that_became_restricted_takes_its_old_versions_along(portal: Server) -> None:
    contract = portal.library.product / "contracts" / "loan_places.yaml"
    text, old = contract.read_text(), portal.version("loan_places", 1)
    url = f"/catalogue/library/loan_places/{old}/loan_places.csv"
    assert portal.get(url).status_code == 200
    try:
        contract.write_text(text.replace("access, value: public", "access, value: restricted"))
        time.sleep(1.2)
        assert portal.get(url).status_code == 403
        assert portal.get("/api/v1/datasets/library/loan_places/rows", params={"version": old}).status_code == 403
    finally:
        contract.write_text(text)
        time.sleep(1.2)


def test_an_admin_gives_and_takes_roles_and_nobody_their_own(portal: Server) -> None:
    admin = portal.client("admin")

    def give(role: str, to: str, client: httpx.Client = admin, token: str | None = None) -> httpx.Response:
        found = (
            token
            if token is not None
            else client.get("/people/").text.partition('csrfmiddlewaretoken" value="')[2][:64]
        )
        data = {"csrfmiddlewaretoken": found, "username": to, "role": role}
        return client.post("/people/", data=data, headers={"Referer": portal.base}, follow_redirects=True)

    with httpx.Client(base_url=portal.base, trust_env=False) as viewer:
        assert sign_in(viewer, "vera-viewer", portal.passwords["vera-viewer"]).status_code == 302
        rows = "/api/v1/datasets/library/members/rows"
        assert viewer.get(rows).status_code == 403
        assert "vera-viewer is now a steward" in give("steward", "vera-viewer").text
        assert viewer.get(rows).status_code == 200
        assert "without a role" in give("none", "vera-viewer").text
        assert viewer.get(rows).status_code == 403
        assert give("admin", "vera-viewer", client=viewer, token="").status_code == 403
    assert "cannot change your own" in give("viewer", "ada-admin").text
    assert "nothing was changed" in give("emperor", "vera-viewer").text
    assert give("viewer", "vera-viewer", token="").status_code == 403, "without the token of a form"
    assert "vera-viewer is now a viewer" in give("viewer", "vera-viewer").text


def test_signing_in_and_out(portal: Server) -> None:
    with httpx.Client(base_url=portal.base, trust_env=False) as client:
        assert "Sign in" in client.get("/").text
        assert "not correct" in sign_in(client, "ada-admin", "wrong").text
        done = sign_in(client, "ada-admin", portal.passwords["ada-admin"])
        cookie = next(value for value in done.headers.get_list("set-cookie") if value.startswith("sessionid"))
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
        home = client.get("/").text
        assert "ada-admin" in home
        token = home.partition('csrfmiddlewaretoken" value="')[2][:64]
        assert client.get("/accounts/logout/").status_code == 200, "a link alone signs nobody out"
        assert "ada-admin" in client.get("/").text
        client.post("/accounts/logout/", data={"csrfmiddlewaretoken": token}, headers={"Referer": portal.base})
        assert "ada-admin" not in client.get("/").text


def test_nobody_is_sent_elsewhere_after_signing_in(portal: Server) -> None:
    with httpx.Client(base_url=portal.base, trust_env=False) as client:
        token = client.get("/accounts/login/").text.partition('csrfmiddlewaretoken" value="')[2][:64]
        data = {"csrfmiddlewaretoken": token, "login": "ada-admin", "password": portal.passwords["ada-admin"]}
        done = client.post("/accounts/login/?next=//evil.example/", data=data, headers={"Referer": portal.base})
        assert done.status_code == 302 and done.headers["Location"] == "/"


def test_another_host_name_is_refused(portal: Server) -> None:
    assert portal.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "providers", [{}, {f"{p}_CLIENT_{k}": "x" for p in ("GITHUB", "GOOGLE") for k in ("ID", "SECRET")}]
)
def test_every_route_has_a_rule(shelf: Library, providers: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_ROUTES],
        cwd=shelf.root,
        env={**os.environ, **providers},
        capture_output=True,
        text=True,
        check=True,
    )
    found, ruled = json.loads(done.stdout)
    assert [name for name in found if name not in ruled] == []
    if providers:
        assert [name for name in ruled if name not in found] == [], "rules for what does not exist"


def test_a_route_without_a_rule_is_refused(shelf: Library) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_RULE], cwd=shelf.root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["200", "403"]


def test_github_and_google_appear_when_they_are_configured(shelf: Library) -> None:
    with serving(shelf, GITHUB_CLIENT_ID="made-up", GITHUB_CLIENT_SECRET="made-up") as server:
        page = server.get("/accounts/login/").text
        assert "Sign in with GitHub" in page and "Google" not in page
        token = page.partition('csrfmiddlewaretoken" value="')[2][:64]
        done = server.client().post(
            "/accounts/github/login/", data={"csrfmiddlewaretoken": token}, headers={"Referer": server.base}
        )
        assert done.status_code == 302 and done.headers["Location"].startswith(
            "https://github.com/login/oauth/authorize?"
        )
        assert "https://github.com" in server.get("/").headers["Content-Security-Policy"]


def test_guessing_passwords_is_slowed_down(tmp_path: Path, shelf: Library) -> None:
    settings = shelf.root / "civicops.toml"
    text = settings.read_text()
    settings.write_text(text.replace("sign_ins_per_minute = 60", "sign_ins_per_minute = 3"))
    try:
        with serving(shelf) as server, httpx.Client(base_url=server.base, trust_env=False) as client:
            answers = [sign_in(client, f"nobody-{number}", "guess") for number in range(5)]
            assert answers[0].status_code == 200
            assert any("Too many" in answer.text for answer in answers[3:])
            right = sign_in(client, "ada-admin", server.passwords["ada-admin"])
            assert right.status_code != 302 and "Too many" in right.text
    finally:
        settings.write_text(text)


@pytest.mark.parametrize(("words", "lines"), [(["--host", "0.0.0.0"], ""), ([], 'hosts = ["data.example.org"]\n')])
def test_sample_accounts_are_for_this_machine_only(shelf: Library, words: list[str], lines: str) -> None:
    settings = shelf.root / "civicops.toml"
    text = settings.read_text()
    settings.write_text(text + lines)
    try:
        command = [*PROGRAM, "portal", "serve", "--samples", "--port", "1", *words]
        done = subprocess.run(command, cwd=shelf.root, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and "Sample accounts are for this machine only" in done.stderr
    finally:
        settings.write_text(text)


def test_the_secret_key_is_made_once_and_closed_to_others(portal: Server) -> None:
    key = portal.library.root / "var" / "portal" / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and len(key.read_text()) >= 50


def test_an_account_made_by_command_signs_in(shelf: Library) -> None:
    words = ["portal", "account", "grace-example", "--role", "contributor", "--json"]
    made = json.loads(
        subprocess.run([*PROGRAM, *words], cwd=shelf.root, capture_output=True, text=True, check=True).stdout
    )
    with serving(shelf) as server, httpx.Client(base_url=server.base, trust_env=False) as client:
        assert sign_in(client, "grace-example", made["password"]).status_code == 302
        assert "contributor" in client.get("/").text
    wrong = subprocess.run(
        [*PROGRAM, *words[:3], "--role", "stewart"], cwd=shelf.root, capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 1 and "did you mean 'steward'" in wrong.stderr.lower()
