"""The inbox: what waits for a person, one task at a time, and what they did.

Belongs here: the pages a reviewer works with. Does not belong here: rules (`civicops.review`), figures of a team and many tasks
at once (`review_team`), what the public sends in (`suggestions`).

An answer leads straight to the next task, which is claimed in the same request; what was just done can be taken back from there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from civicops.errors import CivicopsError
from civicops.observe.sending import send_letter
from civicops.portal import reviewing
from civicops.portal.places import picture_of
from civicops.portal.reading import workspace
from civicops.portal.words import letter_of
from civicops.review import asking, deciding, intake, taking, workload
from civicops.review.forms import FormError
from civicops.review.people import Person
from civicops.review.room import Review
from civicops.review.values import STATES, ConflictError, NotAllowedError, ReviewError

PAGE = 50
DRAFT_BYTES = 200_000
SKIPPED = "review_skipped"
LAST = "review_last"
_MOST_SKIPPED = 50


def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for this person: what they have in hand, what was given to them, how much there is of each kind."""
    person, review, now = person_or_refuse(request), reviewing.review(), datetime.now(UTC)
    kinds = reviewing.kinds_for(person)
    counts = workload.counts(review, person, now)
    mine = workload.mine(review, person, now)
    context = {
        "kinds": [{"kind": kind, "waiting": counts.get(kind.id, 0)} for kind in kinds],
        "waiting": sum(counts.get(kind.id, 0) for kind in kinds),
        "mine": mine,
        "done": asking.history(review, person.name, limit=15),
        "faults": reviewing.faults(),
        "last": _last(request, review, person, now),
        "may_lead": any(person.may(kind.file.who.approve) for kind in kinds),
    }
    return render(request, "portal/review/inbox.html", context)


def next_one(request: HttpRequest) -> HttpResponse:
    """Claim the most useful task and go there; with `skip`, another one than that."""
    if request.method != "POST":
        return redirect("review")
    person, kind = person_or_refuse(request), request.POST.get("kind", "")
    skip = request.POST.get("skip", "")
    if skip.isdigit():
        skipped = [*request.session.get(SKIPPED, []), int(skip)][-_MOST_SKIPPED:]
        request.session[SKIPPED] = skipped
        taking.release(reviewing.review(), int(skip), person, datetime.now(UTC))
    return _onward(request, person, kind)


def listed(request: HttpRequest) -> HttpResponse:
    """Every task a person may see, by kind, state and words."""
    person, review, now = person_or_refuse(request), reviewing.review(), datetime.now(UTC)
    kinds = reviewing.kinds_for(person)
    chosen = request.GET.get("kind", "")
    state = request.GET.get("state", "")
    text = request.GET.get("q", "").strip()
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    wanted = [kind.id for kind in kinds if chosen in ("", kind.id)]
    states = (state,) if state in STATES else asking.GOING if not state else STATES
    found = asking.tasks(review, now, kinds=wanted, states=states, text=text, after=after, limit=PAGE + 1)
    query = {"kind": chosen, "state": state, "q": text}
    context = {
        "kinds": kinds, "tasks": found[:PAGE], "chosen": chosen, "state": state, "states": STATES, "q": text,
        "later": urlencode(query | {"after": after + PAGE}) if len(found) > PAGE else "",
        "earlier": urlencode(query | {"after": max(after - PAGE, 0)}) if after else "",
    }  # fmt: skip
    return render(request, "portal/review/list.html", context)


def task(request: HttpRequest, number: int) -> HttpResponse:
    """One task with its evidence beside the form; with POST, what the person does with it."""
    person = person_or_refuse(request)
    if request.method == "POST":
        return _act(request, number, person)
    return _show(request, number, person)


def draft(request: HttpRequest, number: int) -> HttpResponse:
    """Keep a half-finished answer that the page's script sends while somebody types."""
    if request.method != "POST":
        return redirect("review_task", number=number)
    person, review = person_or_refuse(request), reviewing.review()
    if int(request.headers.get("Content-Length") or 0) > DRAFT_BYTES:
        return JsonResponse({"message": "This is too long to be kept as a draft."}, status=413)
    try:
        view = asking.task(review, number, person, datetime.now(UTC))
        answer = reviewing.answer_of(request.POST, view.fields)
        content = {"value": dict(answer.value), "reason": answer.reason}
        taking.save_draft(review, number, person, answer.seen, content, datetime.now(UTC))
    except ReviewError as error:
        return JsonResponse({"message": str(error)}, status=409)
    return JsonResponse({"message": "Draft kept."})


def _show(
    request: HttpRequest,
    number: int,
    person: Person,
    *,
    entered: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
    conflict: ConflictError | None = None,
    reason: str = "",
    trouble: str = "",
) -> HttpResponse:
    review, now = reviewing.review(), datetime.now(UTC)
    view = _view(review, number, person, now)
    others: tuple[str, ...] = ()
    if view.part is not None and entered is None:
        try:  # whoever looks at a task that is free takes it, so that nobody else does the same work
            taking.claim(review, number, person, now)
        except ReviewError as error:
            others = (str(error),)
    controls = reviewing.controls(view, entered, faults)
    context = {
        "task": view, "line": view.line, "kind": view.kind, "held": others,
        "controls": [item for item in controls if not item.is_aside], "aside": [item for item in controls if item.is_aside],
        "buttons": [_button(outcome, view) for outcome in view.outcomes],
        "changes": [(name, reviewing.as_text(old), reviewing.as_text(new)) for name, (old, new) in view.changes.items()],
        "is_approval": view.part == "approval",
        "reason": reason or str((view.draft or {}).get("reason", "")),
        "members": view.content.get("members") or (),
        "choices": _choices(view),
        "place": picture_of(view.shown), "conflict": _conflict(conflict), "trouble": trouble,
        "last": _last(request, review, person, now, besides=number),
        "timezone": workspace().settings.workspace.timezone,
        "tomorrow": (now + timedelta(days=1)).date().isoformat(),
        "may_assign": person.may(view.kind.file.who.assign), "may_reopen": person.may(view.kind.file.who.adjudicate),
        "people": workload.people(review, view.kind.id) if person.may(view.kind.file.who.assign) else (),
        "contacts": [event for event in view.events if event.kind == "contact"],
        "sender": intake.sender_of(review, number), "may_forget": person.may(view.kind.file.who.approve),
    }  # fmt: skip
    status = 409 if conflict else 400 if faults or trouble else 200
    return render(request, "portal/review/task.html", context, status=status)


def _button(outcome: str, view: asking.TaskView) -> dict[str, Any]:
    words = reviewing.WORDS[outcome]
    if outcome == "accept" and not view.content.get("proposed"):
        words = "It is right as it is"
    if outcome == "edit" and "accept" not in view.outcomes:
        words = "Save my answer"
    return {
        "outcome": outcome,
        "words": words,
        "key": reviewing.KEYS[outcome],
        "needs_reason": outcome in view.reasons_for,
    }


def _choices(view: asking.TaskView) -> list[dict[str, Any]]:
    """The suggestions a task offers: what each is called, how sure the machine is, and what it puts into the form."""
    found = []
    for value, shown in zip(view.content.get("choices") or (), view.shown.get("choices") or (), strict=False):
        fill = {reviewing.FIELD + name: reviewing.as_text(item) for name, item in value.items()}
        label = shown.get("label") or ", ".join(reviewing.as_text(item) for item in value.values())
        found.append(
            {"label": label, "confidence": shown.get("confidence"), "json": json.dumps(fill, ensure_ascii=False)}
        )
    return found


def _conflict(error: ConflictError | None) -> list[tuple[str, str, str]]:
    if error is None:
        return []
    return [
        (name.split(".", 1)[-1], reviewing.as_text(mine), reviewing.as_text(theirs))
        for name, (mine, theirs) in error.changes.items()
    ]


def _act(request: HttpRequest, number: int, person: Person) -> HttpResponse:
    action = request.POST.get("action", "decide")
    review, now = reviewing.review(), datetime.now(UTC)
    here = redirect("review_task", number=number)
    note = request.POST.get("reason", "")
    try:
        match action:
            case "decide":
                return _decide(request, number, person)
            case "undo":
                deciding.undo(review, number, person, now)
                request.session.pop(LAST, None)
                messages.success(request, "Taken back; the task is open again.")
            case "release":
                taking.release(review, number, person, now)
                return redirect("review")
            case "snooze":
                taking.snooze(review, number, person, day_of(request.POST.get("until", "")), note, now)
                messages.success(request, "Put off; nobody is given it before that day.")
                return redirect("review")
            case "wake":
                taking.snooze(review, number, person, None, note, now)
            case "contact":
                channel, outcome = request.POST.get("channel", ""), request.POST.get("came_of_it", "")
                taking.contacted(review, number, person, channel, outcome, note, now)
                messages.success(request, "Noted.")
            case "assign":
                to = request.POST.get("to", "").strip()
                taking.assign(review, number, to or None, person, now, note)
                messages.success(request, f"Given to {to}." if to else "Free for anybody again.")
            case "confirm_link":
                return _confirmation(request, review, number, person)
            case "forget":
                return _forget(request, review, number, person)
            case "reopen":
                deciding.reopen(review, number, person, note, now)
                messages.success(request, "It is asked again; the old decision counts until there is a new one.")
            case _:
                messages.error(request, "There is no such action; nothing was changed.")
    except NotAllowedError as error:
        raise PermissionDenied(str(error)) from error
    except ReviewError as error:
        messages.error(request, str(error))
    return here


def _forget(request: HttpRequest, review: Review, number: int, person: Person) -> HttpResponse:
    """Erase who sent in a task's suggestion, as they may ask; the suggestion stays."""
    view = _view(review, number, person, datetime.now(UTC))
    if not person.may(view.kind.file.who.approve):
        raise NotAllowedError(
            f"Erasing who sent it in needs the role {view.kind.file.who.approve}.", hint="Ask a steward."
        )
    found = intake.suggestion_of(review, number)
    if found is not None and intake.erase_sender(review, found, person.name, datetime.now(UTC)):
        messages.success(request, "Erased. The suggestion stays.")
    else:
        messages.error(request, "Nothing is known of who sent it in.")
    return redirect("review_task", number=number)


def _confirmation(request: HttpRequest, review: Review, number: int, person: Person) -> HttpResponse:
    """Make a link by which an organisation confirms its own record; send it where a mail server is set, else show it."""
    now, settings = datetime.now(UTC), workspace().settings
    view = _view(review, number, person, now)
    column = view.kind.file.confirm_column
    if not column or view.part is None:
        raise NotAllowedError("No link can be made here.", hint="Take the task first.")
    token, expires = intake.confirmation_link(review, view.kind, view.line.subject, now)
    link = request.build_absolute_uri(reverse("confirm", args=[token]))
    to = str((view.content.get("current") or {}).get(column) or (view.content.get("proposed") or {}).get(column) or "")
    if not settings.portal.mail or not to:
        why = "They have no mail address" if not to else "No mail server is set"
        messages.success(
            request, f"{why}; send them this link yourself. It works once, until {expires:%-d %B %Y}: {link}"
        )
        return redirect("review_task", number=number)
    name = settings.workspace.organisation or "civicops"
    try:
        send_letter(
            settings.portal.mail, to, letter_of(name, view.line.title, link, expires), settings.portal.mail_allow
        )
    except CivicopsError as error:
        messages.error(request, f"{error} You can send them this link yourself: {link}")
        return redirect("review_task", number=number)
    channel = next((word for word in view.kind.file.contact_channels if word.replace("-", "") == "emailed"), "")
    if channel and channel in view.kind.file.contact_outcomes:
        taking.contacted(review, number, person, channel, channel, "A link to confirm the record was sent.", now)
    messages.success(request, f"Sent. The link works once, until {expires:%-d %B %Y}.")
    return redirect("review_task", number=number)


def _decide(request: HttpRequest, number: int, person: Person) -> HttpResponse:
    review, now = reviewing.review(), datetime.now(UTC)
    view = _view(review, number, person, now)
    answer = reviewing.answer_of(request.POST, view.fields)
    outcome = reviewing.with_changes(view, answer)
    try:
        deciding.decide(
            review, number, person, outcome=outcome, seen=answer.seen, now=now, reason=answer.reason,
            value=reviewing.value_for(outcome, answer), seconds=answer.seconds,
        )  # fmt: skip
    except ConflictError as error:
        return _show(request, number, person, entered=answer.value, conflict=error, reason=answer.reason)
    except FormError as error:
        return _show(request, number, person, entered=answer.value, faults=error.faults, reason=answer.reason)
    except NotAllowedError as error:
        messages.error(request, str(error))
        return redirect("review_task", number=number)
    except ReviewError as error:
        return _show(request, number, person, entered=answer.value, reason=answer.reason, trouble=str(error))
    request.session[LAST] = {"task": number, "said": reviewing.SAID[outcome]}
    if "stay" in request.POST:
        return redirect("review_task", number=number)
    return _onward(request, person, view.kind.id)


def _onward(request: HttpRequest, person: Person, kind: str) -> HttpResponse:
    """To the next task of a kind, or of any kind when there is none."""
    review, now = reviewing.review(), datetime.now(UTC)
    skip = request.session.get(SKIPPED, [])
    every = [item.id for item in reviewing.kinds_for(person)]
    for kinds in ([kind] if kind in every else [], every):
        found = taking.next_task(review, person, now, kinds=kinds, skip=skip) if kinds else None
        if found is not None:
            return redirect("review_task", number=found)
    if skip:
        request.session[SKIPPED] = []
        messages.success(request, "Only tasks that you skipped are left; they come again now.")
    else:
        messages.success(request, "Nothing waits for you. Thank you!")
    return redirect("review")


def person_or_refuse(request: HttpRequest) -> Person:
    """The person who asks. Raises `PermissionDenied` for an account without a role."""
    person = reviewing.person_of(request.user)
    if person is None:
        raise PermissionDenied("Your account has no role yet; an admin gives it one.")
    return person


def _view(review: Review, number: int, person: Person, now: datetime) -> asking.TaskView:
    try:
        return asking.task(review, number, person, now)
    except NotAllowedError as error:
        raise PermissionDenied(str(error)) from error
    except ReviewError as error:
        raise Http404(str(error)) from error


def _last(
    request: HttpRequest, review: Review, person: Person, now: datetime, besides: int | None = None
) -> dict[str, Any] | None:
    """What was done last, as long as it can be taken back."""
    last = request.session.get(LAST)
    if not last or last["task"] == besides:
        return None
    try:
        found = asking.task(review, last["task"], person, now)
    except ReviewError:
        return None
    return {"number": found.line.id, "title": found.line.title, "said": last["said"]} if found.can_undo else None


def day_of(text: str) -> datetime:
    """The beginning of a day (ISO) in the workspace's zone. Raises `ReviewError` for what is none."""
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        raise ReviewError("Say until which day.", hint="Choose one in the calendar.") from None
    return day.replace(tzinfo=ZoneInfo(workspace().settings.workspace.timezone))
