"""Copies that an erasure does not make anew: previews, staged operations, and files outside of the workspace's data.

Belongs here: what is said of them, and when. Does not belong here: the erasure itself (`test_erasure`), the search alone
(`tests/unit/govern/test_searching`).
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from civicops.change.previews import make
from civicops.govern.erasure import ErasureError, decide, find
from civicops.govern.searching import search
from civicops.orchestrate.copies import outside
from civicops.orchestrate.erasing import carry_out, propose
from tests.flow.orchard import Orchard, planted_once

KEY, PERSON = "T0123", "Robin Made-Up 123"


@pytest.fixture
def orchard(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Orchard:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return planted_once(tmp_path_factory).copy(tmp_path / "orchard")


def agreed(orchard: Orchard) -> str:
    made = propose(orchard.workspace, "trees.trees", KEY, "delete", reason="asked by mail", by="ben-example")
    decide(orchard.workspace, made, by="ada-example", agrees=True)
    return made.id


def test_a_preview_is_named_before_anything_is_done(orchard: Orchard) -> None:
    make(orchard.workspace, "mine")
    before = orchard.bytes_of_releases()
    code, said = orchard.said_by(
        "erase", "request", "trees.trees", KEY, "--reason", "asked by mail", "--by", "ben-example"
    )
    assert code == 0 and "preview mine" in said and "civicops preview remove mine" in said
    name = agreed(orchard)
    with pytest.raises(ErasureError, match="preview mine") as refused:
        carry_out(orchard.workspace, find(orchard.workspace, name))
    assert "civicops preview remove mine" in refused.value.hint and "--remove-previews" in refused.value.hint
    assert find(orchard.workspace, name).state == "approved" and orchard.bytes_of_releases() == before


def test_previews_and_what_is_staged_go_when_that_is_asked_for(orchard: Orchard) -> None:
    make(orchard.workspace, "mine")
    half = orchard.root / "var" / "previews" / ".other.99999"
    (half / "var").mkdir(parents=True)
    (half / "var" / "row.csv").write_text(PERSON, encoding="utf-8")
    staged = orchard.root / "var" / "operations" / "2026-11-01-replay-trees" / "data"
    staged.mkdir(parents=True)
    (staged / "row.csv").write_text(PERSON, encoding="utf-8")
    name = agreed(orchard)
    code, said = orchard.said_by("erase", "run", name, "--remove-previews")
    assert code == 0, said
    assert "preview mine: removed" in said and "2026-11-01-replay-trees: removed" in said
    assert list((orchard.root / "var" / "previews").iterdir()) == []
    assert list(search(orchard.workspace, [KEY, PERSON])) == []


def test_a_preview_that_is_made_meanwhile_is_named_at_the_end(orchard: Orchard) -> None:
    name = agreed(orchard)

    def meanwhile(text: str) -> None:
        if text == "searching the workspace":
            make(orchard.workspace, "late")
            (orchard.root / "var" / "previews" / "late" / "var" / "note.txt").write_text(PERSON, encoding="utf-8")

    with pytest.raises(ErasureError, match=r"still found in .* previews/late/var/note\.txt") as failed:
        carry_out(orchard.workspace, find(orchard.workspace, name), say=meanwhile)
    assert "civicops preview remove late" in failed.value.hint


def test_a_file_that_was_given_is_searched_and_named(orchard: Orchard) -> None:
    file = orchard.root / "downloads" / "inspections.csv"
    code, said = orchard.said_by(
        "erase", "request", "trees.trees", KEY, "--reason", "asked by mail", "--by", "ben-example"
    )
    assert code == 0 and f"{file}: the file you gave still holds it" in said
    name = agreed(orchard)
    code, said = orchard.said_by("erase", "run", name)
    assert code == 0, said
    assert f"{file}: the file you gave still holds it; remove it there" in said
    assert said.rstrip().splitlines()[-1].startswith("Next: take it out of inspections.csv")
    done = find(orchard.workspace, name)
    assert done.state == "done" and done.proof["outside"] == [str(file)]
    code, said = orchard.said_by("erase", "show", name)
    assert str(file) in said and PERSON not in said
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith(KEY)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert outside(orchard.workspace, [KEY, PERSON]) == ()


def test_files_are_searched_wherever_and_however_packed_they_are(orchard: Orchard, tmp_path: Path) -> None:
    """Also those of products that the record does not come from, and of folders; what lies in the data is searched already."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(elsewhere / "days.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "day_name\nmonday\n")
        archive.writestr("b.csv", f"day_name\n{PERSON}\n")
    (elsewhere / "late.csv").write_text("day_name\nsunday\n", encoding="utf-8")
    (elsewhere / "notes.txt").write_text(PERSON, encoding="utf-8")
    settings = orchard.root / "civicops.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        f"{text}\n[products.parks.sources.days]\npath = {json.dumps(str(elsewhere))}\n", encoding="utf-8"
    )
    # A folder is searched as a whole: what is no source now may have been one.
    assert outside(orchard.workspace, [PERSON]) == (
        str(elsewhere / "days.zip"), str(elsewhere / "notes.txt"), str(orchard.root / "downloads" / "inspections.csv"),
    )  # fmt: skip
    assert outside(orchard.workspace, ["Nobody Made-Up"]) == ()


def test_a_given_file_that_is_gone_or_closed_is_no_hindrance(orchard: Orchard) -> None:
    (orchard.root / "downloads" / "inspections.csv").unlink()
    assert outside(orchard.workspace, [PERSON]) == ()
