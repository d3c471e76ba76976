"""The engine that answers readers: what it may read, and how long it may think.

Belongs here: the engine alone, in a process of its own, as Django is set up once per process. Does not belong here: the interface
(`tests/flow/test_portal_api.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys, time
from civicops.workspace import Workspace
from civicops.portal.settings import configure
configure(Workspace.find())
from civicops.portal.engine import AT_ONCE, BusyError, TooLongError, cursor
told = {}
for sql in json.loads(sys.argv[1]):
    try:
        with cursor(seconds=5) as con:
            told[sql] = str(con.execute(sql).fetchone())
    except Exception as error:
        told[sql] = type(error).__name__
began = time.monotonic()
try:
    with cursor(seconds=0.5) as con:
        con.execute("SELECT sum(sin(i)) FROM range(100000000000) t(i)").fetchone()
except TooLongError:
    told["late"] = time.monotonic() - began
with cursor(seconds=5) as con:
    told["after"] = con.execute("SELECT current_setting('TimeZone'), current_setting('threads'), current_setting('memory_limit')").fetchone()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    root = tmp_path_factory.mktemp("engine")
    (root / "civicops.toml").write_text('[portal]\nmemory_limit = "200MB"\n')
    (root / "var" / "releases").mkdir(parents=True)
    (root / "var" / "releases" / "inside.csv").write_text("a\n1\n")
    (root / "var" / "outside.csv").write_text("a\n1\n")
    questions = [sql.format(root=root) for sql in FORBIDDEN] + [ALLOWED.format(root=root)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(questions)],
        cwd=root,
        env={**os.environ, "TZ": "America/Los_Angeles"},
        capture_output=True,
        text=True,
        check=True,
    )
    answers: dict[str, object] = json.loads(done.stdout)
    return {question.replace(str(root), "{root}"): answer for question, answer in answers.items()}


ALLOWED = "SELECT a FROM read_csv('{root}/var/releases/inside.csv')"
FORBIDDEN = (
    "SELECT * FROM read_csv('{root}/var/outside.csv')",
    "SELECT * FROM read_csv('{root}/var/releases/../outside.csv')",
    "SELECT content FROM read_text('/etc/passwd')",
    "COPY (SELECT 1) TO '{root}/var/written.csv'",
    "ATTACH '{root}/var/other.duckdb'",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
)


def test_it_reads_releases(told: dict[str, object]) -> None:
    assert told[ALLOWED] == "(1,)"


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_it_reads_and_writes_nothing_else(told: dict[str, object], sql: str) -> None:
    assert str(told[sql]).endswith(
        ("PermissionException", "InvalidInputException", "BinderException", "IOException")
    ), told[sql]


def test_a_long_question_is_ended_in_time_and_the_next_one_answered(told: dict[str, object]) -> None:
    assert 0.4 < float(str(told["late"])) < 3
    assert told["after"] == ["UTC", 1, "190.7 MiB"]
