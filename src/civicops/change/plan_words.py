"""A plan as Markdown, for a pull request and for people.

Belongs here: words and tables. Does not belong here: what stands in them (`plan`), printing (`civicops.cli`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from civicops.change.plan import Plan, Reader, ReleaseEffect, RuleEffect

MARKER = "<!-- civicops plan -->"
"""First line of the comment, by which it is found again to be brought up to date."""
_MOST_READERS = 40


def markdown(plan: Plan) -> str:
    """The whole plan as one comment."""
    return "\n".join([MARKER, *_lines(plan)]) + "\n"


def headline(plan: Plan) -> str:
    """The plan in a sentence."""
    differ = [effect for effect in plan.releases if not effect.is_same]
    if not plan.files:
        return f"Nothing differs from {plan.base}."
    grades = f"{plan.grade} for somebody" if plan.contracts else "no contract changes"
    products = len({effect.dataset.partition(".")[0] for effect in differ})
    return (
        f"{len(plan.files)} files differ from {plan.base}: {grades}, {len(differ)} releases of {products} products change, "
        f"{len(plan.readers)} things read what changes."
    )


def _lines(plan: Plan) -> Iterator[str]:
    yield f"## Plan `{plan.id}`\n"
    yield headline(plan)
    if plan.problems:
        yield "\n**It cannot be applied:**\n"
        yield from (f"- {cell(text)}" for text in plan.problems)
    for contract in plan.contracts:
        versions = f"{contract.old_version or 'new'} → {contract.new_version or 'gone'}"
        yield f"\n### Contract `{contract.contract}` {versions}\n"
        yield f"Owner: {contract.owner}. Consumers: **{contract.consumers}**. Producers: **{contract.producers}**.\n"
        rows = [
            (
                f"`{c.what}`",
                _arrow(c.before, c.after),
                f"**{c.consumers}**: {c.consumers_reason}",
                f"**{c.producers}**: {c.producers_reason}",
            )
            for c in contract.changes
        ]
        yield from rows_table(("what", "change", "consumers", "producers"), rows)
    if plan.accepted or plan.rules:
        yield "\n### Rules on all rows\n"
        for moved in plan.accepted:
            yield (
                f"- `{moved.dataset}`: of {moved.rows_in:,} landed rows {moved.held:,} are newly held back and {moved.let_in:,} "
                "newly let in."
            )
        yield from [
            "",
            *rows_table(
                ("rule", "rows", "broke", "breaks", "newly held", "newly let in"), [_rule(r) for r in plan.rules]
            ),
        ]
        yield from _rule_samples(plan.rules)
    if plan.releases:
        yield "\n### Releases\n"
        yield from rows_table(
            ("release", "rows", "added", "removed", "changed"), [release_row(effect) for effect in plan.releases]
        )
        for effect in plan.releases:
            yield from release_details(effect)
    if plan.readers:
        yield "\n### Who uses what changes\n"
        yield from rows_table(
            ("what", "owner", "grade", "because of"), [_reader(one) for one in plan.readers[:_MOST_READERS]]
        )
        if len(plan.readers) > _MOST_READERS:
            yield f"\n… and {len(plan.readers) - _MOST_READERS} more."
    yield "\n### Who must agree\n"
    if plan.approvals:
        yield from (f"- [ ] **{one.who}**: {cell('; '.join(one.why[:3]))}" for one in plan.approvals)
    else:
        yield "Nobody: nothing that others rely on changes."
    cost = plan.cost
    yield "\n### What applying does\n"
    yield (
        f"- {cost.rows:,} rows, {cost.size_bytes / 1e6:,.1f} MB of releases, {cost.requests} requests to sources; "
        f"{sum(plan.seconds.values()):,.0f} s to build here."
    )
    yield from (f"- {cell(note)}" for note in cost.notes)
    yield from (f"- It does not touch {cell(text)}." for text in plan.untouched)


def _arrow(before: str, after: str) -> str:
    if not before and not after:
        return ""
    return f"{cell(before) or '–'} → {cell(after) or '–'}"


def _rule(effect: RuleEffect) -> tuple[str, ...]:
    is_landed = effect.layer == "accepted"
    return (
        f"`{effect.dataset}` {effect.check}",
        f"{effect.rows:,}",
        _number(effect.broken_before),
        _number(effect.broken_after),
        f"{effect.held:,}" if is_landed else "–",
        f"{effect.let_in:,}" if is_landed else "–",
    )


def _rule_samples(rules: Sequence[RuleEffect]) -> Iterator[str]:
    for effect in rules:
        for sample in effect.samples:
            values = ", ".join(f"{name}={value}" for name, value in sample.items())
            yield f"- {effect.check}, for example: {cell(values)}"


def release_row(effect: ReleaseEffect) -> tuple[str, ...]:
    """One release as a row of a table: dataset, rows, added, removed, changed."""
    if effect.is_same:
        return (f"`{effect.dataset}`", f"{effect.rows_after:,}", "stays as it is", "", "")
    rows = f"{effect.rows_before:,} → {effect.rows_after:,}"
    return (f"`{effect.dataset}`", rows, f"{effect.added:,}", f"{effect.removed:,}", f"{effect.changed:,}")


def release_details(effect: ReleaseEffect) -> Iterator[str]:
    """What differs in one release, column by column, with examples; nothing where it stays as it is."""
    if effect.is_same:
        return
    parts = list(effect.schema_changes)
    parts += [f"{name} differs in {count:,} rows" for name, count in effect.columns.items()]
    parts += [effect.note] if effect.note else []
    if parts or effect.shifts or effect.samples:
        yield f"\n`{effect.dataset}`:\n"
    yield from (f"- {cell(text)}" for text in (*parts, *effect.shifts))
    for sample in effect.samples:
        key = ", ".join(f"{name}={value}" for name, value in sample.key.items())
        if sample.kind == "changed":
            values = ", ".join(f"{n}: {sample.before.get(n)} → {sample.after.get(n)}" for n in sample.after)
            yield f"- changed {cell(key)}: {cell(values)}"
        else:
            yield f"- {sample.kind} {cell(key)}"


def _reader(reader: Reader) -> tuple[str, ...]:
    columns = f" ({', '.join(reader.columns[:6])}{', …' if len(reader.columns) > 6 else ''})" if reader.columns else ""
    because = ", ".join(reader.because[:3]) + (
        f" and {len(reader.because) - 3} more" if len(reader.because) > 3 else ""
    )
    return f"{reader.kind} `{reader.product}.{reader.name}`{columns}", reader.owner, f"**{reader.grade}**", because


def rows_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; none without rows."""
    if not rows:
        return []
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return lines + ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]


def cell(text: str) -> str:
    """Text that cannot end a cell, start a line or become HTML."""
    plain = " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
    return plain if len(plain) <= 400 else plain[:399] + "…"


def _number(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
