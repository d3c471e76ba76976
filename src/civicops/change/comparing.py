"""What a staged operation did, beside what is current: the value, what was not expected of it, and its Markdown.

Belongs here: that value and its two files beside the operation's. Does not belong here: making it
(`civicops.orchestrate.operating`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from civicops.change.operations import Expected, Operation, OperationError, folder_of, write_text
from civicops.change.plan import ReleaseEffect, World
from civicops.change.plan_words import cell, release_details, release_row, rows_table
from civicops.workspace import Workspace


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rows(_Closed):
    """Where the landed rows of one accepted dataset went: `rows_in = accepted + quarantined + ignored`."""

    rows_in: int
    accepted: int
    quarantined: int
    ignored: dict[str, int] = {}


class RowsMoved(_Closed):
    """The rows of one accepted dataset, now and as staged; no `before` where nothing has been run yet."""

    dataset: str
    before: Rows | None
    after: Rows


class Sum(_Closed):
    """The sum of a column of numbers, in the current release and in the staged one."""

    dataset: str
    column: str
    before: str
    after: str


class Compared(_Closed):
    """Everything a reviewer agrees to. `operation_sha256` is what the operation said then, `world` what it was done on."""

    operation: str
    operation_sha256: str
    world: World
    landed_after: dict[str, str]
    """What is landed of each product once it is complete; other than `world.landed` for a backfill only."""
    releases: tuple[ReleaseEffect, ...]
    accepted: tuple[RowsMoved, ...]
    sums: tuple[Sum, ...]
    outside: dict[str, int]
    """Dataset to rows that differ though they lie outside what was to be touched."""
    problems: tuple[str, ...]
    """What cannot be agreed to at all, such as a mapping of keys that is not one-to-one."""
    notes: tuple[str, ...]


def unexpected(operation: Operation, compared: Compared) -> tuple[str, ...]:
    """Every way in which what happened is not what was expected, in sentences; empty when it may be agreed to."""
    return tuple(_unexpected(operation, compared))


def _unexpected(operation: Operation, compared: Compared) -> Iterator[str]:
    yield from compared.problems
    bounds = {one.dataset: one for one in operation.expected}
    for effect in compared.releases:
        expected = bounds.pop(effect.dataset, None)
        if expected is None:
            if not effect.is_same:
                yield f"{effect.dataset} changes, and nothing was expected of it"
            continue
        if effect.note:
            yield f"{effect.dataset}: {effect.note}"
        for what in ("added", "removed", "changed"):
            count, bound = getattr(effect, what), getattr(expected, what)
            if not bound.holds(count):
                yield f"{effect.dataset}: {count:,} rows {what}, expected {bound}"
        if outside := compared.outside.get(effect.dataset, 0):
            yield f"{effect.dataset}: {outside:,} rows differ outside of {expected.within}"
    for name in bounds:
        yield f"{name} is no release that this can change"


def keep(workspace: Workspace, compared: Compared, operation: Operation) -> tuple[str, Path]:
    """Write the comparison beside its operation, as JSON and as Markdown; the hash of the JSON, and the Markdown's place."""
    folder = folder_of(workspace)
    text = json.dumps(compared.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    page = folder / f"{compared.operation}.comparison.md"
    write_text(page, "\n".join(_lines(operation, compared)) + "\n")
    write_text(folder / f"{compared.operation}.comparison.json", text)
    return hashlib.sha256(text.encode()).hexdigest(), page


def kept(workspace: Workspace, operation: Operation) -> Compared:
    """The comparison that the operation's file names. Raises `OperationError` when it is gone or is another one."""
    path = folder_of(workspace) / f"{operation.id}.comparison.json"
    hint = f"civicops operation compare {operation.id}"
    if not operation.comparison:
        raise OperationError(f"{operation.id} has not been compared since it was staged.", hint=hint)
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != operation.comparison:
            raise OperationError(f"{path.name} is not the comparison that {operation.id}.yaml names.", hint=hint)
        compared = Compared.model_validate_json(content)
    except (OSError, ValidationError) as error:
        raise OperationError(f"{path} cannot be read.", hint=hint) from error
    if compared.operation_sha256 != operation.digest:
        text = f"{operation.id}.yaml says something else than when it was compared."
        what = "stage" if operation.state == "validated" else "compare"
        raise OperationError(text, hint=f"civicops operation {what} {operation.id}")
    return compared


def _lines(operation: Operation, compared: Compared) -> Iterator[str]:
    yield f"# {operation.kind} of {operation.product}: `{operation.id}`\n"
    yield f"{cell(operation.reason)}\n"
    yield f"Proposed by {operation.proposed_by}; to be agreed to by one of {', '.join(operation.others) or 'nobody'}."
    wrong = unexpected(operation, compared)
    yield "\n**It is not what was expected:**\n" if wrong else "\nAll of it is within what was expected."
    yield from (f"- {cell(text)}" for text in wrong)
    if what := operation.condition or operation.becomes or ", ".join(operation.sources):
        yield f"\nWhat is touched: `{cell(what)}`"
    yield "\n## Rows\n"
    names = ("dataset", "landed", "accepted", "held back", "left out")
    yield from rows_table(names, [_moved(one) for one in compared.accepted])
    for one in compared.accepted:
        yield from (f"- `{one.dataset}`: {count:,} {cell(reason)}" for reason, count in one.after.ignored.items())
    yield "\n## Releases\n"
    bounds = {one.dataset: one for one in operation.expected}
    columns = ("release", "rows", "added", "removed", "changed", "expected")
    rows = [(*release_row(effect), _bound(bounds.get(effect.dataset))) for effect in compared.releases]
    yield from rows_table(columns, rows)
    for effect in compared.releases:
        yield from release_details(effect)
    if compared.sums:
        yield "\n## Sums\n"
        yield from rows_table(
            ("release", "column", "now", "then"),
            [(f"`{s.dataset}`", s.column, s.before, s.after) for s in compared.sums],
        )
    yield from ("", *(f"- {cell(note)}" for note in compared.notes))


def _bound(expected: Expected | None) -> str:
    if expected is None:
        return "no change"
    parts = [f"{getattr(expected, what)} {what}" for what in ("added", "removed", "changed")]
    return ", ".join(parts) + (f", within {expected.within}" if expected.within else "")


def _moved(one: RowsMoved) -> tuple[str, ...]:
    before = one.before or Rows(rows_in=0, accepted=0, quarantined=0)
    pairs = (
        (before.rows_in, one.after.rows_in),
        (before.accepted, one.after.accepted),
        (before.quarantined, one.after.quarantined),
        (sum(before.ignored.values()), sum(one.after.ignored.values())),
    )
    return (f"`{one.dataset}`", *(f"{was:,}" if was == now else f"{was:,} → {now:,}" for was, now in pairs))
