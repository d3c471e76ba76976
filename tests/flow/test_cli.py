"""The command line as a person or a script uses it: words, JSON, exit codes, and no connection to anywhere else.

Belongs here: the program run as a process. Does not belong here: what a run does (`test_orchestrate_runs`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from civicops.cli import app
from tests.flow.conftest import LOANS_ROWS, Library, make_library

PROGRAM = [sys.executable, "-c", "from civicops.cli import main; main()"]
AUDIT = """\
import json, os, sys

def _note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["CONNECTIONS"], "a") as stream:
            stream.write(json.dumps([event, str(arguments[1] if event == "socket.connect" else arguments[0])]) + "\\n")

sys.addaudithook(_note)
"""


def type_in(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | environment,
    )


def answer(folder: Path, *words: str) -> Any:
    done = type_in(folder, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library that ran twice, with a change in between."""
    library = make_library(tmp_path_factory.mktemp("cli"))
    library.deliver(LOANS_ROWS)
    library.run()
    library.deliver([("l1", "Harbor", 9, "2026-02-01"), *LOANS_ROWS[1:], ("l5", "Alder", 3, "2026-02-01")])
    library.run()
    return library


def test_help_names_every_command() -> None:
    done = type_in(Path.cwd(), "--help")
    assert done.returncode == 0
    for command in app.registered_commands:
        assert str(command.name) in done.stdout
    for group in app.registered_groups:
        assert str(group.name) in done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = "import sys\nfrom civicops.cli import app\nprint([m for m in ('duckdb','dagster','dbt','pydantic','numpy','pyarrow','httpx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ("products",),
        ("status",),
        ("status", "library"),
        ("quarantine", "list"),
        ("quarantine", "show", "library.loans"),
        ("release", "list", "library"),
        ("release", "list", "library.loan_list"),
        ("release", "diff", "library.loan_list"),
        ("release", "prune", "--dry-run"),
        ("diagnose", "library"),
    ],
)
def test_every_answer_has_words_with_a_next_step_and_json(ran: Library, words: tuple[str, ...]) -> None:
    done = type_in(ran.root, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().splitlines()[-1].startswith("Next: ")
    assert "Traceback" not in done.stderr
    assert answer(ran.root, *words) is not None


def test_path_prints_the_folder_and_nothing_else(ran: Library) -> None:
    done = type_in(ran.root, "release", "path", "library.loan_list")
    assert (Path(done.stdout.strip()) / "data.parquet").is_file()
    assert len(done.stdout.splitlines()) == 1


def test_a_difference_is_counted_and_shown(ran: Library) -> None:
    found = answer(ran.root, "release", "diff", "library.loan_list")
    assert (found["added"], found["removed"], found["changed"]) == (1, 0, 1)
    words = type_in(ran.root, "release", "diff", "library.loan_list").stdout
    assert "1 added, 0 removed, 1 changed" in words
    assert "branch_name: Alder -> Harbor" in words


def test_rolling_back_is_one_switch_that_is_recorded_and_runs_do_not_undo_it(ran: Library, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(ran.root, root)
    before = answer(root, "release", "path", "library.loan_list")["version"]
    switch = answer(root, "release", "rollback", "library", "--reason", "wrong numbers")
    after = answer(root, "release", "path", "library.loan_list")["version"]
    assert before != after
    assert (switch["action"], switch["reason"], switch["from"]["loan_list"], switch["to"]["loan_list"]) == (
        "rollback", "wrong numbers", before, after,
    )  # fmt: skip
    assert answer(root, "run", "library")["status"] == "unchanged"
    assert answer(root, "release", "path", "library.loan_list")["version"] == after


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "libary"), "did you mean 'library'"),
        (("quarantine", "show", "library.lons"), "did you mean 'loans'"),
        (("quarantine", "show", "library.loans", "--check", "nope"), "has no check 'nope'"),
        (("release", "path", "library"), "names no dataset"),
        (("release", "path", "library.nothing"), "no current release"),
        (("release", "list", "nothing"), "civicops run nothing"),
        (("status", "nope"), "no product 'nope'"),
        (("new", "product", "Bad-Name"), "lower-case words"),
        (("new", "product", "library"), "exists already"),
    ],
)
def test_a_mistake_is_one_sentence_with_a_way_out(ran: Library, words: tuple[str, ...], said: str) -> None:
    done = type_in(ran.root, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_a_workspace_it_says_where_to_go(tmp_path: Path) -> None:
    done = type_in(tmp_path, "products")
    assert (done.returncode, "--workspace" in done.stderr) == (1, True)


def test_a_typo_in_the_settings_is_named(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    settings = tmp_path / "civicops.toml"
    settings.write_text(settings.read_text().replace("organisation", "organization"))
    done = type_in(library.root, "products")
    assert (done.returncode, "did you mean 'organisation'" in done.stderr) == (1, True)


def test_a_new_product_can_be_looked_at_at_once(tmp_path: Path) -> None:
    (tmp_path / "civicops.toml").write_text('[workspace]\norganisation = "x"\n')
    made = answer(tmp_path, "new", "product", "bike_counts", "--owner", "ada-example")
    assert all((tmp_path / path).exists() for path in made["files"])
    assert [item["product"] for item in answer(tmp_path, "products")] == ["bike_counts"]
    done = type_in(tmp_path, "run", "bike_counts")
    assert done.returncode == 1
    assert "sources.py" in done.stderr + done.stdout


def test_a_run_says_what_was_fetched_held_back_and_published(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    library.deliver(LOANS_ROWS)
    done = type_in(library.root, "run", "library")
    assert done.returncode == 0, done.stderr
    assert "Fetched 4 rows from 1 of 1 sources." in done.stdout
    assert "branch_known" in done.stdout
    assert "DEBUG" not in done.stderr
    assert "Nothing new to fetch" in type_in(library.root, "run", "library").stdout


def test_no_command_connects_to_anywhere(tmp_path: Path) -> None:
    """Several of our dependencies send usage data unless told not to; the source of this product is a file."""
    library = make_library(tmp_path / "workspace")
    library.deliver(LOANS_ROWS)
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(AUDIT)
    log = tmp_path / "connections.jsonl"
    environment = {"PYTHONPATH": str(hook), "CONNECTIONS": str(log)}
    for words in (
        ("run", "library"),
        ("status",),
        ("release", "list", "library"),
        ("quarantine", "list"),
        ("diagnose", "library"),
    ):
        assert type_in(library.root, *words, **environment).returncode == 0
    assert not log.exists(), log.read_text()
    subprocess.run(
        [sys.executable, "-c", "import socket; socket.getaddrinfo('localhost', 1)"],
        env=os.environ | environment,
        check=True,
    )
    assert log.exists()  # the hook would have seen one
