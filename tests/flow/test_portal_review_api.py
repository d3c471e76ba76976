"""Review over HTTP: who may ask, what a conflict looks like, and that answers are those of the description.

Belongs here: routes, statuses, the session. Does not belong here: rules of review (`tests/unit/review`), pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from civicops.review.filing import file_tasks
from civicops.review.intake import confirmation_link
from civicops.review.room import Review, open_review
from civicops.review.values import TaskDraft
from tests.flow.conftest import Library, make_library
from tests.flow.portal_kit import Server, serving

pytestmark = pytest.mark.xdist_group("portal")
API = "/api/v1/review"
KINDS = {
    "days": "reason_for: [reject]\npublic: suggest\ncontact_channels: [called]\ncontact_outcomes: [spoke]\n",
    "pairs": "stages: submit_approve\n",
    "desk": "who: {decide: steward}\n",
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    library = make_library(tmp_path_factory.mktemp("review"))
    (library.product / "reviews").mkdir()
    with (library.root / "civicops.toml").open("a") as stream:
        stream.write("\n[portal]\napi_per_minute = 100000\n")
    for name, more in KINDS.items():
        head = "title: Really?\ninstructions: Look.\ncontract: loans\ncolumns: [days_count]\n"
        (library.product / "reviews" / f"{name}.yaml").write_text(head + more)
    file(library, 5)
    with serving(library) as server:
        yield server


def file(library: Library, days: int) -> Review:
    review = open_review(library.workspace)
    for name in KINDS:
        drafts = [TaskDraft(f"l{n}", f"Loan {n}", proposed={"days_count": days + n}, confidence=0.7) for n in range(9)]
        file_tasks(review, review.kind(f"library.{name}"), drafts, datetime.now(UTC))
    return review


def post(portal: Server, path: str, role: str, **body: Any) -> httpx.Response:
    client = portal.client(role)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/").text)
    assert token is not None
    headers = {"X-CSRFToken": token[1], "Referer": portal.base}
    return client.post(f"{API}/{path}", json=body, headers=headers)


def test_a_task_is_taken_decided_taken_back_and_decided_again(portal: Server) -> None:
    kinds = portal.get(f"{API}/kinds", "contributor").json()["kinds"]
    assert [kind["id"] for kind in kinds] == ["library.days", "library.pairs"], (
        "what a role may not decide is not shown"
    )
    assert kinds[0]["fields"][0]["kind"] == "integer" and kinds[0]["open"] == 9
    taken = post(portal, "next", "contributor", kinds=["library.days"]).json()["task"]
    assert (
        taken["part"] == "rating"
        and taken["claimed_by"] == ["coral-contributor"]
        and taken["base"] == {"days_count": 5}
    )
    number = taken["id"]
    answer = {"outcome": "edit", "seen": taken["seen"], "value": {"days_count": "x"}}
    wrong = post(portal, f"tasks/{number}/decide", "contributor", **answer)
    assert (wrong.status_code, wrong.json()["faults"]) == (422, {"days_count": "a whole number is needed"})
    done = post(portal, f"tasks/{number}/decide", "contributor", **(answer | {"value": {"days_count": 6}}))
    assert done.json()["state"] == "decided"
    assert portal.get(f"{API}/mine", "contributor").json()["answers"][0]["task"]["id"] == number
    assert post(portal, f"tasks/{number}/undo", "contributor").json()["state"] == "open"
    assert post(portal, f"tasks/{number}/draft", "contributor", seen=taken["seen"], content={"a": 1}).json() == {
        "id": number
    }
    view = portal.get(f"{API}/tasks/{number}", "contributor").json()
    assert view["draft"] == {"a": 1} and [item["outcome"] for item in view["decisions"]] == ["edit", "undo"]
    conflict = post(portal, f"tasks/{number}/decide", "contributor", outcome="accept", seen="0" * 64)
    assert conflict.status_code == 409 and conflict.json()["now"]["proposed"] == {"days_count": 5}


def test_who_may_what(portal: Server) -> None:
    lines = portal.get(f"{API}/tasks", "steward", params={"kind": "library.desk"}).json()["tasks"]
    number = lines[0]["id"]
    assert portal.get(f"{API}/tasks").status_code == 401
    assert httpx.post(f"{portal.base}{API}/next", json={}, trust_env=False).status_code == 401
    assert portal.get(f"{API}/tasks", "viewer").status_code == 403
    assert portal.get(f"{API}/tasks/{number}", "contributor").status_code == 403
    assert portal.get(f"{API}/tasks", "contributor", params={"kind": "library.desk"}).json()["tasks"] == []
    assert portal.get(f"{API}/tasks/99999", "steward").status_code == 404
    assert portal.client("steward").post(f"{API}/next", json={}).status_code == 403, "without the token of the session"
    assert portal.get(f"{API}/kinds/library.nothing/agreement", "steward").status_code == 404
    assert post(portal, f"tasks/{number}/assign", "contributor", to="ada-admin").status_code == 403
    assert post(portal, f"tasks/{number}/claim", "steward").status_code == 200
    assert post(portal, f"tasks/{number}/release", "steward").status_code == 200
    assert post(portal, f"tasks/{number}/snooze", "steward", until="2090-01-01T00:00:00", reason="x").status_code == 422
    assert (
        post(portal, f"tasks/{number}/snooze", "steward", until="2090-01-01T00:00:00Z", reason="x").status_code == 200
    )
    assert post(portal, f"tasks/{number}/contact", "steward", channel="called", outcome="spoke").status_code == 422


def test_nobody_approves_their_own_and_many_are_approved_at_once(portal: Server) -> None:
    lines = portal.get(f"{API}/tasks", "steward", params={"kind": "library.pairs", "limit": 3}).json()["tasks"]
    for who, line in zip(("steward", "contributor", "contributor"), lines, strict=True):
        seen = portal.get(f"{API}/tasks/{line['id']}", who).json()["seen"]
        done = post(portal, f"tasks/{line['id']}/decide", who, outcome="accept", seen=seen)
        assert done.json()["state"] == "submitted"
    numbers = [line["id"] for line in lines]
    shown = post(portal, "bulk", "steward", action="approve", tasks=numbers).json()
    assert shown["left"] == {str(numbers[0]): "You submitted it; somebody else approves."} and shown["done"] == []
    seen = {str(item["id"]): item["seen"] for item in shown["planned"]}
    del seen[str(numbers[2])]
    done = post(portal, "bulk", "steward", action="approve", tasks=numbers, seen=seen, is_preview=False).json()
    assert done["done"] == [numbers[1]] and done["left"][str(numbers[2])] == "It was not in the preview."
    figures = portal.get(f"{API}/team", "steward").json()
    assert {item["kind"]: item["submitted"] for item in figures["backlog"]}["library.pairs"] == 2
    assert portal.get(f"{API}/kinds/library.pairs/agreement", "steward").json()["periods"][0]["units"] == 0
    assert portal.get(f"{API}/kinds/library.pairs/calibration", "steward").json()["samples"] == 1


def test_a_suggestion_needs_no_account(portal: Server) -> None:
    body = {
        "kind": "library.days",
        "subject": "l1",
        "fields": {"days_count": 3},
        "contact": {"email": "pat@example.org"},
    }
    answer = httpx.post(f"{portal.base}{API}/suggestions", json=body, trust_env=False)
    assert answer.status_code == 200, answer.text
    found = portal.get(f"{API}/suggestions/{answer.json()['token']}")
    assert (found.json()["status"], found.json()["subject"]) == ("received", "l1")
    assert "no-store" in found.headers["cache-control"]
    assert portal.get(f"{API}/suggestions/nothing").status_code == 404
    codes = [httpx.post(f"{portal.base}{API}/suggestions", json=body, trust_env=False).status_code for _ in range(10)]
    assert codes == [200] * 9 + [429]


def test_an_organisation_confirms_its_own_record_once(portal: Server) -> None:
    review = open_review(portal.library.workspace)
    token, _ = confirmation_link(review, review.kind("library.days"), "l8", datetime.now(UTC))
    about = portal.get(f"{API}/confirmations/{token}")
    assert about.status_code == 200 and about.json()["values"] == {"days_count": 13}
    codes = [
        httpx.post(
            f"{portal.base}{API}/confirmations/{token}", json={"fields": {"days_count": 12}}, trust_env=False
        ).status_code
        for _ in range(2)
    ]
    assert codes == [200, 410]
    assert portal.get(f"{API}/confirmations/{token}x").status_code == 410
    (line,) = portal.get(f"{API}/tasks", "steward", params={"record": "l8", "q": "Corrected"}).json()["tasks"]
    assert line["title"] == "Corrected by the organisation itself: l8"


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", ["tasks", "tasks/{number}", "kinds", "team", "suggestions/{token}"])
def test_answers_are_those_of_its_description(portal: Server, path: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{portal.base}/api/v1/openapi.json")
    questions = schema[f"{API}/{path}"]["GET"].as_strategy(generation_mode=mode)
    cookies = dict(portal.client("steward").cookies)
    seen: set[int] = set()
    # Whether a task exists is not in the description; and the session is always given here, also where it is to be wrong.
    excluded = [positive_data_acceptance, negative_data_rejection]

    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(questions)
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=portal.base, cookies=cookies)
        seen.add(answer.status_code)
        if answer.status_code != 431:
            case.validate_response(answer, excluded_checks=excluded)

    ask()
    assert seen and max(seen) < 500
