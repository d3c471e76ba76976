"""The rules of `tools/` hold on this repository, and each of them finds what it is for.

Belongs here: one test that the repository keeps every rule, and faults planted in a small made-up one. Does not belong here:
behaviour of the framework.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from civicops.contracts import checktypes
from civicops.workspace import Settings
from tools import code_rules, docs_rules, name_rules, reference, reference_commands
from tools.setup_env import ROOT

Rule = Callable[[Path], list[str]]


@pytest.mark.parametrize(
    "rule", [*code_rules.RULES, *docs_rules.RULES, name_rules.badly_named], ids=lambda rule: rule.__name__
)
def test_the_repository_keeps_the_rule(rule: Rule) -> None:
    problems = rule(ROOT)
    assert not problems, "\n".join(["", *problems])


@pytest.fixture
def other(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Makes a git repository of the given files."""

    def make(files: dict[str, str]) -> Path:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
        return tmp_path

    return make


DOCSTRING = '"""A room. Belongs here: a. Does not belong here: b."""\n'


def test_long_files_are_named(other: Callable[[dict[str, str]], Path]) -> None:
    root = other(
        {"src/civicops/long.py": "x = 1\n" * 401, "src/civicops/short.py": "x = 1\n" * 400, "tests/t.py": "x\n" * 999}
    )
    assert code_rules.too_long(root) == ["src/civicops/long.py: 401 lines; split it"]


def test_modules_and_functions_without_docstrings_are_named(other: Callable[[dict[str, str]], Path]) -> None:
    bad = '"""Something."""\n\ndef shown():\n    pass\n\ndef _hidden():\n    pass\n'
    root = other({"src/civicops/bad.py": bad, "src/civicops/good.py": DOCSTRING + "def f():\n    'Does it.'\n"})
    assert code_rules.missing_docstrings(root) == [
        "src/civicops/bad.py:1: the docstring must say what 'Belongs here' and what 'Does not belong here'",
        "src/civicops/bad.py:3: 'shown' has no docstring",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "see https://py" + "pi.org/simple",
        "pip install --index" + "-url x",
        "open('/ho" + "me/somebody/data')",
        "made by an A" + "I",
        "# TO" + "DO later",
        "write to jo.smith@gm" + "ail.com",
    ],
)
def test_unwanted_text_is_found_in_any_file(other: Callable[[dict[str, str]], Path], line: str) -> None:
    root = other({"docs/page.md": f"first\n{line}\n"})
    assert [problem.split(": ")[0] for problem in code_rules.unwanted_text(root)] == ["docs/page.md:2"]


@pytest.mark.parametrize(
    "line",
    [
        "marisol@example.org",
        "https://data.example.com/home/main",
        "{root}/home/x",
        "AIR and aid",
        "git@github.com:group/x.git",
    ],
)
def test_wanted_text_is_left_alone(other: Callable[[dict[str, str]], Path], line: str) -> None:
    assert code_rules.unwanted_text(other({"docs/page.md": line})) == []


def test_ignored_files_do_not_count(other: Callable[[dict[str, str]], Path]) -> None:
    root = other({".gitignore": "/var/\n", "var/x.md": "TO" + "DO", "bin.dat": "TO" + "DO\0"})
    assert code_rules.unwanted_text(root) == []


def test_tests_mirror_the_rooms(other: Callable[[dict[str, str]], Path]) -> None:
    root = other(
        {
            "src/civicops/geo/a.py": "",
            "src/civicops/one.py": "",
            "src/civicops/cli/app.py": "",
            "tests/flow/test_cli_errors.py": "",
            "tests/unit/gone/test_a.py": "",
            "tests/unit/one/t.py": "",
        }
    )
    assert code_rules.misplaced_tests(root) == [
        "src/civicops/geo has no tests in tests/unit/geo and no tests/flow/test_geo*.py",
        "tests/unit/gone mirrors nothing: there is no such room in src/civicops",
    ]


def test_broken_links_are_found(other: Callable[[dict[str, str]], Path]) -> None:
    page = "[a](other.md) [b](gone.md) [c](other.md#two-words) [d](other.md#three) [e](https://example.org/x) `[f](no.md)`\n"
    root = other(
        {"docs/page.md": page + "```text\n[g](no.md)\n```\n", "docs/other.md": "# Two words\n[up](../docs/page.md)\n"}
    )
    assert docs_rules.broken_links(root) == [
        "docs/page.md: the link to gone.md leads nowhere",
        "docs/page.md: the link to other.md#three names a heading that is not there",
    ]


def test_pages_nobody_links_to_are_found(other: Callable[[dict[str, str]], Path]) -> None:
    root = other(
        {"README.md": "[a](docs/a.md) [b](docs/b)\n", "docs/a.md": "", "docs/b/README.md": "", "docs/lost.md": ""}
    )
    assert docs_rules.unreachable_pages(root) == ["docs/lost.md: no other page links to it"]


def test_glossary_gaps_are_found(other: Callable[[dict[str, str]], Path]) -> None:
    entries = "".join(
        f"## {word}\n\nA sentence that says what is meant by it.\n\n" for word in docs_rules.WORDS if word != "plan"
    )
    root = other({"docs/glossary.md": f"# Glossary\n\n{entries}## empty\n\n"})
    assert docs_rules.glossary_gaps(root) == [
        "docs/glossary.md: 'plan' has no entry",
        "docs/glossary.md: 'empty' says nothing",
    ]


def test_make_targets_in_pages_exist(other: Callable[[dict[str, str]], Path]) -> None:
    root = other(
        {
            "Makefile": "demo:\n\ttrue\n",
            "README.md": "Run `make demo SERVE=0`, or\n\n    $ make dmeo\n\nto make sure.\n",
        }
    )
    assert docs_rules.unknown_make_targets(root) == ["README.md: there is no 'make dmeo'"]


def test_commands_in_pages_exist(other: Callable[[dict[str, str]], Path]) -> None:
    page = (
        "Type `civicops run NAME` or `civicops quarantine list|shwo NAME`, see `civicops release`.\n\n"
        "```console\n$ civicops rnu library_hours\n$ civicops run library_hours --fast | cat\n$ civicops run x --wait\n```\n"
        "```python\ncivicops nothing\n```\n"
    )
    assert docs_rules.unknown_commands(other({"README.md": page})) == [
        "README.md: there is no command 'civicops rnu'",
        "README.md: 'civicops run' has no option '--fast'",
        "README.md: there is no command 'civicops quarantine shwo'",
    ]


def test_the_reference_names_every_command_setting_and_check() -> None:
    made = reference.pages()
    for words, _ in reference_commands.commands():
        assert f"## {' '.join(words)}\n" in made["commands.md"]
    for name, table in Settings.model_fields.items():
        assert f"## `[{name}]`" in made["settings.md"]
        for key in getattr(table.annotation, "model_fields", {}):
            assert f"| `{key}` |" in made["settings.md"]
    for kind in checktypes.ROW_CHECKS | checktypes.DATASET_CHECKS:
        assert f"### `{kind}`" in made["checks.md"]
        assert f"check: {kind}" in made["checks.md"]
