"""The unit tests of what runs in the browser, run by Node as part of every other test run.

Belongs here: starting them and passing on what they said. Does not belong here: the tests (`*.test.ts` beside the code).
"""

from __future__ import annotations

import os
import subprocess

from tools.web import Web, node


def test_the_unit_tests_in_typescript_pass() -> None:
    web = Web()
    path = os.pathsep.join([str(node().parent), os.environ["PATH"]])
    command = [str(node()), "node_modules/vitest/vitest.mjs", "run", "--passWithNoTests"]
    done = subprocess.run(
        command, cwd=web.folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
