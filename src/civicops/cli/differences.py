"""How a difference between two releases is printed.

Belongs here: words and tables. Does not belong here: comparing (`civicops.release.diff`).
"""

from __future__ import annotations

from civicops.cli.output import say, table
from civicops.release.diff import ReleaseDiff


def show(found: ReleaseDiff) -> None:
    """Print counts, changes of the schema, changes per column and examples."""
    if found.identical:
        say("The data are the same, byte for byte.")
        return
    say(
        f"{found.rows_before:,} rows before, {found.rows_after:,} after: {found.added:,} added, {found.removed:,} removed, "
        f"{found.changed:,} changed, {found.unchanged:,} the same."
    )
    if found.schema:
        table(("column", "change", "before", "after"), [(s.column, s.kind, s.before, s.after) for s in found.schema])
    if found.columns:
        table(("column", "rows changed"), [(c.column, c.count) for c in found.columns], right=("rows changed",))
    for change in found.samples:
        key = ", ".join(f"{name}={value}" for name, value in change.key)
        say(f"\n{change.kind} {key}")
        before, after = dict(change.before), dict(change.after)
        for name in dict.fromkeys([*before, *after]):
            old, new = before.get(name), after.get(name)
            if change.kind != "changed":
                value = new if change.kind == "added" else old
                if value is not None:
                    say(f"    {name}: {value}")
            elif old != new:
                say(f"    {name}: {old} -> {new}")
