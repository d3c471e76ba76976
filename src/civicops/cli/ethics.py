"""Commands about ethics reviews: which datasets may be public until when, and beginning a review.

Belongs here: those commands. Does not belong here: the form (`civicops.govern.ethics_form`), what makes a review valid
(`civicops.contracts.ethics`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table

app = typer.Typer(help="Which datasets may be public, until when, and why not.")


@app.callback(invoke_without_command=True)
def ethics(context: typer.Context, json: bool = Json) -> None:
    """List every published dataset: what its contract says, what holds, who reviewed it, until when, what is missing.

    Ends with 1 when a dataset that says public has no valid review.
    """
    if context.invoked_subcommand is not None:
        return
    from civicops.govern.ethics_form import states  # noqa: PLC0415 - every command loads only what it needs
    from civicops.workspace import Workspace  # noqa: PLC0415

    found = states(Workspace.find())
    bad = [one for one in found if one.missing]
    if json:
        as_json(found)
    else:
        _show(found, bad)
    if bad:
        raise typer.Exit(1)


def _show(found: Any, bad: Any) -> None:
    table(
        ("dataset", "declared", "effective", "decision", "reviewers", "until"),
        [
            (one.dataset, one.declared, one.effective, one.decision, ", ".join(one.reviewers), one.expires_on)
            for one in found
        ],
    )
    for one in bad:
        say(f"\n{one.dataset} says public and is restricted:")
        for text in (*one.missing, *one.unanswered):
            say(f"  {text}")
    if not bad:
        next_step("nothing to do; docs/howto/review-the-ethics.md says what happens when one ends")
    elif unanswered := next((one for one in bad if one.unanswered), None):
        product = unanswered.dataset.partition(".")[0]
        next_step(f"answer what is missing in the ethics.yaml of {product}, then civicops ethics")
    else:
        next_step(f"civicops ethics new {bad[0].dataset.partition('.')[0]}")


@app.command("new")
def new(
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product.", show_default=False)],
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET", help="Its datasets; all that wait for a review when left out."),
    ] = None,
    json: bool = Json,
) -> None:
    """Begin a review: put the form at the end of the product's ethics.yaml, filled in as far as the contracts tell."""
    from civicops.govern.ethics_form import begin_review  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    path, chosen = begin_review(workspace.product(product), datasets or (), workspace.day)
    if json:
        as_json({"product": product, "datasets": chosen, "file": str(path)})
        return
    say(f"{path} has a form for {', '.join(chosen)}. Until it is filled in, nothing becomes public by it.")
    next_step('answer every "?" in it together with somebody who does not own the data, then civicops ethics')
