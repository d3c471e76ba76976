"""History survives what a crash leaves and asks nothing of the lines of a later version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from civicops.observe.history import RUN, History
from civicops.release.store import ReleaseStore
from civicops.runs import RunRecord

RECORD = RunRecord(
    "20260301T070000Z-library-abc", "library", "succeeded", "2026-03-01T07:00:00+00:00", "schedule", 1,
    finished_at="2026-03-01T07:00:05+00:00", sources=({"source": "desk", "new_rows": 3},),
)  # fmt: skip


def test_half_a_line_of_a_killed_process_costs_that_line_only(tmp_path: Path) -> None:
    history, releases = History(tmp_path / "observe"), ReleaseStore(tmp_path / "releases")
    history.append(RECORD, releases)
    (path,) = (tmp_path / "observe").rglob("runs-2026-03.jsonl")
    path.write_text(path.read_text() + '{"at": "2026-03-01T08', encoding="utf-8")
    history.append(RECORD, releases)
    found = history.observations("library")
    assert [(line.seconds, line.new_rows) for line in found] == [(5.0, 3), (5.0, 3)]


def test_a_line_of_a_later_version_may_say_more(tmp_path: Path) -> None:
    history = History(tmp_path / "observe")
    history.append(RECORD, ReleaseStore(tmp_path / "releases"))
    (path,) = (tmp_path / "observe").rglob("runs-2026-03.jsonl")
    path.write_text(path.read_text().replace("{", '{"weather":"rain",', 1))
    assert history.observations("library")[0].run_id == RECORD.run_id


def test_backwards_is_the_same_lines_and_reads_no_month_it_needs_not(tmp_path: Path) -> None:
    history, releases = History(tmp_path / "observe"), ReleaseStore(tmp_path / "releases")
    for month in (1, 2, 3):
        for day in (1, 2):
            at = f"2026-0{month}-0{day}T07:00:00+00:00"
            history.append(replace(RECORD, run_id=f"run-{month}-{day}", started_at=at, finished_at=at), releases)
    lines = history.observations("library", RUN)
    assert tuple(history.backwards("library", RUN)) == lines[::-1]
    assert history.first("library", RUN) == lines[0]
    assert (history.first("library", "nothing"), tuple(history.backwards("library", "nothing"))) == (None, ())
    (oldest,) = (tmp_path / "observe").rglob("runs-2026-01.jsonl")
    oldest.write_bytes(b"[1, 2]\n")  # no line of ours: whoever reads it fails
    assert next(history.backwards("library", RUN)).run_id == "run-3-2"


def test_every_section_that_a_message_can_name_is_in_the_runbook() -> None:
    import re

    from civicops.observe import messages

    root = Path(__file__).parents[3]
    headings = re.findall(r"^## (.+)$", (root / messages.RUNBOOK).read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(messages.RUNBOOK_SECTIONS)
    named = re.findall(r'runbook="([^"]+)"|^RUNBOOK = "([^"]+)"', "".join(
        (root / "src" / "civicops" / "observe" / f"{name}.py").read_text(encoding="utf-8") for name in ("ethics", "monitors", "sheets", "volume", "watch")
    ), re.MULTILINE)  # fmt: skip
    assert {first or second for first, second in named} == set(messages.RUNBOOK_SECTIONS)
