"""Which field of a source feeds which column of a contract, and what does not fit.

Belongs here: grouping landed objects by their field names and matching those to a contract, every misfit a counted finding.
Does not belong here: reading rows (`read`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from civicops.contracts import Contract
from civicops.ingest.values import Delivery, Finding, LandedObject, Media

RESERVED = ("_object", "_delivery", "_path")
"""Names the reader gives itself; a source field of such a name is set aside under another one, and reported."""


@dataclass(frozen=True)
class Placed:
    """A landed object and the newest delivery it belongs to: identical bytes are read once."""

    landed: LandedObject
    sequence: int


@dataclass(frozen=True)
class Layout:
    """Objects that share their fields.

    `fields` are unique, lower-case, in the source's order; `columns` says for each contract column that is read from a source
    which field feeds it (None: absent here).
    """

    media: Media
    fields: tuple[str, ...]
    columns: Mapping[str, str | None]
    objects: tuple[Placed, ...]

    @property
    def rows(self) -> int:
        """Rows landed in this layout, readable or not."""
        return sum(placed.landed.rows or 0 for placed in self.objects)


def place(deliveries: Iterable[Delivery]) -> tuple[Placed, ...]:
    """Every distinct object of the deliveries, in the order first seen, each with its newest delivery."""
    placed: dict[tuple[str, Media], Placed] = {}
    for delivery in deliveries:
        for landed in delivery.objects:
            placed[landed.sha256, landed.media] = Placed(landed, delivery.sequence)
    return tuple(placed.values())


def unique_names(written: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names as they are used (trimmed, lower case, each once), and those that had to be changed to be unique."""
    used: dict[str, None] = {}
    changed: list[str] = []
    for position, name in enumerate(written, start=1):
        plain = name.strip().strip("\ufeff").lower() or f"_unnamed_{position}"
        free, count = plain, 1
        while free in used or free in RESERVED:
            count += 1
            free = f"{plain}_{count}"
        if free != plain:
            changed.append(plain)
        used[free] = None
    return tuple(used), tuple(changed)


def layouts(
    placed: Sequence[Placed], contract: Contract, source: str
) -> tuple[tuple[Layout, ...], tuple[Finding, ...]]:
    """Group objects by their fields and match each group to the contract.

    CSV and Parquet objects are alike when their headers are. JSON leaves out what is null, so all JSON objects of one delivery
    are one layout with every key that occurs.
    """
    groups: dict[tuple[Media, tuple[str, ...]], list[Placed]] = {}
    by_delivery: dict[tuple[Media, int], dict[str, None]] = {}
    changed: Counter[str] = Counter()
    headless = 0
    for item in placed:
        media, written = item.landed.media, item.landed.shape.fields
        if media in ("csv", "parquet"):
            names, twice = unique_names(written)
            headless += not names
            changed.update(dict.fromkeys(twice, item.landed.rows or 0))
            changed.update(dict.fromkeys(twice, 0))
            groups.setdefault((media, names), []).append(item)
        else:
            by_delivery.setdefault((media, item.sequence), {}).update(dict.fromkeys(unique_names(written)[0]))
    for item in placed:
        if (found := by_delivery.get((item.landed.media, item.sequence))) is not None:
            groups.setdefault((item.landed.media, tuple(found)), []).append(item)
    result = tuple(
        Layout(media, names, _match(names, contract), tuple(items)) for (media, names), items in groups.items()
    )
    findings = [
        *(
            Finding(
                "header_duplicate",
                f"Source '{source}': field '{name}' stands more than once in the header.",
                rows,
                "stop",
            )
            for name, rows in changed.items()
        ),
        *_misfits([layout for layout in result if layout.fields], contract, source),
    ]
    if headless:
        findings.append(
            Finding(
                "header_unreadable", f"Source '{source}': {headless} files have no header to read.", headless, "stop"
            )
        )
    return result, tuple(findings)


def _match(fields: Sequence[str], contract: Contract) -> dict[str, str | None]:
    present = set(fields)
    return {
        column.name: next((name for name in _names(column.source_names) if name in present), None)
        for column in contract.columns
        if column.source_names
    }


def _names(source_names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in source_names)


def _misfits(found: Sequence[Layout], contract: Contract, source: str) -> list[Finding]:
    unknown: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    ambiguous: Counter[tuple[str, str, str]] = Counter()
    wanted = {name for column in contract.columns for name in _names(column.source_names)}
    ignored = {name.lower() for name, _ in contract.ignored_fields}
    prefixes = tuple(name[:-1] for name in ignored if name.endswith("*"))
    for layout in found:
        present = set(layout.fields)
        for name in layout.fields:
            if name not in wanted and name not in ignored and not (prefixes and name.startswith(prefixes)):
                unknown[name] += layout.rows
        for column in contract.columns:
            if not column.source_names:
                continue
            here = [name for name in _names(column.source_names) if name in present]
            if not here:
                missing[column.name] += layout.rows
            for extra in here[1:]:
                ambiguous[column.name, here[0], extra] += layout.rows
    findings = [
        Finding(
            "column_unknown",
            f"Source '{source}': field '{name}' is neither read nor declared as ignored in {contract.path.name}.",
            rows,
            "flag",
        )
        for name, rows in unknown.items()
    ]
    for name, rows in missing.items():
        column = contract.column(name)
        expected = " or ".join(f"'{item}'" for item in column.source_names)
        text = f"Source '{source}': no field {expected} for column '{name}'"
        if column.critical:
            findings.append(
                Finding("column_missing_required", f"{text}, without which nothing is published.", rows, "stop")
            )
        else:
            findings.append(Finding("column_missing", f"{text}; it is null in these rows.", rows, "flag"))
    findings.extend(
        Finding(
            "column_ambiguous",
            f"Source '{source}': both '{first}' and '{second}' could be column '{name}'; '{first}' was read.",
            rows,
            "stop",
        )
        for (name, first, second), rows in ambiguous.items()
    )
    return findings
