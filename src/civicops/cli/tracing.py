"""`civicops lineage`, `civicops trace` and `civicops release prov`.

Belongs here: arguments, trees and sentences. Does not belong here: lineage itself (`civicops.lineage`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say
from civicops.errors import CivicopsError

if TYPE_CHECKING:
    from civicops.lineage import Node, Related
    from civicops.lineage.traced import Row, Trace

HOW_WORDS = {
    "copied": "the same value", "derived": "computed from it", "aggregated": "added up from it", "grouped": "grouped by it",
    "joined": "joined by it", "filtered": "filtered by it",
}  # fmt: skip
KIND_WORDS = {
    "source": "source", "field": "field of the source", "accepted": "accepted rows", "lookup": "lookup", "area": "outlines",
    "model": "model", "check": "check", "released": "release", "page": "page", "chart": "chart", "map_file": "files of a page",
    "monitor": "monitor", "alert": "alert route", "api": "API", "export": "download", "sheet": "sheet",
}  # fmt: skip
_QUIET = ("api", "export", "check")


def lineage(
    name: str = typer.Argument(
        ..., metavar="DATASET[.COLUMN]", help="A dataset, such as people.teams, or one column of it."
    ),
    up: bool = typer.Option(False, "--up", help="What it is made of."),
    down: bool = typer.Option(False, "--down", help="What is made of it. Both when neither is given."),
    everything: bool = typer.Option(
        False, "--all", help="Also what only decides which rows there are, checks, API fields and downloads."
    ),
    json: bool = Json,
) -> None:
    """Show what a dataset or column is made of, and what is made of it."""
    from civicops.lineage import graph_of  # noqa: PLC0415 - brings sqlglot
    from civicops.workspace import Workspace  # noqa: PLC0415

    graph = graph_of(Workspace.find())
    dataset, column = split(name)
    ways = [way for way, wanted in (("up", up), ("down", down)) if wanted] or ["up", "down"]
    found = {way: (graph.upstream if way == "up" else graph.downstream)(dataset, column) for way in ways}
    if json:
        as_json(
            {"dataset": dataset, "column": column}
            | {way: [related(item) for item in items] for way, items in found.items()}
        )
        return
    for way, items in found.items():
        say(f"{'Made of' if way == 'up' else 'Used by'} {name}:")
        _tree(items, everything=everything)
        say()
    next_step(
        f"civicops trace {dataset} KEY{f' {column}' if column else ''} shows where one value comes from."
        if ways != ["down"]
        else f"civicops lineage {name} --up shows what it is made of."
    )


def split(name: str) -> tuple[str, str | None]:
    """`product.dataset` and perhaps a column. Raises `CivicopsError` for another shape."""
    parts = name.split(".")
    if len(parts) not in (2, 3) or not all(parts):
        raise CivicopsError(f"'{name}' is no dataset.", hint="Write product.dataset or product.dataset.column.")
    return ".".join(parts[:2]), parts[2] if len(parts) == 3 else None


def related(item: Related) -> dict[str, Any]:
    """A reached node as JSON."""
    node = item.node
    return {
        "kind": node.kind, "product": node.product, "name": node.name, "column": node.column, "owner": node.owner,
        "how": item.how, "by": item.by, "distance": item.distance, "next_to": str(item.next_to),
    }  # fmt: skip


def _tree(items: Sequence[Related], *, everything: bool) -> None:
    from civicops.lineage.values import DIRECT  # noqa: PLC0415

    shown = [item for item in items if everything or (item.how in DIRECT and item.kind not in _QUIET)]
    below: dict[Node, list[Related]] = {}
    known = {item.node for item in shown}
    for item in shown:
        below.setdefault(item.next_to, []).append(item)
    roots = [item for item in shown if item.next_to not in known]
    if not shown:
        say("  nothing that gives or takes a value")

    def draw(found: Sequence[Related], indent: str) -> None:
        for number, item in enumerate(found):
            last = number == len(found) - 1
            by = f" ({item.by})" if item.by else ""
            name = item.node.dataset + (f".{item.node.column}" if item.node.column else "")
            say(
                f"{indent}{'`-' if last else '|-'} {KIND_WORDS[item.kind]} {name}: {HOW_WORDS[item.how]}{by}, {item.owner}"
            )
            draw(below.get(item.node, []), indent + ("   " if last else "|  "))

    draw(roots, "  ")
    hidden = [item for item in items if item not in shown]
    if hidden:
        rows = sum(item.how not in DIRECT for item in hidden)
        others = len(hidden) - rows
        say(
            f"  And {rows:,} that only have to do with which rows there are, {others:,} checks, API fields and downloads: --all "
            "shows them."
        )


def trace(
    dataset: str = typer.Argument(..., metavar="DATASET", help="A dataset, such as people.teams."),
    key: str = typer.Argument(
        ..., metavar="KEY", help="The row's key; column=value,column=value where it has several."
    ),
    column: str = typer.Argument("", metavar="[COLUMN]", help="One column of it."),
    json: bool = Json,
) -> None:
    """Show where a row, or one value of it, comes from: bytes, rules, lookup lines, models, code.

    It also finds rows that were held back. What it shows may be restricted: it reads the workspace's own files.
    """
    from civicops.change.as_made import trace_as_made  # noqa: PLC0415 - brings duckdb and sqlglot
    from civicops.workspace import Workspace  # noqa: PLC0415

    found = trace_as_made(Workspace.find(), dataset, key, column or None)
    if json:
        note = found.files.note if found.files else ""
        as_json({**asdict(found), "files": {**asdict(found.files), "note": note} if found.files else None})
        return
    _show(found)
    if any(row.is_current for row in found.held) and not found.version:
        next_step(f"civicops quarantine show {found.held[0].dataset} lists the rows held back with it.")
    elif not column:
        next_step(f"civicops trace {dataset} {key} COLUMN adds the lookup lines that one value hangs on.")
    else:
        next_step(f"civicops lineage {dataset}.{column} --down shows who uses this column.")


def prov(
    name: str = typer.Argument(..., metavar="PRODUCT.DATASET", help="Such as requests_311.requests."),
    version: str = typer.Argument("", metavar="[VERSION]", help="A version; the current one when left out."),
    out: str = typer.Option("", "--out", metavar="FILE", help="File to write; it is printed when left out."),
    json: bool = Json,
) -> None:
    """Write where a release comes from as W3C PROV (PROV-JSON), for archives and other catalogues."""
    from civicops.lineage.prov import prov_of  # noqa: PLC0415 - brings sqlglot
    from civicops.release.store import ReleaseStore  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    product, dataset = (*split(name)[0].split("."), "")[:2]
    release = ReleaseStore(workspace.folder("releases")).find(product, dataset, version or None)
    document = prov_of(workspace, workspace.product(product), release)
    if not out:
        as_json(document)
        return
    Path(out).write_text(dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if json:
        as_json({"path": out, "version": release.version})
        return
    say(f"{out}: {name} {release.version}, {len(document['entity']):,} entities.")
    next_step("any PROV tool reads it; prov.readthedocs.io draws it.")


def _show(found: Trace) -> None:
    key = ", ".join(f"{name}={value}" for name, value in found.key.items())
    what = f"{found.dataset}.{found.column}" if found.column else found.dataset
    say(f"{what} of {key}" + (f": {found.value!r}" if found.column and found.version else ""))
    if found.version:
        say(f"  release   {found.version}, contract {found.contract_version}, run {found.run}")
        commit = found.code.get("commit") or "not known"
        say(
            f"  code      commit {commit}{', with uncommitted changes' if found.code.get('dirty') else ''}; {_pairs(found.tools)}"
        )
        if found.files and found.files.note:
            say(f"  files     {found.files.note}")
    elif found.accepted and found.dataset != found.accepted[0].dataset:
        say("  release   not in the current one")
    for rule in found.privacy:
        say(f"  privacy   rule {rule} may have changed what the release shows")
    for model in reversed(found.models):
        say(f"  model     {model.path} (compiled {model.sha256[:12]})")
    for made in found.made:
        say(f"  made by   {made.path} (code {made.code[:12]}): {made.table}, {_pairs({**made.key, **made.shown})}")
    for line in found.lookups:
        say(f"  lookup    {line.path}:{line.line}: {_pairs(line.values)}")
    if found.again:
        say(f"  again     {_again(found.again, 'the Python and the models' if found.made else 'the models')}")
    for row in found.accepted:
        _row("accepted" if row.is_current else "replaced", row, found.column)
    for row in found.held:
        _row("held back" if row.is_current else "once held", row, None)
    for name, count in found.made_of.items():
        say(f"  made of   {count:,} rows of {name}")
    for decision in found.decisions:
        say(f"  decision  {decision.id}: {decision.text} ({decision.who}, {decision.at})")
    for note in found.notes:
        say(f"  mind      {note}")


def _again(text: str, what: str) -> str:
    if text == "same":
        return f"{what}, run over these rows alone, make the same value"
    return f"{what}, run over these rows alone, make another value: {text[7:]}" if text.startswith("other: ") else text


def _row(what: str, row: Row, column: str | None) -> None:
    origin = row.origin
    say(
        f"  {what:<9} {row.dataset}, contract {row.contract_version}"
        + (f", batch {row.batch}" if row.batch else f", run {row.run}")
    )
    broken = [rule for rule in row.rules if rule.broke]
    for rule in broken:
        say(f"            broke {rule.id} ({rule.action}): {rule.description}")
    if len(row.rules) > len(broken):
        about = f" about {column}" if column else ""
        say(
            f"            kept {len(row.rules) - len(broken)} rules{about}: {', '.join(r.id for r in row.rules if not r.broke)}"
        )
    for name, text in row.blanked.items():
        say(f"            emptied {name}, which read {text!r}")
    if row.error:
        say(f"            {row.error}")
    say(f"  bytes     {origin.source}, delivery {origin.delivery}, sha256 {origin.sha256}")
    if origin.path:
        say(f"            {origin.path}")
    if origin.url:
        say(f"            from {origin.url} at {origin.retrieved_at}")
    if origin.line is not None:
        at = f", byte {origin.offset:,}" if origin.offset is not None else ""
        say(f"            line {origin.line:,}{at}: {origin.raw}")
    elif origin.missing:
        say(f"            {origin.missing}")


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in (None, ""))
