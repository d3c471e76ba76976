"""The routes of review: kinds, tasks, answers, figures, and what the public sends in.

Belongs here: who asks, parameters, answers, which failure is which status. Does not belong here: what anything does
(`civicops.review`). Who may ask for a route at all stands in `access.RULES`; what a person may do to a task, its kind says.

The person is the one who is signed in, never what a request says. Writing needs the CSRF token of the session.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.params.functions import Path, Query
from ninja.security import django_auth

from civicops.portal.api import review_values as values
from civicops.portal.api.values import Problem
from civicops.portal.reviewing import person_of, public_address, review
from civicops.review import asking, bulk, deciding, intake, taking, team
from civicops.review.agreement import agreement
from civicops.review.automatic import report
from civicops.review.people import Person
from civicops.review.room import Review
from civicops.review.values import NotAllowedError, ReviewError

router = Router(auth=django_auth, tags=["review"])
public = Router(tags=["suggestions"])
Number = Path(description="The number of a task.", ge=1, le=2**31 - 1)
KindId = Path(description="`product.kind`.", max_length=200)
_WRONG: dict[Any, Any] = {
    401: Problem, 403: Problem, 404: Problem, 409: values.Conflict, 422: values.Faults, 429: Problem,
}  # fmt: skip


def _asked(request: HttpRequest) -> tuple[Review, Person, datetime]:
    """The room, who asks, and the moment. Raises `NotAllowedError` for an account without a role."""
    person = person_of(request.user)
    if person is None:
        raise NotAllowedError("Your account has no role yet.", hint="Ask an admin for one.")
    return review(), person, datetime.now(UTC)


def _line(line: asking.TaskLine) -> dict[str, Any]:
    return vars(line) | {"claimed_by": list(line.claimed_by)}


def _fields(found: Any) -> list[dict[str, Any]]:
    return [vars(item) | {"choices": list(item.choices), "examples": list(item.examples)} for item in found]


def _view(view: asking.TaskView) -> dict[str, Any]:
    return _line(view.line) | {
        "seen": view.seen, "content": view.content, "shown": view.shown, "base": view.base, "fields": _fields(view.fields),
        "changes": view.changes, "part": view.part, "refusal": view.refusal, "outcomes": list(view.outcomes),
        "reasons_for": list(view.reasons_for), "why": list(view.why), "draft": view.draft, "can_undo": view.can_undo,
        "is_draft_old": view.is_draft_old, "decisions": [vars(item) for item in view.decisions],
    }  # fmt: skip


@router.get("kinds", response={200: values.KindList, **_WRONG}, url_name="review_kinds", summary="List kinds of task")
def kinds(request: HttpRequest) -> dict[str, Any]:
    """Every kind that this person may decide, with its form and how much there is to do."""
    room, person, now = _asked(request)
    mine = [name for name, kind in room.kinds.items() if person.may(kind.file.who.decide)]
    counts = {item.kind: vars(item) for item in team.backlog(room, now, mine)}
    return {
        "kinds": [
            counts[name] | room.kinds[name].file.model_dump() | {"id": name, "fields": _fields(room.kinds[name].fields)}
            for name in sorted(mine)
        ]
    }


@router.get("tasks", response={200: values.TaskList, **_WRONG}, url_name="review_tasks", summary="List tasks")
def tasks(
    request: HttpRequest,
    kind: str = Query("", description="Only this kind, `product.kind`.", max_length=200),
    state: str = Query("", description="Only this state; all that are not over when left out.", max_length=20),
    record: str = Query("", description="Only about this record.", max_length=300),
    q: str = Query("", description="A part of the title, or the subject.", max_length=200),
    after: int = Query(0, description="Skip so many.", ge=0, le=1_000_000),
    limit: int = Query(50, ge=1, le=200),
) -> dict[str, Any]:
    """Tasks of the kinds that this person may decide, the most useful first."""
    room, person, now = _asked(request)
    mine = [name for name in room.kinds if person.may(room.kinds[name].file.who.decide)]
    if kind:
        mine = [room.kind(kind).id] if kind in mine or kind not in room.kinds else []
    states = (state,) if state else asking.GOING
    found = asking.tasks(room, now, kinds=mine, states=states, record=record or None, text=q, after=after, limit=limit)
    return {"tasks": [_line(item) for item in found]}


@router.post("next", response={200: values.NextOut, **_WRONG}, url_name="review_next", summary="Take the next task")
def next_task(request: HttpRequest, asked: values.NextIn) -> dict[str, Any]:
    """Claim the most useful task; it is kept for this person for a while."""
    room, person, now = _asked(request)
    number = taking.next_task(room, person, now, kinds=asked.kinds, skip=asked.skip)
    return {"task": None if number is None else _view(asking.task(room, number, person, now))}


@router.get("tasks/{number}", response={200: values.TaskOut, **_WRONG}, url_name="review_task", summary="Show a task")
def task(request: HttpRequest, number: int = Number) -> dict[str, Any]:
    """One task with its evidence, its form, and what this person may answer."""
    room, person, now = _asked(request)
    return _view(asking.task(room, number, person, now))


@router.post(
    "tasks/{number}/decide", response={200: values.DecidedOut, **_WRONG}, url_name="review_decide", summary="Answer"
)
def decide(request: HttpRequest, asked: values.DecideIn, number: int = Number) -> dict[str, Any]:
    """Answer, approve or adjudicate. Status 409 with both versions when the task has changed since it was seen."""
    room, person, now = _asked(request)
    done = deciding.decide(
        room, number, person, outcome=asked.outcome, seen=asked.seen, now=now, value=asked.value, reason=asked.reason,
        seconds=asked.seconds,
    )  # fmt: skip
    return vars(done)


@router.post(
    "tasks/{number}/undo", response={200: values.DecidedOut, **_WRONG}, url_name="review_undo", summary="Take back"
)
def undo(request: HttpRequest, number: int = Number) -> dict[str, Any]:
    """Take one's own last answer back, until a run has taken it up."""
    room, person, now = _asked(request)
    return vars(deciding.undo(room, number, person, now))


@router.post(
    "tasks/{number}/reopen", response={200: values.Done, **_WRONG}, url_name="review_reopen", summary="Ask again"
)
def reopen(request: HttpRequest, asked: values.ReasonIn, number: int = Number) -> dict[str, Any]:
    """Ask a decided question again; the old decision counts until there is a new one."""
    room, person, now = _asked(request)
    deciding.reopen(room, number, person, asked.reason, now)
    return {"id": number}


@router.post(
    "tasks/{number}/claim", response={200: values.Done, **_WRONG}, url_name="review_claim", summary="Take a task"
)
def claim(request: HttpRequest, number: int = Number) -> dict[str, Any]:
    """Take one certain task."""
    room, person, now = _asked(request)
    taking.claim(room, number, person, now)
    return {"id": number}


@router.post(
    "tasks/{number}/release", response={200: values.Done, **_WRONG}, url_name="review_release", summary="Give back"
)
def release(request: HttpRequest, number: int = Number) -> dict[str, Any]:
    """Give a task back; a draft of the answer is kept."""
    room, person, now = _asked(request)
    taking.release(room, number, person, now)
    return {"id": number}


@router.post(
    "tasks/{number}/draft", response={200: values.Done, **_WRONG}, url_name="review_draft", summary="Keep a draft"
)
def draft(request: HttpRequest, asked: values.DraftIn, number: int = Number) -> dict[str, Any]:
    """Keep a half-finished answer."""
    room, person, now = _asked(request)
    taking.save_draft(room, number, person, asked.seen, asked.content, now)
    return {"id": number}


@router.post(
    "tasks/{number}/assign", response={200: values.Done, **_WRONG}, url_name="review_assign", summary="Give to somebody"
)
def assign(request: HttpRequest, asked: values.AssignIn, number: int = Number) -> dict[str, Any]:
    """Give a task to somebody, or to nobody in particular."""
    room, person, now = _asked(request)
    taking.assign(room, number, asked.to, person, now, asked.reason)
    return {"id": number}


@router.post(
    "tasks/{number}/snooze", response={200: values.Done, **_WRONG}, url_name="review_snooze", summary="Put off"
)
def snooze(request: HttpRequest, asked: values.SnoozeIn, number: int = Number) -> dict[str, Any]:
    """Put a task off until a moment, or wake it."""
    room, person, now = _asked(request)
    until = asked.until
    if until is not None and until.tzinfo is None:
        raise ReviewError("'until' needs a time zone.", hint="Such as 2026-03-01T00:00:00Z.")
    taking.snooze(room, number, person, until, asked.reason, now)
    return {"id": number}


@router.post(
    "tasks/{number}/contact", response={200: values.Done, **_WRONG}, url_name="review_contact", summary="Log a contact"
)
def contact(request: HttpRequest, asked: values.ContactIn, number: int = Number) -> dict[str, Any]:
    """Log that somebody was asked, how, and what came of it."""
    room, person, now = _asked(request)
    taking.contacted(room, number, person, asked.channel, asked.outcome, asked.text, now)
    return {"id": number}


@router.post("bulk", response={200: values.BulkOut, **_WRONG}, url_name="review_bulk", summary="Act on many tasks")
def many(request: HttpRequest, asked: values.BulkIn) -> dict[str, Any]:
    """First with `is_preview`, then without it and with the hashes that the preview gave."""
    room, person, now = _asked(request)
    planned = bulk.plan(
        room, person, asked.action, asked.tasks, now, reason=asked.reason, to=asked.to, until=asked.until
    )
    shown = [vars(item) for item in planned.tasks]
    if asked.is_preview:
        return {
            "planned": shown,
            "done": [],
            "left": {str(item.id): item.refusal for item in planned.tasks if item.refusal},
        }
    done = bulk.apply(room, bulk.as_seen(planned, {int(n): s for n, s in asked.seen.items() if n.isdigit()}), now)
    return {"planned": shown, "done": list(done.done), "left": {str(number): words for number, words in done.left}}


@router.get("team", response={200: values.TeamOut, **_WRONG}, url_name="review_team", summary="Figures of the team")
def figures(request: HttpRequest, days: int = Query(30, ge=1, le=366)) -> dict[str, Any]:
    """Backlog of each kind, answers per day, who did how much."""
    room, _, now = _asked(request)
    return {
        "backlog": [asdict(item) for item in team.backlog(room, now)],
        "days": [asdict(item) for item in team.throughput(room, now, days=days)],
        "members": [asdict(item) for item in team.members(room, now, days=days)],
    }


@router.get(
    "kinds/{kind}/agreement", response={200: values.AgreementOut, **_WRONG}, url_name="review_agreement",
    summary="Agreement of raters",
)  # fmt: skip
def agreed(request: HttpRequest, kind: str = KindId) -> dict[str, Any]:
    """Percent and Krippendorff's alpha, over all and per month."""
    room, _, _ = _asked(request)
    return {"periods": [asdict(item) for item in agreement(room, room.kind(kind))]}


@router.get(
    "kinds/{kind}/calibration", response={200: dict[str, Any], **_WRONG}, url_name="review_calibration",
    summary="How right the machine is",
)  # fmt: skip
def calibration(request: HttpRequest, kind: str = KindId) -> dict[str, Any]:
    """How right suggestions of each confidence were, and what may be accepted without a person."""
    room, _, _ = _asked(request)
    return asdict(report(room, room.kind(kind)))


@router.get("mine", response={200: values.MineOut, **_WRONG}, url_name="review_mine", summary="What I did")
def mine(request: HttpRequest, limit: int = Query(50, ge=1, le=200)) -> dict[str, Any]:
    """This person's newest answers, each with its task."""
    room, person, _ = _asked(request)
    found = asking.history(room, person.name, limit=limit)
    return {"answers": [{"task": _line(line), "decision": vars(made)} for line, made in found]}


@public.post("suggestions", response={200: values.SuggestedOut, **_WRONG}, url_name="suggest", summary="Suggest")
def suggest(request: HttpRequest, asked: values.SuggestIn) -> dict[str, Any]:
    """Suggest something new or a correction; no account is needed. A person looks at it."""
    room = review()
    done = intake.suggest(
        room, room.kind(asked.kind), asked.fields, now=datetime.now(UTC), address=public_address(request), subject=asked.subject,
        text=asked.text, contact=asked.contact,
    )  # fmt: skip
    return {"token": done.token}


@public.get(
    "suggestions/{token}",
    response={200: values.SuggestionOut, **_WRONG},
    url_name="suggestion",
    summary="What became of it",
)
def suggestion(
    request: HttpRequest, response: HttpResponse, token: str = Path(description="As `suggest` gave it.", max_length=200)
) -> dict[str, Any]:
    """What became of a suggestion."""
    found = intake.status(review(), token)
    if found is None:
        raise intake.NoSuggestionError("There is no such suggestion.", hint="Copy the whole link.")
    response["Cache-Control"] = "private, no-store"
    return {n: getattr(found, n) for n in ("subject", "received_at", "status", "changed_at")}


@public.get(
    "confirmations/{token}", response={200: values.ConfirmableOut, 410: Problem, **_WRONG}, url_name="confirmable",
    summary="What a link is about",
)  # fmt: skip
def confirmable(
    request: HttpRequest, response: HttpResponse, token: str = Path(description="From the message.", max_length=500)
) -> dict[str, Any]:
    """The record that whoever got the link may confirm or correct."""
    found = intake.open_link(review(), token, datetime.now(UTC))
    response["Cache-Control"] = "private, no-store"
    return {
        "title": found.kind.file.title, "subject": found.subject, "values": found.values, "expires_at": found.expires_at,
        "fields": _fields(found.kind.fields),
    }  # fmt: skip


@public.post(
    "confirmations/{token}", response={200: values.ConfirmedOut, 410: Problem, **_WRONG}, url_name="confirm",
    summary="Confirm or correct",
)  # fmt: skip
def confirm(
    request: HttpRequest, asked: values.ConfirmIn, token: str = Path(description="From the message.", max_length=500)
) -> dict[str, Any]:
    """Use the link: the record is right, or right with these columns changed. A person looks at it."""
    intake.confirm(review(), token, datetime.now(UTC), fields=asked.fields, text=asked.text)
    return {"is_used": True}
