"""Looking for personal data that nobody declared, in the rows of one dataset.

Belongs here: which columns are looked at, how, what it costs, and from when on a find counts. Does not belong here: what is
taken for personal data (`personal`), what a run does about it (`civicops.orchestrate`), which columns are declared
(`personal_classes`).

Only distinct values are looked at. The engine first says, in one pass, which values could hold anything at all; a column with
more than `MOST` distinct values is sampled by the hash of the value, so that the same rows always give the same sample. E-mail
addresses, social security numbers, profiles and words such as "my name is" are looked for in every value all the same, since the
engine finds their candidates by itself. Of j different values with anything else in such a column all are missed with the chance
(1 - share scanned) ** j, in however many rows each stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import duckdb

from civicops.checks.sql import quote, text
from civicops.contracts import Column, Contract
from civicops.contracts.checktypes import Allowed
from civicops.contracts.privacy import PersonalKind
from civicops.govern.personal import Hit, find, shape

MOST = 10_000
"""Distinct values of a column that are looked at before it is sampled."""
LONGEST = 2_000
"""Characters of a value that are looked at."""
KINDS: tuple[PersonalKind, ...] = get_args(PersonalKind)
_TOLD = frozenset({"phone", "ssn", "card"})
"""Kinds of which the masked shape is told; of others even that would tell something."""
_BARE_SHARE = 0.8
"""Ten digits are phone numbers when so large a share of the column's ten-digit values are valid; a third of random ones is."""

# A value that matches neither holds nothing that any detector finds.
_EXACT = (
    r"@|(?i:\b(?:at|arroba)\b.{1,60}\b(?:dot|punto)\b|[\[({<]\s*(?:at|arroba)\s*[\])}>])|\b\d{3}[- ]\d{2}[- ]\d{4}\b"
    r"|(?i:facebook\.com|linkedin\.com|venmo\.com|cash\.app|\bborn\b|\bd\.?o\.?b\b|\bbirth|\bnaci|nacimiento|\bname\b|\bllam)"
)
_POSSIBLE = (
    rf"{_EXACT}|\d(?:[^0-9\n]{{0,3}}\d){{6}}|\d[ \w/-]{{0,6}}\s+\S+\s+\S|\p{{Lu}}[\p{{L}}'’-]*[.,]?\s+\S*\p{{L}}"
    r"|(?i:one|two|three|uno|dos|tres)|::|(?i:live|vivo|vive)"
)


@dataclass(frozen=True)
class Threshold:
    """From how many distinct values, and which share of those looked at, a kind counts as found."""

    values: int
    share: float


THRESHOLDS: dict[PersonalKind, Threshold] = {
    "email": Threshold(1, 0.0),
    "ssn": Threshold(1, 0.0),
    "card": Threshold(1, 0.0),
    "birth": Threshold(1, 0.0),
    "profile": Threshold(1, 0.0),
    "phone": Threshold(1, 0.0),
    "ip": Threshold(1, 0.0),
    "address": Threshold(3, 0.0),
    "name": Threshold(3, 0.002),
}
"""One find of what is hardly ever wrong; several of what is noisy. Measured in docs/benchmarks.md, personal data."""


@dataclass(frozen=True)
class Found:
    """Personal data of one kind in one column; never a value of it."""

    dataset: str
    column: str
    kind: PersonalKind
    values: int
    """Distinct values that hold some."""
    rows: int
    """Rows in which those values stand."""
    distinct: int
    """Distinct values of the column; an estimate where it was sampled."""
    scanned: int
    share: float
    """The share of distinct values that were looked at, from 0 to 1."""
    shapes: tuple[str, ...]
    status: Literal["found", "expected", "below"]
    """`below`: fewer than the kind's threshold; `expected`: the contract says that they stand there on purpose."""
    reason: str = ""

    @property
    def words(self) -> str:
        """What is said of it, without a value."""
        form = f", such as {self.shapes[0]}" if self.shapes else ""
        part = "" if self.share >= 1 else f" ({self.share:.1%} of its values were looked at)"
        return (
            f"{self.dataset}.{self.column} holds what looks like {LABELS[self.kind]} in {self.values:,} values, "
            f"{self.rows:,} rows{form}{part}."
        )


LABELS: dict[PersonalKind, str] = {
    "name": "names of people",
    "phone": "telephone numbers",
    "email": "e-mail addresses",
    "address": "street addresses",
    "ssn": "social security numbers",
    "card": "numbers of payment cards",
    "ip": "internet addresses of people's devices",
    "birth": "dates of birth",
    "profile": "people's pages in social networks",
}


def scanned_columns(contract: Contract) -> tuple[Column, ...]:
    """The text columns without a class of personal data that are not held to a list of allowed values."""
    listed = {
        check.column
        for check in contract.row_checks
        if isinstance(check.spec, Allowed) and check.spec.action in ("blank", "quarantine", "stop")
    }
    return tuple(
        column
        for column in contract.columns
        if column.logical_type in ("string", "array", "object")
        and column.pii_class.lower() in ("none", "public", "")
        and column.name not in listed
    )


def scan(con: duckdb.DuckDBPyConnection, contract: Contract, select: str, *, most: int = MOST) -> tuple[Found, ...]:
    """Look through the rows of `select`, which has the contract's columns; every find, also those that do not count.

    Raises `duckdb.Error` when the rows cannot be read.
    """
    columns = scanned_columns(contract)
    if not columns:
        return ()
    counts = con.execute(
        f"SELECT {', '.join(f'approx_count_distinct({quote(column.name)})' for column in columns)} FROM ({select})"
    ).fetchone()
    found: list[Found] = []
    for column, distinct in zip(columns, counts or (), strict=True):
        found += _scan_column(con, contract, column, select, int(distinct), most)
    return tuple(found)


def counting(found: Sequence[Found]) -> tuple[Found, ...]:
    """Those that count: found, and neither expected nor below their threshold."""
    return tuple(item for item in found if item.status == "found")


def _scan_column(
    con: duckdb.DuckDBPyConnection, contract: Contract, column: Column, select: str, distinct: int, most: int
) -> list[Found]:
    every = max(1, -(-distinct // most))
    name = quote(column.name)
    value = f"array_to_string({name}, ' ; ')" if column.logical_type == "array" else f"CAST({name} AS VARCHAR)"
    cut = f"left({value}, {LONGEST})"
    chosen = f"regexp_matches(v, {text(_POSSIBLE)})"
    if every > 1:
        chosen = f"((hash(v) % {every} = 0 AND {chosen}) OR regexp_matches(v, {text(_EXACT)}))"
    rows = con.execute(
        f"SELECT v, n FROM (SELECT {cut} AS v, count(*) AS n FROM ({select}) WHERE {name} IS NOT NULL GROUP BY 1) "
        f"WHERE {chosen} ORDER BY v"
        if every == 1
        else f"SELECT v, count(*) AS n FROM (SELECT {cut} AS v FROM ({select}) WHERE {name} IS NOT NULL) WHERE {chosen} "
        "GROUP BY 1 ORDER BY v"
    ).fetchall()
    values, lines, shapes = Counter[PersonalKind](), Counter[PersonalKind](), {kind: Counter[str]() for kind in KINDS}
    bare: list[tuple[int, tuple[str, ...]]] = []
    for content, count in rows:
        hits = find(content)
        sure = {hit.kind for hit in hits if not hit.is_bare}
        for kind in sure:
            values[kind] += 1
            lines[kind] += count
            if kind in _TOLD:
                shapes[kind].update(shape(content[hit.start : hit.end]) for hit in hits if hit.kind == kind)
        if "phone" not in sure and any(hit.is_bare for hit in hits):
            bare.append((count, tuple(shape(content[hit.start : hit.end]) for hit in hits if hit.is_bare)))
    if bare and len(bare) >= _BARE_SHARE * _ten_digits(rows):
        values["phone"] += len(bare)
        lines["phone"] += sum(count for count, _ in bare)
        for _, forms in bare:
            shapes["phone"].update(forms)
    looked = distinct if every == 1 else -(-distinct // every)
    return [
        Found(
            dataset=contract.id,
            column=column.name,
            kind=kind,
            values=values[kind],
            rows=lines[kind],
            distinct=max(distinct, len(rows)),
            scanned=looked,
            share=1.0 if every == 1 else 1 / every,
            shapes=tuple(form for form, _ in shapes[kind].most_common(3)),
            status=_status(column, kind, values[kind], looked),
            reason=column.expected_personal.reason if _is_expected(column, kind) and column.expected_personal else "",
        )
        for kind in KINDS
        if values[kind]
    ]


def _status(column: Column, kind: PersonalKind, values: int, looked: int) -> Literal["found", "expected", "below"]:
    if _is_expected(column, kind):
        return "expected"
    least = THRESHOLDS[kind]
    return "found" if values >= least.values and values >= least.share * looked else "below"


def _is_expected(column: Column, kind: PersonalKind) -> bool:
    return column.expected_personal is not None and kind in column.expected_personal.kinds


def _ten_digits(rows: Sequence[tuple[str, int]]) -> int:
    return sum(10 <= len(content) <= 11 and content.isdigit() for content, _ in rows) or len(rows)


__all__ = ["KINDS", "LABELS", "MOST", "THRESHOLDS", "Found", "Hit", "Threshold", "counting", "scan", "scanned_columns"]
