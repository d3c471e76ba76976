"""Commands about human review: what waits, the next task, answering, agreement, calibration, exports.

Belongs here: printing tasks and passing answers on. Does not belong here: what they do (`civicops.review`).

Whoever may run commands in a workspace may do everything there, so they act with the role admin; that nobody judges their own
work holds for them as well.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table

if TYPE_CHECKING:
    from civicops.review.asking import TaskView
    from civicops.review.people import Person
    from civicops.review.room import Review

app = typer.Typer(no_args_is_help=True, help="Review: what people have to decide, and what they decided.")

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The number of the task.", show_default=False)]
Who = Annotated[str, typer.Option(help="Who you are; your user name when left out.", show_default=False)]
KindName = Annotated[str, typer.Argument(metavar="KIND", help="PRODUCT.KIND.", show_default=False)]
AnyKind = Annotated[str, typer.Option("--kind", help="Only this kind, PRODUCT.KIND.", show_default=False)]


@app.callback()
def review() -> None:
    """Review: what people have to decide, and what they decided."""


@app.command("list")
def list_(
    kind: AnyKind = "",
    state: Annotated[
        str, typer.Option(help="open, submitted, disputed, decided or withdrawn; the first three when left out.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many tasks to show.", min=1, max=1000)] = 20,
    json: bool = Json,
) -> None:
    """List tasks, the most useful first, and how many there are of each kind."""
    from civicops.review.asking import GOING, tasks  # noqa: PLC0415 - every command loads only what it needs
    from civicops.review.team import backlog  # noqa: PLC0415

    room, now = _opened()
    kinds = [kind] if kind else None
    found = tasks(room, now, kinds=kinds, states=(state,) if state else GOING, limit=limit)
    counts = backlog(room, now, kinds)
    if json:
        as_json({"kinds": counts, "tasks": found})
        return
    rows = [(b.kind, b.open, b.submitted, b.disputed, b.overdue, b.decided) for b in counts]
    numbers = ("open", "submitted", "disputed", "overdue", "decided")
    table(("kind", *numbers), rows, right=numbers)
    if found:
        table(
            ("number", "kind", "state", "points", "due", "what"),
            [(i.id, i.kind, i.state, f"{i.points:.2f}", i.due_at and f"{i.due_at:%Y-%m-%d}", i.title) for i in found],
        )
    next_step("civicops review next" if found else "civicops review export PRODUCT.KIND")


@app.command("show")
def show(number: Number, who: Who = "", json: bool = Json) -> None:
    """Show one task: the question, the evidence, what may be answered, what happened."""
    from civicops.review.asking import task  # noqa: PLC0415

    room, now = _opened()
    view = task(room, number, _person(who), now)
    if json:
        as_json(_plain(view))
        return
    _show(view)
    next_step(_how_to_answer(view))


@app.command("next")
def next_(kind: AnyKind = "", who: Who = "", json: bool = Json) -> None:
    """Take the most useful task and show it; it is kept for you for a while."""
    from civicops.review.asking import task  # noqa: PLC0415
    from civicops.review.taking import next_task  # noqa: PLC0415

    room, now = _opened()
    person = _person(who)
    number = next_task(room, person, now, kinds=[kind] if kind else None)
    view = None if number is None else task(room, number, person, now)
    if json:
        as_json(None if view is None else _plain(view))
        return
    if view is None:
        say("There is nothing for you to decide.")
        next_step("civicops review list --state decided")
        return
    _show(view)
    next_step(_how_to_answer(view))


@app.command("decide")
def decide(
    number: Number,
    outcome: Annotated[
        str,
        typer.Argument(
            metavar="OUTCOME",
            help="accept, edit, reject, abstain, split, merge; approve or request_changes where somebody has submitted.",
            show_default=False,
        ),
    ],
    seen: Annotated[
        str, typer.Option(help="The hash that `show` or `next` printed, of what you saw.", show_default=False)
    ],
    values: Annotated[
        list[str] | None, typer.Option("--set", help="COLUMN=VALUE, as often as needed.", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    who: Who = "",
    json: bool = Json,
) -> None:
    """Answer a task. Nothing is decided when it has changed since you saw it."""
    from civicops.review.deciding import decide as answer  # noqa: PLC0415
    from civicops.review.values import ReviewError  # noqa: PLC0415

    room, now = _opened()
    given: dict[str, Any] = {}
    for text in values or ():
        name, is_pair, value = text.partition("=")
        if not is_pair:
            raise ReviewError(f"'{text}' is not COLUMN=VALUE.", hint="Such as --set phone=213-555-0100.")
        given[name] = _value(value)
    full = _full_hash(room, number, seen)
    done = answer(room, number, _person(who), outcome=outcome, seen=full, now=now, value=given, reason=reason)
    if json:
        as_json(done)
        return
    words = {"open": f"{done.left} more answers are needed", "submitted": "somebody else approves it",
             "disputed": "answers differ, a steward decides"}  # fmt: skip
    say(f"Task {number} is {done.state}{f': {words[done.state]}' if done.state in words else ''}.")
    next_step("civicops review next")


@app.command("undo")
def undo(number: Number, who: Who = "", json: bool = Json) -> None:
    """Take your last answer back, as long as no run has taken it up."""
    from civicops.review.deciding import undo as back  # noqa: PLC0415

    room, now = _opened()
    done = back(room, number, _person(who), now)
    if json:
        as_json(done)
        return
    say(f"Your answer is taken back; task {number} is {done.state}. The log keeps both.")
    next_step(f"civicops review show {number}")


@app.command("agreement")
def agreement(kind: KindName, json: bool = Json) -> None:
    """Show how far raters agree, over all and per month: percent and Krippendorff's alpha."""
    from civicops.review.agreement import agreement as measure  # noqa: PLC0415

    room, _ = _opened()
    found = measure(room, room.kind(kind))
    if json:
        as_json(found)
        return
    numbers = ("tasks", "ratings", "equal", "alpha")
    rows = [(i.period, i.units, i.ratings, _share(i.percent), _number(i.alpha)) for i in found]
    table(("period", *numbers), rows, right=numbers)
    next_step(f"civicops review calibration {kind}")


@app.command("calibration")
def calibration(kind: KindName, json: bool = Json) -> None:
    """Show how right the machine was when it was so sure, and what may be accepted without a person."""
    from civicops.review.automatic import report  # noqa: PLC0415

    room, _ = _opened()
    found = report(room, room.kind(kind))
    if json:
        as_json(found)
        return
    numbers = ("tasks", "sure", "right")
    rows = [
        (f"{i.low:.1f} to {i.high:.1f}", i.samples, _share(i.mean_confidence), _share(i.right_share))
        for i in found.bins
    ]
    table(("confidence", *numbers), rows, right=numbers)
    say(
        f"{found.samples} decided suggestions, {found.right} of them right; Brier score {_number(found.brier) or 'none'}."
    )
    if found.policy is None:
        say("Nothing is accepted without a person: the kind says nothing of it (automatic).")
    elif found.policy.what == "on":
        say(f"From {found.policy.threshold:.3f} on, suggestions are accepted without a person: {found.automatic} were; "
            f"{found.audits_wrong} of {found.audits} audits were wrong.")  # fmt: skip
    elif found.policy.what == "short":
        say("Audits spoke against it, so nothing is accepted without a person until new decisions prove it again.")
    else:
        say(f"Not proved yet that {_share(found.precision)} are right, so people decide everything.")
    next_step(f"civicops review agreement {kind}")


@app.command("export")
def export(
    kind: KindName,
    what: Annotated[str, typer.Option(help="decisions (those that count) or ratings (every answer).")] = "decisions",
    json: bool = Json,
) -> None:
    """Print what people decided as JSON lines, as a run would land it; nothing is taken up by that."""
    from civicops.review.source import effective, ratings  # noqa: PLC0415
    from civicops.review.values import ReviewError, canonical  # noqa: PLC0415

    room, _ = _opened()
    if what not in ("decisions", "ratings"):
        raise ReviewError(f"'{what}' cannot be exported.", hint="Valid here: decisions, ratings.")
    rows = effective(room, room.kind(kind)) if what == "decisions" else ratings(room, room.kind(kind))
    if json:
        as_json(rows)
        return
    for row in rows:
        say(canonical(row))
    typer.echo(f"\nNext: civicops run {kind.partition('.')[0]}", err=True)  # the lines above are for programs


def _opened() -> tuple[Review, datetime]:
    from civicops.review.room import open_review  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    return open_review(Workspace.find()), datetime.now(UTC)


def _person(who: str) -> Person:
    from civicops.release.history import who_acts  # noqa: PLC0415
    from civicops.review.people import Person  # noqa: PLC0415

    return Person(who or who_acts(), "admin")


def _full_hash(room: Review, number: int, seen: str) -> str:
    """The hash that begins as `seen` does, of the versions of a task; `seen` itself when there is none."""
    import sqlalchemy as sa  # noqa: PLC0415

    from civicops.review.tables import VERSION  # noqa: PLC0415

    with room.reading() as con:
        known: Sequence[str] = (
            con.execute(sa.select(VERSION.c.seen_hash).where(VERSION.c.task_id == number)).scalars().all()
        )
    found = {text for text in known if len(seen) >= 8 and text.startswith(seen)}
    return found.pop() if len(found) == 1 else seen


def _value(text: str) -> Any:
    """Lists and objects are given as JSON; anything else is the text itself."""
    if text[:1] in "[{":
        try:
            return json_module.loads(text)
        except ValueError:
            return text
    return text


def _show(view: TaskView) -> None:
    say(f"Task {view.line.id} ({view.line.kind}, {view.line.state}): {view.line.title}")
    say(view.kind.file.title)
    for sentence in view.why:
        say(f"  {sentence}")
    current = view.content["current"]
    rows = [(f.name, current.get(f.name), view.content["proposed"].get(f.name), f.description) for f in view.fields]
    table(("column", "now", "suggested", "meaning"), rows)
    for path, (before, after) in view.changes.items():
        say(f"Changed: {path} was {before}, is {after}")
    for item in view.shown["evidence"]:
        say(
            f"{item['title']}: {item['text'] or ', '.join(f'{k} {v}' for k, v in item['values'].items())} {item['link']}".rstrip()
        )
    for made in view.decisions:
        say(f"{made.at:%Y-%m-%d %H:%M} {made.who}: {made.outcome} {made.reason}".rstrip())
    say(f"Seen: {view.seen[:12]}")


def _how_to_answer(view: TaskView) -> str:
    if view.part is None:
        return f"civicops review next ({view.refusal})"
    first = next((item for item in view.outcomes if item not in view.reasons_for), view.outcomes[0])
    return f"civicops review decide {view.line.id} {first} --seen {view.seen[:12]} (or: {', '.join(view.outcomes)})"


def _plain(view: TaskView) -> dict[str, Any]:
    """A task as JSON: everything but the rules of its kind."""
    return {name: value for name, value in vars(view).items() if name != "kind"}


def _share(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"
