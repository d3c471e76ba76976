"""The tutorial does what it says.

Belongs here: the page run as a reader would type it, and that its runner notices a page that is wrong. Does not belong here:
what a product does (`tests/flow` beside this file).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.contracts import load_contract
from tests.flow.tutorial import TypeCommand, WriteFile, missing_line, perform, steps
from tools import name_rules
from tools.setup_env import ROOT

PAGE = ROOT / "docs" / "tutorial.md"


def test_the_tutorial_works_as_printed(tmp_path: Path) -> None:
    for step in steps(PAGE.read_text(encoding="utf-8")):
        perform(step, tmp_path)


def test_the_contracts_of_the_tutorial_are_valid_and_well_named(tmp_path: Path) -> None:
    written = [step for step in steps(PAGE.read_text(encoding="utf-8")) if isinstance(step, WriteFile)]
    contracts = [step for step in written if "/contracts/" in step.path]
    assert len(contracts) == 2
    for step in contracts:
        perform(step, tmp_path)
        assert list(name_rules.contract_problems(load_contract(tmp_path / step.path))) == []


def test_steps_are_read_in_order() -> None:
    text = (
        "```toml title=a.toml\nx = 1\n```\nand\n```sql\nselect 1\n```\n"
        "```console exit=3\n$ first\n$ second --x\nprints this\n...\n```\n"
    )
    assert list(steps(text)) == [
        WriteFile("a.toml", "x = 1\n"),
        TypeCommand("first", (), 3),
        TypeCommand("second --x", ("prints this", "..."), 3),
    ]


def test_a_command_that_fails_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 1"):
        perform(TypeCommand("false", (), 0), tmp_path)
    perform(TypeCommand("exit 2", (), 2), tmp_path)


def test_output_must_be_what_the_page_shows(tmp_path: Path) -> None:
    perform(WriteFile("a/b.txt", "one\ntwo 2\nthree\n"), tmp_path)
    perform(TypeCommand("cat a/b.txt", ("one", "two ...", "three"), 0), tmp_path)
    with pytest.raises(AssertionError, match="does not print 'one'"):
        perform(TypeCommand("cat a/b.txt", ("three", "one"), 0), tmp_path)


def test_anything_stands_only_for_what_it_replaces() -> None:
    assert missing_line(("a ... c",), "a b d") == "a ... c"
    assert missing_line(("(a+b) ...",), "(a+b) c\n") is None
