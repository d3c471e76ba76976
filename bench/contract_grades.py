"""How well changes of contracts are judged: civicops, datacontract-cli and dbt on the same labelled pairs.

    make bench NAME=contract_grades

Belongs here: asking the three and counting hits. Does not belong here: the pairs (`tests/unit/change/corpus`), what the labels
mean (its README).

datacontract-cli reads its own format and dbt its models' YAML, so each pair is written in their words as far as they can say it
(`contract_words.py`). What they cannot say (access, privacy, retention, what happens to a row) they cannot judge; that is part of
the result, so the second table counts only pairs that differ in their words too.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.contract_words import as_datacontract, as_dbt
from bench.table import Row, Table, main
from civicops.change.grade import compare
from civicops.change.grade_checks import Known
from civicops.change.grades import Grade
from tests.unit.change.pairs import TODAY, Pair, pairs

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".venv-bench-grades" / "bin" / "python"
PEER_PROGRAM = """
import json, sys, tempfile
from pathlib import Path
from datacontract.data_contract import DataContract
folder = Path(tempfile.mkdtemp())
for line in sys.stdin:
    case = json.loads(line)
    for side in ("old", "new"):
        (folder / side).write_text(case[side], encoding="utf-8")
    try:
        old, new = (DataContract(data_contract_file=str(folder / side)) for side in ("old", "new"))
        found = old.breaking(new)
        answer = not found.passed_checks()
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps([case["id"], answer]), flush=True)
"""


@dataclass(frozen=True)
class Judge:
    """One program's verdicts: the ids of the pairs it calls breaking, and of those that differ at all in its words."""

    name: str
    breaking: frozenset[str]
    seen: frozenset[str]


def run(quick: bool) -> Table:
    """Judge every pair three times; there is nothing to make quicker."""
    del quick
    all_pairs = list(pairs())
    ours = {pair.id: grades(pair) for pair in all_pairs}
    every = frozenset(pair.id for pair in all_pairs)
    breaking = frozenset(name for name, (consumers, _) in ours.items() if consumers is Grade.BREAKING)
    truth = frozenset(pair.id for pair in all_pairs if pair.consumers == "breaking")
    judges = [Judge("civicops", breaking, every), by_datacontract(all_pairs), by_dbt(all_pairs)]
    rows = [row(judge, truth, every) for judge in judges]
    rows += [
        row(Judge(f"{judge.name}, only pairs it can see", judge.breaking, judge.seen), truth & judge.seen, judge.seen)
        for judge in judges[1:]
    ]
    for side, index in (("consumers", 0), ("producers", 1)):
        right = sum(str(ours[pair.id][index]) == getattr(pair, side) for pair in all_pairs)
        rows.append(Row(f"civicops, one of four grades, {side}", {"pairs": f"{len(every)}", "right": f"{right}"}))
    bad = frozenset(pair.id for pair in all_pairs if pair.producers == "breaking")
    rows.append(
        row(
            Judge(
                "civicops, breaking for producers",
                frozenset(n for n, (_, p) in ours.items() if p is Grade.BREAKING),
                every,
            ),
            bad,
            every,
        )
    )
    notes = (
        f"{len(every)} pairs of contracts, labelled from what code does with the rows before there was a grader "
        f"(tests/unit/change/corpus); {len(truth)} of them break consumers. Recall: of those, how many were called breaking. "
        "Precision: of those called breaking, how many are. The first three rows ask about consumers, over all pairs.",
        "When the grader was first run on the pairs, 239 of 244 were graded as labelled on both sides; of 95 changes "
        "that break producers it missed one (shorter text), of those that break consumers none. A reviewer later wrote 12 "
        "pairs of descriptions and units that break and came out cosmetic (and/or, a comparison, a minus, a currency, MB and "
        "Mb); they are among the pairs now, so the recall is that of pairs it has learned from. What is left are two "
        "descriptions, one reworded and one with a slip in a short word, that only a person can tell to mean the same: graded "
        "breaking unless the author says `reworded`.",
        "datacontract-cli 0.10.36 still has `breaking`, which later ones dropped; it and dbt's `same_contract` know one grade, "
        "and nothing of what they have no words for.",
    )
    return Table("contract_grades", tuple(rows), notes)


def grades(pair: Pair) -> tuple[Grade, Grade]:
    """Our grades for consumers and producers."""
    with tempfile.TemporaryDirectory() as folder:
        old, new = pair.contracts(Path(folder))
        found = compare(old, new, today=TODAY, known=Known(in_use=pair.in_use))
    return found.consumers, found.producers


def row(judge: Judge, truth: frozenset[str], every: frozenset[str]) -> Row:
    """Recall and precision of one judge."""
    hits = judge.breaking & truth
    called = judge.breaking & every
    return Row(
        judge.name,
        {
            "pairs": f"{len(every)}",
            "breaking": f"{len(truth)}",
            "found": f"{len(hits)}",
            "missed": f"{len(truth - hits)}",
            "false alarms": f"{len(called - truth)}",
            "recall": f"{len(hits) / len(truth):.1%}",
            "precision": f"{len(hits) / len(called):.1%}" if called else "-",
        },
    )


def by_datacontract(all_pairs: Sequence[Pair]) -> Judge:
    """datacontract-cli's `breaking`, in its own environment."""
    cases = {pair.id: (as_datacontract(pair.old), as_datacontract(pair.new)) for pair in all_pairs}
    lines = "".join(
        json.dumps({"id": name, "old": yaml.safe_dump(old), "new": yaml.safe_dump(new)}) + "\n"
        for name, (old, new) in cases.items()
    )
    done = subprocess.run(
        [str(PEER), "-c", PEER_PROGRAM],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    answers = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    assert len(answers) == len(cases), done.stderr
    failed = sorted(f"{name}: {answer}" for name, answer in answers.items() if isinstance(answer, str))
    print("\n".join(f"datacontract-cli fails at {text}" for text in failed))
    return Judge("datacontract-cli", frozenset(n for n, answer in answers.items() if answer is True), _seen(cases))


def by_dbt(all_pairs: Sequence[Pair]) -> Judge:
    """dbt's comparison of model contracts: each pair a versioned model of an old and of a new project."""
    from dbt.contracts.graph.nodes import ModelNode
    from dbt.exceptions import ContractBreakingChangeError

    cases = {pair.id: (as_dbt(pair.old), as_dbt(pair.new)) for pair in all_pairs}
    with tempfile.TemporaryDirectory() as folder:
        old, new = (
            _parsed(Path(folder) / side, {name: both[place] for name, both in cases.items()})
            for place, side in enumerate(("old", "new"))
        )
        found = set()
        for name in cases:
            before, after = old[name], new[name]
            assert isinstance(before, ModelNode) and isinstance(after, ModelNode)
            try:
                after.same_contract(before, "duckdb")
            except ContractBreakingChangeError:
                found.add(name)
    return Judge("dbt", frozenset(found), _seen(cases))


def _parsed(folder: Path, models: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Let dbt read a project with these models; name to node."""
    from dbt.cli.main import dbtRunner

    (folder / "models").mkdir(parents=True)
    profile = {"p": {"target": "t", "outputs": {"t": {"type": "duckdb", "path": ":memory:"}}}}
    project = {"name": "grades", "version": "1.0.0", "config-version": 2, "profile": "p", "model-paths": ["models"]}
    project["flags"] = {"send_anonymous_usage_stats": False}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    (folder / "models" / "all.yml").write_text(
        yaml.safe_dump({"version": 2, "models": [{"name": name} | model for name, model in models.items()]}),
        encoding="utf-8",
    )
    for name in models:
        (folder / "models" / f"{name}_v1.sql").write_text("select 1 as x", encoding="utf-8")
    place = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet"]
    outcome = dbtRunner().invoke(["parse", *place])
    if outcome.exception is not None:
        raise outcome.exception
    assert outcome.result is not None
    return {node.name: node for node in outcome.result.nodes.values()}  # type: ignore[union-attr]


def _seen(cases: Mapping[str, tuple[Any, Any]]) -> frozenset[str]:
    return frozenset(name for name, (old, new) in cases.items() if old != new)


if __name__ == "__main__":
    main(run)
