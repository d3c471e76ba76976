"""Commands that a code host runs on every change, and everybody else may run by hand: ci, owners.

Belongs here: their options and how a report is printed. Does not belong here: the steps (`civicops.orchestrate.continuous`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say
from civicops.errors import CivicopsError


def ci(
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="REF",
            help="The commit to compare with: main; with --merge what releases were made of.",
        ),
    ] = "",
    merge: Annotated[
        bool, typer.Option("--merge", help="What is here was merged: apply it, read it back, announce it.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Write what changed rules do to rows into changes/, as seen and accepted.")
    ] = False,
    landed: Annotated[
        bool, typer.Option("--landed", help="Fetch nothing: only what has landed is checked, built and gated.")
    ] = False,
    approved: Annotated[
        list[str] | None, typer.Option("--approved", metavar="NAME", help="Who has agreed; once for each.")
    ] = None,
    announce: Annotated[
        str, typer.Option("--announce", metavar="ROUTE", help="With --merge: the alert route that hears of it.")
    ] = "",
    comment: Annotated[
        Path | None, typer.Option("--comment", metavar="FILE", help="Write the plan and the steps as Markdown, too.")
    ] = None,
    json: bool = Json,
) -> None:
    """Take a change through every step it must pass before it lands; with --merge, land it. Nothing of it needs a code host."""
    from civicops.orchestrate.continuous import check_change, land_change  # noqa: PLC0415 - only what it needs
    from civicops.workspace import Workspace  # noqa: PLC0415

    if merge and (accept or landed):
        raise CivicopsError("--merge goes with neither --accept nor --landed.", hint="Accept counts on the branch.")
    if announce and not merge:
        raise CivicopsError("--announce goes with --merge: before, there is nothing to announce.", hint="Leave it out.")
    workspace = Workspace.find()

    def tell(text: str) -> None:
        typer.echo(text, err=True)

    names = tuple(approved or ())
    if merge:
        report = land_change(workspace, base, approved=names, route=announce, say=tell)
    else:
        report = check_change(workspace, base, approved=names, fetch=not landed, accept=accept, say=tell)
    if comment is not None:
        comment.write_text(as_comment(report), encoding="utf-8")
    if json:
        as_json(as_data(report))
    else:
        for step in report.steps:
            say(f"{step.status:8} {step.name}: {step.text}")
            for line in step.details:
                say(f"           {line}")
        next_step(report.hint or ("civicops products" if merge else "merge it"))
    if not report.is_good:
        raise typer.Exit(1)


def as_data(report: Any) -> dict[str, Any]:
    """A report for programs."""
    plan = report.plan
    return {
        "ok": report.is_good,
        "base": report.base,
        "plan": plan.id if plan else None,
        "grade": str(plan.grade) if plan else None,
        "steps": [
            {"name": s.name, "status": s.status, "text": s.text, "hint": s.hint, "details": list(s.details)}
            for s in report.steps
        ],
        "accepted_file": str(report.written) if report.written else None,
    }


def as_comment(report: Any, limit: int = 60_000) -> str:
    """A report as one comment: the steps, then the plan; cut where a code host would refuse it (characters)."""
    from civicops.change.plan_words import MARKER, cell, markdown  # noqa: PLC0415

    lines = [MARKER, "## Checks of this change", "", "| step | | |", "| --- | --- | --- |"]
    for step in report.steps:
        text = "; ".join([step.text, *step.details[:20]])
        lines.append(f"| {step.name} | **{step.status}** | {cell(text)} |")
    text = "\n".join(lines) + "\n"
    if report.plan is not None:
        text += "\n" + markdown(report.plan).removeprefix(MARKER).lstrip("\n")
    if len(text) <= limit:
        return text
    return text[:limit].rpartition("\n")[0] + "\n\n… and more: `civicops plan` shows all of it.\n"


def owners(
    write: Annotated[
        bool, typer.Option("--write", help="Write it to .github/CODEOWNERS instead of printing it.")
    ] = False,
    json: bool = Json,
) -> None:
    """Say whose agreement a change of each file needs, as CODEOWNERS: made from contracts and product.yaml."""
    from civicops.change.owners import PLACE, codeowners  # noqa: PLC0415
    from civicops.change.states import Repository  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    text, path = codeowners(workspace), Repository(workspace).top / PLACE
    is_same = path.is_file() and path.read_text(encoding="utf-8") == text
    if write and not is_same:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if json:
        rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        as_json(
            {
                "path": str(path),
                "is_current": is_same or write,
                "lines": [{"path": r[0], "people": r[1:]} for r in rows],
            }
        )
        return
    if not write:
        say(text.rstrip("\n"))
        next_step("nothing to do; .github/CODEOWNERS says so" if is_same else "civicops owners --write")
        return
    say(f"{path} {'was so already' if is_same else 'is written'}.")
    next_step("civicops ci" if is_same else "git add .github/CODEOWNERS, and commit it")
