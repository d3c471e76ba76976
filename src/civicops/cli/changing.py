"""Commands about changes: what they will do, doing it, undoing it, trying it beside the real thing.

Belongs here: plan, apply, rollback, preview. Does not belong here: how a plan is made (`civicops.orchestrate.planning`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.core

from civicops.cli.output import Json, as_json, next_step, say, table


def plan(
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="REF",
            help="The commit to compare with; if left out main, on main what releases were made of.",
        ),
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    json: bool = Json,
) -> None:
    """Say what the files here will do to contracts, rows, releases and readers, before they do it."""
    from civicops.change.plan import FOLDER, save  # noqa: PLC0415 - every command loads only what it needs
    from civicops.change.plan_words import markdown as as_markdown  # noqa: PLC0415
    from civicops.orchestrate.planning import make_plan  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    made = make_plan(workspace, base, say=(lambda _text: None) if json or markdown else say)
    path = save(made, workspace.folder(FOLDER))
    if json:
        as_json(made.model_dump(mode="json"))
    elif markdown:
        say(as_markdown(made).rstrip("\n"))
    else:
        _show(made)
        say(f"\nKept as {path}.")
        if made.problems:
            next_step("mend what stands under 'cannot be applied', then civicops plan")
        elif not made.files:
            next_step("change something, then civicops plan")
        elif not made.changes_releases:
            next_step("nothing to apply; commit the change")
        else:
            flags = "".join(f" --approved {one.who}" for one in made.approvals)
            next_step(f"civicops apply {made.id}{flags}")
    if made.problems:
        raise typer.Exit(1)


def _show(made: Any) -> None:
    from civicops.change.plan_words import headline  # noqa: PLC0415

    say(f"Plan {made.id}\n{headline(made)}")
    for text in made.problems:
        say(f"cannot be applied: {text}")
    for one in made.contracts:
        say(
            f"\n{one.contract} {one.old_version or 'new'} -> {one.new_version or 'gone'}: consumers {one.consumers}, producers "
            f"{one.producers}; owner {one.owner}"
        )
        table(
            ("what", "before", "after", "consumers", "producers"),
            [
                (
                    c.what,
                    c.before,
                    c.after,
                    f"{c.consumers}: {c.consumers_reason}",
                    f"{c.producers}: {c.producers_reason}",
                )
                for c in one.changes
            ],
        )
    if made.rules:
        say("\nChanged rules on all rows")
        table(
            ("dataset", "rule", "rows", "broke", "breaks", "newly held", "newly let in"),
            [(r.dataset, r.check, r.rows, r.broken_before, r.broken_after, r.held, r.let_in) for r in made.rules],
            right=("rows", "broke", "breaks", "newly held", "newly let in"),
        )
        for rule in made.rules:
            for sample in rule.samples:
                say(f"  {rule.check}: {', '.join(f'{name}={value}' for name, value in sample.items())}")
    if made.releases:
        say("\nReleases")
        numbers = ("before", "after", "added", "removed", "changed")
        table(
            ("dataset", *numbers, "columns"),
            [
                (e.dataset, e.rows_before, e.rows_after, e.added, e.removed, e.changed, _columns(e))
                for e in made.releases
            ],
            right=numbers,
        )
        for effect in made.releases:
            for words in effect.shifts:
                say(f"  {effect.dataset}: {words}")
    if made.readers:
        say("\nWho uses what changes")
        table(
            ("what", "name", "columns", "owner", "grade", "because of"),
            [
                (r.kind, f"{r.product}.{r.name}", ", ".join(r.columns[:5]), r.owner, r.grade, ", ".join(r.because[:2]))
                for r in made.readers
            ],
        )
    if made.approvals:
        say("\nWho must agree")
        table(("who", "why"), [(one.who, "; ".join(one.why[:3])) for one in made.approvals])
    cost, took = made.cost, sum(made.seconds.values())
    say(
        f"\nApplying writes {cost.rows:,} rows, {cost.size_bytes / 1e6:,.1f} MB, and asks sources {cost.requests} times; "
        f"building took {took:,.1f} s here."
    )
    for note in made.cost.notes:
        say(f"  {note}")
    for text in made.untouched:
        say(f"  not touched: {text}")


def _columns(effect: Any) -> str:
    if effect.is_same:
        return "stays as it is"
    parts = [*effect.schema_changes, *(f"{name} {count:,}" for name, count in effect.columns.items())]
    return effect.note or ", ".join(parts)


def apply(
    name: Annotated[
        str,
        typer.Argument(metavar="PLAN", help="The plan, by its name or file; last for the newest.", show_default=False),
    ],
    approved: Annotated[
        list[str] | None,
        typer.Option("--approved", metavar="NAME", help="Who has agreed; once for each of those the plan names."),
    ] = None,
    json: bool = Json,
) -> None:
    """Do exactly what a plan says, in all its products at once, or nothing if the world has moved since."""
    from civicops.change.agreed import agreed_to  # noqa: PLC0415 - every command loads only what it needs
    from civicops.change.plan import FOLDER, load  # noqa: PLC0415
    from civicops.orchestrate.applying import apply_plan  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    chosen = load(name, workspace.folder(FOLDER))
    words = agreed_to(workspace, chosen, approved or ())
    done = apply_plan(
        workspace,
        chosen,
        approved=words.names,
        refused=words.refused,
        say=(lambda _text: None) if json else say,
    )
    if json:
        as_json(
            {"plan": done.plan, "already": done.already, "switches": {k: s.to_json() for k, s in done.switches.items()}}
        )
        return
    if done.already:
        say(f"Plan {done.plan} has been applied already; nothing was done.")
    elif not done.switches:
        say(f"Plan {done.plan} changes no release; nothing was done.")
    else:
        say(f"Plan {done.plan} is applied.")
    _switches(done.switches)
    next_step("civicops rollback" if done.switches else "civicops products")


def rollback(
    name: Annotated[
        str, typer.Argument(metavar="[PLAN]", help="Which plan to undo; the last one applied when left out.")
    ] = "",
    json: bool = Json,
) -> None:
    """Undo a plan that was applied: all its products go back together, in a moment. Nothing is deleted."""
    from civicops.orchestrate.undoing import undo  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    done = undo(workspace, name)
    from civicops.orchestrate.auditing import after_switch  # noqa: PLC0415 - it is current already; the log may take a moment

    wrong = after_switch(workspace)
    if json:
        as_json({"switches": {product: switch.to_json() for product, switch in done.items()}})
        return
    _switches(done)
    if wrong:
        say(wrong)
    next_step("take the change out of the files too (git revert): until then what others rely on is not run")


def _switches(switches: Any) -> None:
    rows = [
        (product, name, switch.before.get(name, ""), version)
        for product, switch in switches.items()
        for name, version in switch.after.items()
        if switch.before.get(name) != version
    ]
    table(("product", "dataset", "was", "is now"), rows)


class _ByName(typer.core.TyperGroup):
    """A group in which a word that is no command is the name of a preview to make."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["make", *args]
        return super().resolve_command(ctx, args)


preview = typer.Typer(
    cls=_ByName, no_args_is_help=True, help="Workspaces beside the real one, on the same data: `civicops preview NAME`."
)


@preview.callback()
def previews() -> None:
    """Workspaces beside the real one, on the same data: `civicops preview NAME`."""


@preview.command("make")
def make(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name; of a branch, to show that.", show_default=False)
    ],
    branch: Annotated[str, typer.Option(help="The branch to show, if it is called otherwise.")] = "",
    json: bool = Json,
) -> None:
    """Make a preview, or bring one up to date: a branch's files (or those here) on the real data, with a portal of its own."""
    from civicops.change.previews import make as make_preview  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    made = make_preview(Workspace.find(), name, branch=branch)
    if json:
        as_json(made)
        return
    shown = f"branch {made.branch}" if made.branch else "the files as they lie here"
    say(f"Preview {made.name} shows {shown}, in {made.folder}; {made.own_bytes / 1e6:,.1f} MB of its own.")
    next_step(f"civicops -w {made.folder} portal serve --port 0")


@preview.command("list")
def list_previews(json: bool = Json) -> None:
    """List previews, what they show and what they take of the disk."""
    from civicops.change.previews import previews as all_previews  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    found = all_previews(Workspace.find())
    if json:
        as_json(list(found))
        return
    rows = [
        (p.name, p.branch or "files here", p.made_at[:19].replace("T", " "), f"{p.own_bytes / 1e6:,.1f}") for p in found
    ]
    table(("preview", "shows", "made at (UTC)", "MB of its own"), rows)
    next_step(f"civicops preview remove {found[0].name}" if found else "civicops preview NAME")


@preview.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The preview.", show_default=False)], json: bool = Json
) -> None:
    """Remove a preview and all it wrote; the real data stay."""
    from civicops.change.previews import remove as remove_preview  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    gone = remove_preview(Workspace.find(), name)
    if json:
        as_json({"removed": gone.name})
        return
    say(f"Preview {gone.name} is gone.")
    next_step("civicops preview list")
