"""Plans in the portal: read by those who must agree, agreed to with a click, and applied because of it.

Belongs here: the two pages in a browser and what a click is worth. Does not belong here: what a plan says (`tests/flow/test_change`).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from civicops.change.plan import FOLDER, Plan, save
from civicops.orchestrate.applying import apply_plan
from civicops.orchestrate.planning import make_plan
from tests.browser.test_portal import WINDOWS
from tests.flow.orchard import Orchard, drop_dead, planted_once
from tests.flow.portal_kit import PROGRAM, Server, serving, sign_in
from tools.web import Web

pytestmark = pytest.mark.xdist_group("agreed")
ADA, BEN, CLEO = "ada-example", "ben-example", "cleo-example"


def program(orchard: Orchard, *words: str, code: int = 0) -> str:
    done = subprocess.run([*PROGRAM, *words], cwd=orchard.root, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Orchard, Plan]:
    orchard = planted_once(tmp_path_factory).copy(tmp_path_factory.mktemp("plans") / "orchard")
    with (orchard.root / "civicops.toml").open("a", encoding="utf-8") as stream:
        stream.write('agreement = "signed"\n')
    orchard.commit("only what is signed counts")
    apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=(ADA, BEN, CLEO))
    drop_dead(orchard)
    plan = make_plan(orchard.workspace)
    save(plan, orchard.workspace.folder(FOLDER))
    return orchard, plan


@pytest.fixture(scope="module")
def portal(planned: tuple[Orchard, Plan]) -> Iterator[Server]:
    orchard, _ = planned
    passwords = {}
    for name, role in (
        (ADA, "contributor"),
        (BEN, "steward"),
        (CLEO, "contributor"),
        ("vera-example", "viewer"),
        ("dora-example", "admin"),
    ):
        told = json.loads(program(orchard, "portal", "account", name, "--role", role, "--json"))
        passwords[name] = told["password"]
    with serving(orchard, samples=False) as server:  # type: ignore[arg-type] # it needs the folder only
        server.passwords |= passwords
        yield server


@contextmanager
def as_person(portal: Server, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=portal.base, trust_env=False, timeout=60) as client:
        assert sign_in(client, name, portal.passwords[name]).status_code == 302
        yield client


def in_browser(browser: Browser, portal: Server, name: str, **window: Any) -> Page:
    page = browser.new_context(base_url=portal.base, bypass_csp=True, reduced_motion="reduce", **window).new_page()
    with as_person(portal, name) as client:
        cookies = [{"name": key, "value": value, "url": portal.base} for key, value in client.cookies.items()]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    return page


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_the_pages_are_good_to_read(
    browser: Browser, portal: Server, planned: tuple[Orchard, Plan], window: dict[str, Any]
) -> None:
    axe = (Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = in_browser(browser, portal, ADA, **window)
    for path in ("/plans/", f"/plans/{planned[1].id}/"):
        answer = page.goto(path, wait_until="networkidle")
        assert answer is not None and answer.status == 200, path
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= window["viewport"]["width"], path
        page.evaluate(axe)
        assert page.evaluate("axe.run()")["violations"] == [], path
    page.context.close()


def test_who_may_see_and_who_may_agree(portal: Server, planned: tuple[Orchard, Plan]) -> None:
    _, plan = planned
    place = f"/plans/{plan.id}/"
    with httpx.Client(base_url=portal.base, trust_env=False) as nobody:
        assert nobody.get("/plans/").status_code == 302 and nobody.get(place).status_code == 302
    with as_person(portal, "vera-example") as client:
        assert client.get("/plans/").status_code == 403 and client.get(place).status_code == 403
    with as_person(portal, "dora-example") as client:
        text = client.get(place).text
        assert "Who must agree" in text and "I have looked at it" not in text, "an admin owns none of it"
        token = client.cookies["csrftoken"]
        answer = client.post(
            place, data={"action": "agree", "csrfmiddlewaretoken": token}, headers={"Referer": portal.base}
        )
        assert answer.status_code == 403
        assert client.get("/plans/nothing/").status_code == 404
        assert client.get(f"/plans/{plan.id[:6]}/").status_code == 404
    with as_person(portal, CLEO) as client:
        assert "waits for you" in client.get("/plans/").text


def test_a_click_is_worth_a_signature_and_can_be_taken_back(
    browser: Browser, portal: Server, planned: tuple[Orchard, Plan], tmp_path: Path
) -> None:
    orchard, plan = planned
    wanted = {one.who for one in plan.approvals}
    assert wanted == {ADA, BEN, CLEO}
    before = orchard.bytes_of_releases()
    told = program(orchard, "apply", plan.id, *(f"--approved={name}" for name in wanted), code=1)
    assert "only signed commits count" in told
    for name in sorted(wanted):
        page = in_browser(browser, portal, name)
        page.goto("/plans/")
        page.get_by_role("link", name=re.compile(plan.id)).click()
        assert "condition_code" in page.locator("main").inner_text()
        page.get_by_role("button", name="I have looked at it and agree").press("Enter")
        page.get_by_text("You agree to it.").first.wait_for()
        if name == CLEO:
            page.get_by_role("button", name="Take it back").click()
            page.get_by_text("You do not agree to it any more.").wait_for()
        page.context.close()
    told = program(orchard, "apply", plan.id, code=1)
    assert "needs the approval of cleo-example" in told and orchard.bytes_of_releases() == before
    page = in_browser(browser, portal, CLEO)
    page.goto(f"/plans/{plan.id}/")
    page.get_by_role("button", name="I have looked at it and agree").click()
    page.get_by_text("You agree to it.").first.wait_for()
    page.context.close()
    assert "is applied" in program(orchard, "apply", plan.id)
    with as_person(portal, ADA) as client:
        text = client.get(f"/plans/{plan.id}/").text
        assert "Applied" in text and "Take it back" not in text
        token = client.cookies["csrftoken"]
        client.post(
            f"/plans/{plan.id}/",
            data={"action": "take_back", "csrfmiddlewaretoken": token},
            headers={"Referer": portal.base},
        )
        assert "not open any more" in client.get(f"/plans/{plan.id}/").text
    program(orchard, "rollback")
    with as_person(portal, ADA) as client:
        assert "Undone" in client.get(f"/plans/{plan.id}/").text
    program(orchard, "audit", "verify")
