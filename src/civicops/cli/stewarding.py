"""Commands about people and practices: who answers for what, what a person passes on, where each product stands.

Belongs here: people, handover, scorecard. Does not belong here: finding any of it out (`civicops.people`, `civicops.govern`).
"""

from __future__ import annotations

import difflib
import getpass
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civicops.cli.output import Json, as_json, from_here, next_step, say, table

if TYPE_CHECKING:
    from civicops.govern.scorecard import ProductScore
    from civicops.people import Gap
    from civicops.workspace import Workspace

WORDS = {"met": "yes", "partly": "partly", "missing": "NO", "not_applicable": "-"}
scorecard = typer.Typer(help="Where each product stands against the practices of DataOps.", no_args_is_help=False)


def people(
    everything: Annotated[
        bool, typer.Option("--all", help="Also every dataset whose people are its product's.")
    ] = False,
    json: bool = Json,
) -> None:
    """Say who answers for which product and dataset, and what lacks somebody; ends with 1 where a stable one lacks everybody."""
    from civicops.people import PEOPLE_FILE, dataset_duties, gaps, product_duties, read_people  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace, today = Workspace.find(), datetime.now(UTC).date()
    known = read_people(workspace)
    rows: list[tuple[str, str, str, str]] = []
    found: list[Gap] = []
    bad = False
    for product in workspace.products:
        own = {held.duty: held.username for held in product_duties(product)}
        rows.append((product.name, own.get("owner", ""), own.get("steward", ""), own.get("backup", "")))
        for contract in product.contracts:
            held = {one.duty: one.username for one in reversed(list(dataset_duties(product, contract)))}
            row = (contract.id, held.get("owner", ""), held.get("steward", ""), held.get("backup", ""))
            if everything or row[1] != own.get("owner") or row[3] != own.get("backup"):
                rows.append(row)
        if known is not None:
            mine = gaps(product, known, today)
            bad |= product.file.stage == "stable" and any(gap.severity == "critical" for gap in mine)
            found += mine
    if json:
        columns = ("subject", "owner", "steward", "backup")
        states = {member.username: known.state(member.username, today) for member in known.people} if known else {}
        as_json({
            "people": states, "duties": [dict(zip(columns, row, strict=True)) for row in rows],
            "gaps": [asdict(gap) for gap in found],
        })  # fmt: skip
    else:
        table(("product or dataset", "owner", "steward", "backup"), rows)
        for gap in found:
            say(f"{gap.severity}: {gap.text}")
        if known is None:
            next_step(f"write {PEOPLE_FILE}, so that it is noticed when somebody leaves (docs/howto/hand-over.md)")
        elif found:
            next_step("civicops handover NAME --to SOMEBODY for whoever leaves")
        else:
            next_step("nothing: everything has an owner and a backup who are there")
    if bad:
        raise typer.Exit(1)


def handover(
    username: Annotated[str, typer.Argument(metavar="NAME", help="Who leaves, by user name.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who takes over: shows the edits of the files.")] = "",
    write: Annotated[bool, typer.Option("--write", help="With --to: make the edits.")] = False,
    done: Annotated[list[str] | None, typer.Option("--done", metavar="ITEM", help="Tick an item off.")] = None,
    undo: Annotated[list[str] | None, typer.Option("--undo", metavar="ITEM", help="Take a tick back.")] = None,
    who: Annotated[str, typer.Option("--as", metavar="NAME", help="Who ticks; you by default.")] = "",
    note: Annotated[str, typer.Option("--note", help="What to remember of it.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the list as Markdown, for an issue.")] = False,
    json: bool = Json,
) -> None:
    """List what somebody who leaves passes on, tick it off, and give what they hold to another person."""
    from civicops.govern.handover import HandoverError, checklist, edits, tick  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    if write and not to:
        raise HandoverError("Nobody is named to take over.", hint=f"civicops handover {username} --to SOMEBODY --write")
    if to:
        _hand_to(workspace, username, to, edits(workspace, username, to), write=write, json=json)
        return
    for names, is_undo in ((done or (), False), (undo or (), True)):
        for name in names:
            tick(workspace, username, name, who=who or getpass.getuser(), note=note, undo=is_undo)
    items = checklist(workspace, username)
    left = [item for item in items if item.done is None]
    if json:
        as_json([{**asdict(item), "done": asdict(item.done) if item.done else None} for item in items])
        return
    if markdown:
        say(f"## Handing over: {username}\n")
        for item in items:
            say(f"- [{'x' if item.done else ' '}] `{item.id}` {item.title}. {item.how}")
        return
    for item in items:
        say(f"[{'x' if item.done else ' '}] {item.id}: {item.title}")
        said = (
            f"{item.done.who}, {item.done.at:%Y-%m-%d}{': ' if item.done.note else ''}{item.done.note}"
            if item.done
            else item.how
        )
        say(f"      {said}")
    if left:
        next_step(
            f"{len(left)} of {len(items)} are left; tick one off: civicops handover {username} --done {left[0].id}"
        )
    else:
        next_step("all is passed on; thank them")


def _hand_to(workspace: Workspace, username: str, to: str, found: Sequence[Any], *, write: bool, json: bool) -> None:
    from civicops.change.owners import PLACE, codeowners  # noqa: PLC0415
    from civicops.change.states import Repository, StateError  # noqa: PLC0415

    if write:
        for edit in found:
            edit.path.write_text(edit.after, encoding="utf-8")
    owners = ""
    if write and found:
        try:
            path = Repository(workspace).top / PLACE
            if path.is_file():
                path.write_text(codeowners(workspace), encoding="utf-8")
                owners = str(path)
        except StateError:
            owners = ""  # no repository, so no file of owners either
    if json:
        as_json({"written": write, "files": [str(edit.path) for edit in found], "owners": owners})
        return
    for edit in found:
        name = from_here(str(edit.path))
        say(
            "".join(
                difflib.unified_diff(edit.before.splitlines(True), edit.after.splitlines(True), name, name, n=0)
            ).rstrip()
        )
    if not found:
        next_step(f"nothing names {username}; the rest: civicops handover {username}")
    elif write:
        also = f" {owners} is written anew." if owners else ""
        say(f"\n{len(found)} files are written.{also}")
        next_step("git diff, then raise the third number of the contracts' versions and commit: civicops plan")
    else:
        next_step(f"civicops handover {username} --to {to} --write")


@scorecard.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    product: Annotated[
        str, typer.Option("--product", "-p", metavar="PRODUCT", help="Only this one, with its evidence.")
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    json: bool = Json,
) -> None:
    """Hold every product against the practices. Ends with 1 where a stable product lacks one that binds it."""
    if context.invoked_subcommand:
        return
    from civicops.govern.scorecard import score, scores  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    found = (score(workspace, workspace.product(product)),) if product else scores(workspace)
    if json:
        as_json([as_values(workspace, item) for item in found])
    elif markdown:
        _markdown(found)
    elif product:
        _one(workspace, found[0])
    else:
        table(
            ("product", "stage", "met", "partly", "missing", "binding gaps", "next"),
            [
                (
                    i.product,
                    i.stage,
                    i.counts["met"],
                    i.counts["partly"],
                    i.counts["missing"],
                    len(i.gaps),
                    i.next.practice.title if i.next else "",
                )
                for i in found
            ],
            right=("met", "partly", "missing", "binding gaps"),
        )
        worst = max(found, key=lambda item: (len(item.gaps), item.counts["missing"]), default=None)
        next_step(f"civicops scorecard -p {worst.product}" if worst else "civicops new product NAME")
    if any(item.stage == "stable" and item.gaps for item in found):
        raise typer.Exit(1)


def as_values(workspace: Workspace, item: ProductScore) -> dict[str, Any]:
    """A product's score as JSON."""
    from civicops.govern.measures import plain  # noqa: PLC0415
    from civicops.govern.scorecard import changes, trend  # noqa: PLC0415

    days = trend(workspace, item.product)
    return {
        "product": item.product, "stage": item.stage, "owner": item.owner, "counts": dict(item.counts),
        "practices": [
            {"practice": r.practice.id, "title": r.practice.title, "weight": r.weight, **plain(r.found)} for r in item.results
        ],
        "gaps": [r.practice.id for r in item.gaps],
        "goals": [
            {"text": g.title, "practice": g.goal.practice, "by": g.goal.by, "who": g.goal.who, "state": g.state}
            for g in item.goals
        ],
        "pains": [pain.model_dump(mode="json") for pain in item.pains],
        "trend": [{"day": d.day, "stage": d.stage, "met": d.met, "of": d.asked} for d in days],
        "changes": list(changes(days, item)),
    }  # fmt: skip


def _one(workspace: Workspace, item: ProductScore) -> None:
    from civicops.govern.scorecard import changes, trend  # noqa: PLC0415

    say(f"{item.title} ({item.product}), {item.stage}, owner {item.owner}")
    table(
        ("practice", "met", "weight", "evidence", "next"),
        [(r.practice.title, WORDS[r.found.state], r.weight, r.found.evidence, r.found.next) for r in item.results],
    )
    for goal in item.goals:
        say(f"goal, {goal.state}: {goal.title} by {goal.goal.by}, {goal.goal.who}")
    for pain in item.pains:
        say(f"pain since {pain.since}{f', gone {pain.gone}' if pain.gone else ''}: {' '.join(pain.text.split())}")
    days = trend(workspace, item.product)
    if days:
        say(f"kept since {days[0].day}: {days[0].met} of {days[0].asked} met then, {item.counts['met']} now")
    for line in changes(days, item):
        say(f"  {line}")
    step = item.next
    next_step(
        f"{step.practice.title}: {step.found.next} ({step.practice.page})"
        if step
        else "nothing is missing; set the next goal"
    )


def _markdown(found: Sequence[ProductScore]) -> None:
    for item in found:
        say(
            f"## {item.title}\n\n{item.stage}, owner {item.owner}\n\n| practice | met | | evidence |\n|---|---|---|---|"
        )
        for r in item.results:
            text = f"{r.found.evidence}{f' Next: {r.found.next}.' if r.found.next else ''}".replace("|", "\\|")
            say(f"| {r.practice.title} | {WORDS[r.found.state]} | {r.weight} | {text} |")
        say()


@scorecard.command("tried")
def tried(
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="Whose runbook was tried.")],
    note: Annotated[str, typer.Option("--note", help="What was wrong in it, and is mended.")] = "",
    who: Annotated[str, typer.Option("--as", metavar="NAME", help="Who tried it; you by default.")] = "",
    json: bool = Json,
) -> None:
    """Say that you followed a product's runbook, so that it counts as tried for a year."""
    from civicops.govern.measures import ROOM, RUNBOOK  # noqa: PLC0415
    from civicops.marks import Mark, add_mark, key_text, open_marks  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    name = workspace.product(product).name
    mark = Mark(datetime.now(UTC), ROOM, RUNBOOK, key_text([name]), "", True, note, who or getpass.getuser())
    add_mark(open_marks(workspace), mark)
    if json:
        as_json(asdict(mark))
        return
    say(f"{mark.who} tried the runbook of {name}.")
    next_step(f"civicops scorecard -p {name}")
