"""The review pages of a running portal: what people see and do, by role, without a script."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest

from civicops.review.asking import find, task, tasks
from civicops.review.intake import confirmation_link
from civicops.review.people import Person
from civicops.review.room import Review, now_utc
from civicops.review.values import TaskDraft
from simulators.mailbox import Mailbox
from tests.flow.portal_kit import Server, serving
from tests.flow.review_kit import make_pantries, refile

STEWARD = Person("stefan-steward", "steward")


@dataclass(frozen=True)
class Desk:
    server: Server
    review: Review
    box: Mailbox

    def number(self, kind: str, subject: str) -> int:
        found = find(self.review, f"pantries.{kind}", subject)
        assert found is not None
        return found

    def state(self, number: int) -> str:
        return task(self.review, number, STEWARD, now_utc()).line.state

    def form(self, number: int, role: str) -> dict[str, str]:
        """The hidden fields of the answer's form, as a browser would send them."""
        return fields(self.server.get(f"/review/tasks/{number}/", role).text)

    def post(self, number: int, role: str, **values: object) -> httpx.Response:
        data = {**self.form(number, role), **values}
        return self.server.client(role).post(f"/review/tasks/{number}/", data=data)


def fields(html: str) -> dict[str, str]:
    found = dict(re.findall(r'<input type="hidden" name="(csrfmiddlewaretoken|seen|action)" value="([^"]*)"', html))
    return {"action": "decide", **found} | ({"action": "decide"} if "seen" in found else {})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("pantries")
    review = make_pantries(root)
    with Mailbox() as box:
        mail = f"mailto://127.0.0.1:{box.port}/?from=team@example.org&to=team@example.org&mode=insecure"
        with serving(SimpleNamespace(root=root), CIVICOPS_PORTAL_MAIL=mail) as server:  # type: ignore[arg-type]
            yield Desk(server, review, box)


def test_the_inbox_says_how_much_of_each_kind_waits_and_starts_with_the_most_useful(desk: Desk) -> None:
    html = desk.server.get("/review/", "contributor").text
    assert "Is this telephone number right?" in html
    assert "12 waiting" in html
    token = fields(html)["csrfmiddlewaretoken"]
    done = desk.server.client("contributor").post(
        "/review/next/", data={"csrfmiddlewaretoken": token, "kind": "pantries.phone"}
    )
    # The only one that is due within two days comes before those with more points.
    assert done.headers["location"] == f"/review/tasks/{desk.number('phone', 'pantry-3')}/"


def test_evidence_and_difference_stand_beside_the_form(desk: Desk) -> None:
    html = desk.server.get(f"/review/tasks/{desk.number('phone', 'pantry-1')}/", "contributor").text
    assert "County list" in html
    assert "213.555.0101" in html
    assert "<del>(213) 555 0101</del>" in html
    assert "<ins>213-555-0101</ins>" in html
    assert "from the library&#x27;s list" in html
    assert 'value="213-555-0101"' in html


def test_an_answer_counts_leads_to_the_next_and_can_be_taken_back(desk: Desk) -> None:
    number = desk.number("phone", "pantry-4")
    done = desk.post(number, "contributor", outcome="accept", **{"field-phone": "213-555-0104"})
    assert done.status_code == 302
    assert done.headers["location"].startswith("/review/tasks/")
    assert desk.state(number) == "decided"
    after = desk.server.get(done.headers["location"], "contributor").text
    assert "Accepted: " in after
    back = desk.server.client("contributor").post(
        f"/review/tasks/{number}/", data={"csrfmiddlewaretoken": fields(after)["csrfmiddlewaretoken"], "action": "undo"}
    )
    assert back.status_code == 302
    assert desk.state(number) == "open"


def test_who_changes_a_field_and_accepts_has_edited(desk: Desk) -> None:
    number = desk.number("phone", "pantry-5")
    desk.post(number, "contributor", outcome="accept", **{"field-phone": "213-555-0199"})
    view = task(desk.review, number, STEWARD, now_utc())
    assert view.effective is not None
    assert (view.effective.outcome, view.effective.value) == (
        "edit",
        {"phone": "213-555-0199", "email": "pantry-5@example.org"},
    )


def test_a_wrong_value_is_said_beside_its_field_and_nothing_entered_is_lost(desk: Desk) -> None:
    number = desk.number("phone", "pantry-6")
    said = desk.post(number, "contributor", outcome="edit", reason="I called", **{"field-phone": "<b>none</b>"})
    assert said.status_code == 400
    assert "It does not look as it must" in said.text
    assert 'value="&lt;b&gt;none&lt;/b&gt;"' in said.text
    assert ">I called</textarea>" in said.text
    assert desk.state(number) == "open"


def test_a_rejection_without_a_reason_is_refused(desk: Desk) -> None:
    number = desk.number("phone", "pantry-6")
    said = desk.post(number, "contributor", outcome="reject", **{"field-phone": "213-555-0106"})
    assert said.status_code == 400
    assert "needs a reason" in said.text


def test_when_the_question_changed_meanwhile_both_are_shown_and_nothing_is_decided(desk: Desk) -> None:
    number = desk.number("phone", "pantry-7")
    form = desk.form(number, "contributor")
    refile(desk.review, phone="213-555-02")
    said = desk.server.client("contributor").post(
        f"/review/tasks/{number}/", data={**form, "outcome": "edit", "field-phone": "213-555-0777"}
    )
    assert said.status_code == 409
    assert "This has changed while you were at it" in said.text
    assert "213-555-0107" in said.text
    assert "213-555-0207" in said.text
    assert 'value="213-555-0777"' in said.text
    assert desk.state(number) == "open"


def test_two_people_do_not_get_the_same_task(desk: Desk) -> None:
    def start(role: str) -> str:
        token = fields(desk.server.get("/review/", role).text)["csrfmiddlewaretoken"]
        done = desk.server.client(role).post(
            "/review/next/", data={"csrfmiddlewaretoken": token, "kind": "pantries.listing"}
        )
        return str(done.headers["location"])

    assert start("steward") != start("admin")


def test_what_somebody_submits_somebody_else_approves(desk: Desk) -> None:
    number = desk.number("listing", "pantry-8")
    values = {"field-phone": "213-555-0108", "field-status_code": "closed", "field-days": "Tue"}
    desk.post(number, "steward", outcome="edit", stay="1", **values)
    assert desk.state(number) == "submitted"
    assert "You submitted it; somebody else approves." in desk.server.get(f"/review/tasks/{number}/", "steward").text
    desk.post(number, "admin", outcome="approve")
    view = task(desk.review, number, STEWARD, now_utc())
    assert view.line.state == "decided"
    assert view.effective is not None
    assert view.effective.value == {"phone": "213-555-0108", "status_code": "closed", "days": ["Tue"]}


def test_a_pair_can_be_joined_and_its_distance_is_shown(desk: Desk) -> None:
    number = desk.number("same_place", "pair-2")
    html = desk.server.get(f"/review/tasks/{number}/", "contributor").text
    assert re.search(r"1\d\d m apart", html)
    done = desk.server.client("contributor").post(
        f"/review/tasks/{number}/",
        data={**fields(html), "outcome": "merge", "members": ["a2", "b2"], "field-phone": "213-555-0102"},
    )
    assert done.status_code == 302
    # Two raters are wanted: it stays open for one more, and the first is told so.
    assert desk.state(number) == "open"
    assert "somebody else does as well" in desk.server.get(f"/review/tasks/{number}/", "contributor").text
    # The second is not told what the first said.
    assert "by coral-contributor" not in desk.server.get(f"/review/tasks/{number}/", "admin").text
    assert "by coral-contributor" in desk.server.get(f"/review/tasks/{number}/", "contributor").text


def test_contacts_are_logged_and_a_task_can_be_put_off(desk: Desk) -> None:
    number = desk.number("phone", "pantry-9")
    desk.post(
        number, "contributor", action="contact", channel="called", came_of_it="voicemail", reason="Call after noon."
    )
    html = desk.server.get(f"/review/tasks/{number}/", "contributor").text
    assert "called: voicemail" in html
    assert "Call after noon." in html
    day = (now_utc() + timedelta(days=30)).date().isoformat()
    desk.post(number, "contributor", action="snooze", until=day, reason="They asked not to be called before.")
    view = task(desk.review, number, STEWARD, now_utc())
    assert view.line.snoozed_until is not None
    assert view.line.snoozed_until.date().isoformat() in (day, (now_utc() + timedelta(days=31)).date().isoformat())


def test_many_tasks_at_once_are_previewed_then_done_then_taken_back(desk: Desk) -> None:
    client = desk.server.client("admin")
    html = desk.server.get("/review/bulk/?kind=pantries.phone", "admin").text
    numbers = [desk.number("phone", "pantry-10"), desk.number("phone", "pantry-11")]
    data = {"csrfmiddlewaretoken": fields(html)["csrfmiddlewaretoken"], "do": "accept", "step": "preview"}
    shown = client.post("/review/bulk/", data={**data, "task": numbers}).text
    assert "2 of 2" in shown
    assert [desk.state(number) for number in numbers] == ["open", "open"]
    seen = dict(re.findall(r'name="(seen-\d+)" value="([0-9a-f]+)"', shown))
    assert len(seen) == 2
    client.post("/review/bulk/", data={**data, **seen, "task": numbers, "step": "apply"})
    assert [desk.state(number) for number in numbers] == ["decided", "decided"]
    client.post("/review/bulk/", data={**data, "step": "undo"})
    assert [desk.state(number) for number in numbers] == ["open", "open"]


def test_the_team_page_counts_and_draws(desk: Desk) -> None:
    html = desk.server.get("/review/team/", "steward").text
    assert "Check a whole listing" in html
    assert "stefan-steward" in html
    drawn = desk.server.get("/review/team/throughput.json", "steward").json()
    assert drawn["mark"]["type"] == "bar"
    assert desk.server.get("/review/team/nothing.json", "steward").status_code == 404


def test_a_viewer_may_not_answer_and_a_stranger_sees_nothing(desk: Desk) -> None:
    number = desk.number("phone", "pantry-1")
    assert desk.server.get(f"/review/tasks/{number}/", "viewer").status_code == 403
    assert desk.server.get("/review/").status_code == 302
    assert desk.server.get("/review/tasks/99999/", "contributor").status_code == 404


def test_texts_of_sources_are_never_markup(desk: Desk) -> None:
    from civicops.review.filing import file_tasks

    draft = TaskDraft("hostile", "<script>alert(1)</script>", proposed={"phone": "213-555-0150"})
    file_tasks(desk.review, desk.review.kind("pantries.phone"), [draft], now_utc(), is_complete=False)
    html = desk.server.get(f"/review/tasks/{desk.number('phone', 'hostile')}/", "contributor").text
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_what_the_public_sends_becomes_a_task_and_its_sender_sees_what_became_of_it(desk: Desk) -> None:
    stranger = desk.server.client()
    html = stranger.get("/suggest/pantries/suggestion/?lang=es").text
    assert "Sugiera algo nuevo" in html
    assert "field-status_code" not in html
    data = {
        "csrfmiddlewaretoken": fields(html)["csrfmiddlewaretoken"], "lang": "es", "text": "Abre los martes.",
        "opened": re.findall(r'name="opened" value="([^"]+)"', html)[0], "field-phone": "213-555-0177",
        "contact-email": "rosa@example.org",
    }  # fmt: skip
    early = stranger.post("/suggest/pantries/suggestion/", data=data)
    assert early.status_code == 400, "a form that was open for no time was filled in by a robot"
    assert "Abre los martes." in early.text
    time.sleep(3.1)
    trapped = stranger.post("/suggest/pantries/suggestion/", data={**data, "website_2": "http://spam.example.org"})
    assert trapped.status_code == 400
    sent = stranger.post("/suggest/pantries/suggestion/", data=data)
    assert sent.status_code == 302, sent.text
    status = sent.headers["location"]
    page = stranger.get(status).text
    assert "¡Gracias!" in page
    assert "Ha llegado y espera" in page
    [line] = tasks(desk.review, now_utc(), kinds=["pantries.suggestion"])
    seen = desk.server.get(f"/review/tasks/{line.id}/", "contributor").text
    assert "Abre los martes." in seen
    assert "rosa@example.org" in seen
    desk.post(line.id, "contributor", outcome="accept", **{"field-phone": "213-555-0177"})
    after = stranger.get(status.split("?")[0]).text
    assert "It is accepted" in after
    assert "coral" not in after
    assert "rosa" not in after
    # Whoever asks to be forgotten is: a steward erases it, and what they suggested stays.
    assert desk.server.client("contributor").post(
        f"/review/tasks/{line.id}/", data={"csrfmiddlewaretoken": fields(seen)["csrfmiddlewaretoken"], "action": "forget"}
    ).status_code == 403  # fmt: skip
    before = desk.server.get(f"/review/tasks/{line.id}/", "steward").text
    assert "rosa@example.org" in before
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', before)[0]
    desk.server.client("steward").post(
        f"/review/tasks/{line.id}/", data={"csrfmiddlewaretoken": token, "action": "forget"}
    )
    gone = desk.server.get(f"/review/tasks/{line.id}/", "steward").text
    assert "rosa@example.org" not in gone and "Abre los martes." in gone


def test_nothing_can_be_suggested_where_nobody_asks(desk: Desk) -> None:
    assert desk.server.get("/suggest/pantries/phone/").status_code == 404
    assert desk.server.get("/suggest/pantries/suggestion/?about=nobody").status_code == 404
    assert desk.server.get("/suggest/status/forged/").status_code == 404


def test_a_hostile_suggestion_is_refused_or_shown_as_text(desk: Desk) -> None:
    stranger = desk.server.client()
    html = stranger.get("/suggest/pantries/suggestion/").text
    data = {
        "csrfmiddlewaretoken": fields(html)["csrfmiddlewaretoken"], "text": '<img src=x onerror="alert(1)"> =cmd|calc!A1',
        "opened": re.findall(r'name="opened" value="([^"]+)"', html)[0],
    }  # fmt: skip
    time.sleep(3.1)
    too_long = stranger.post("/suggest/pantries/suggestion/", data={**data, "text": "x" * 5001})
    assert too_long.status_code == 400
    assert "at most 5,000 characters" in too_long.text
    wrong = stranger.post("/suggest/pantries/suggestion/", data={**data, "field-phone": "call me"})
    assert wrong.status_code == 400
    assert "It does not look as it must" in wrong.text
    forged = stranger.post("/suggest/pantries/suggestion/", data={**data, "opened": "forged"})
    assert forged.status_code == 400
    assert stranger.post("/suggest/pantries/suggestion/", data=data).status_code == 302
    newest = max(tasks(desk.review, now_utc(), kinds=["pantries.suggestion"]), key=lambda line: line.id)
    seen = desk.server.get(f"/review/tasks/{newest.id}/", "contributor").text
    assert "<img src=x" not in seen
    assert "&lt;img src=x" in seen


def test_an_organisation_confirms_by_a_link_that_works_once(desk: Desk) -> None:
    kind = desk.review.kind("pantries.phone")
    token, _ = confirmation_link(desk.review, kind, "pantry-0", now_utc())
    stranger = desk.server.client()
    page = stranger.get(f"/confirm/{token}/")
    assert page.status_code == 200
    assert "Is this still right?" in page.text
    data = {
        "csrfmiddlewaretoken": fields(page.text)["csrfmiddlewaretoken"],
        "action": "correct",
        "field-phone": "213-555-0888",
    }
    assert "a person looks at it" in stranger.post(f"/confirm/{token}/", data=data).text.lower()
    again = stranger.get(f"/confirm/{token}/")
    assert again.status_code == 410
    assert "has been used" in again.text
    forged = stranger.get(f"/confirm/{token[:-1]}x/")
    assert forged.status_code == 410
    assert "not one of ours" in forged.text
    late, _ = confirmation_link(desk.review, kind, "pantry-0", now_utc() - timedelta(days=60))
    assert "This link ended" in stranger.get(f"/confirm/{late}/").text


def test_an_organisation_gets_its_link_by_mail(desk: Desk) -> None:
    number = desk.number("phone", "pantry-1")
    html = desk.post(number, "contributor", action="confirm_link")
    assert html.status_code == 302
    page = desk.server.get(f"/review/tasks/{number}/", "contributor").text
    assert "Sent. The link works once" in page
    assert "emailed: emailed" in page
    [letter] = desk.box.mails
    assert letter.to == ("pantry-1@example.org",)
    assert "¿Sigue siendo correcto?" in letter.subject
    link = re.findall(r"http://\S+/confirm/\S+", letter.text)[0]
    assert "213) 555 0101" in desk.server.client().get(link.replace(desk.server.base, "")).text
