"""Detectors of personal data: how many planted values they find, how often they are right, and what looking costs.

Belongs here: recall and precision by detector with Wilson's intervals, seconds of a scan. Does not belong here: the cases
(`personal_cases`).
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path

import duckdb

from bench.personal_cases import SECOND, TUNING, Parts, cases
from bench.personal_held_out import HELD_OUT
from bench.table import Row, Table, main, spread, timed
from civicops.contracts import load_contract
from civicops.govern.personal import find
from civicops.govern.personal_scan import scan
from tests.unit.release.release_kit import column, contract_text

KINDS = {"name": "names", "phone": "phones", "email": "e-mail", "address": "addresses"}


def wilson(hits: int, all_: int) -> str:
    """A share with its 95 % interval."""
    if not all_:
        return "-"
    z, share = 1.96, hits / all_
    middle = (share + z * z / (2 * all_)) / (1 + z * z / all_)
    half = z * ((share * (1 - share) + z * z / (4 * all_)) / all_) ** 0.5 / (1 + z * z / all_)
    return f"{share:.1%} ({max(0.0, middle - half):.1%} to {min(1.0, middle + half):.1%})"


def measured(
    parts: Parts, seed: int, count: int
) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]], Counter[str]]:
    """Found and planted by group, right and told by kind, and texts with a false find by group of nothing and kind.

    A find of another kind than the planted one counts as wrong, and so does one beside it.
    """
    found: dict[str, tuple[int, int]] = {}
    told: dict[str, tuple[int, int]] = {}
    false: Counter[str] = Counter()
    for case in cases(parts, seed, count):
        hits = find(case.text)
        places = [match.span() for match in re.finditer(re.escape(case.value), case.text)] if case.kind else []
        right = [
            hit
            for hit in hits
            if hit.kind == case.kind
            and not hit.is_bare
            and any(hit.start < end and hit.end > start for start, end in places)
        ]
        if case.kind:
            one, all_ = found.get(case.group, (0, 0))
            found[case.group] = (one + bool(right), all_ + 1)
        for hit in hits:
            if hit.is_bare:
                continue
            one, all_ = told.get(hit.kind, (0, 0))
            told[hit.kind] = (one + (hit in right), all_ + 1)
            if not case.kind:
                false[f"{case.group}: {hit.kind}"] += 1
    return found, told, false


def run(quick: bool) -> Table:
    """Both sets, then a scan of made-up rows."""
    count = 200 if quick else 2000
    rows = []
    results = {
        "tuning": measured(TUNING, 3, count),
        "second": measured(SECOND, 11, count),
        "held out": measured(HELD_OUT, 29, count),
    }
    groups = dict.fromkeys(group for found, _, _ in results.values() for group in found)
    for group in groups:
        rows.append(
            Row(
                f"recall, {group}", {name: wilson(*found.get(group, (0, 0))) for name, (found, _, _) in results.items()}
            )
        )
    for kind, words in KINDS.items():
        rows.append(
            Row(
                f"precision, {words}", {name: wilson(*told.get(kind, (0, 0))) for name, (_, told, _) in results.items()}
            )
        )
    rows += scans(quick)
    wrong = ", ".join(f"{name} {number}" for name, number in sorted(results["held out"][2].items())) or "none"
    return Table(
        "personal",
        tuple(rows),
        (
            f"{count:,} planted values of each kind and as many texts of each of {len(HELD_OUT.nothing)} groups with nothing "
            "personal in them, from templates. *Tuning*: looked at while the detectors were written. *Second*: held out at "
            "first, then used to mend them. *Held out*: other people, streets, notations and sentences, written last; the "
            "detectors were not changed after they were measured with them. In brackets Wilson's 95 % interval "
            "over texts, which repeat their templates, so the "
            "uncertainty about other people's ways of writing is larger. A value counts as found when any part of it is.",
            f"False finds in {count:,} texts of each group with nothing in them, held out: {wrong}.",
        ),
    )


def scans(quick: bool) -> list[Row]:
    """Seconds for one column of so many rows: few values, many values, numbers."""
    count = 100_000 if quick else 5_000_000
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        con.execute("SET threads = 2")
        path = Path(folder) / "contracts" / "rows.yaml"
        path.parent.mkdir()
        path.write_text(contract_text("rows", [column("row_id", "integer", primaryKey=True), column("note")]))
        contract = load_contract(path)
        made = []
        for name, sql in (
            ("40 kinds of text", "'Bulky Items of kind ' || i % 40"),
            ("as many texts as rows", "'Mattress and ' || i || ' bags at the curb since Monday'"),
            ("numbers of ten digits", "CAST(1000000000 + hash(i) % 8999999999 AS VARCHAR)"),
        ):
            con.execute(f"CREATE OR REPLACE TABLE rows AS SELECT i AS row_id, {sql} AS note FROM range({count}) t(i)")
            seconds = timed(lambda: scan(con, contract, "SELECT * FROM rows"), 3)
            made.append(Row(f"scan of {count:,} rows, {name}", {"held out": spread(seconds)}))
    return made


if __name__ == "__main__":
    main(run)
