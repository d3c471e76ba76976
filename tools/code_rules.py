"""Rules for the code that no linter knows: length, docstrings, tests where they belong, nothing left of a workplace.

Belongs here: each rule as a function from the root of a repository to the list of its problems, one line each. Does not belong
here: rules for docs (`docs_rules`) and for the names in contracts (`name_rules`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.repository import python_files, repository_files, text_files

MAX_LINES = 400
CODE = ("src", "products", "simulators", "bench", "tools")

# Written in pieces, so that this file does not contain what it looks for.
_HOSTS = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com", "crates" + ".io",
          "conda" + ".anaconda.org", "deb.deb" + "ian.org", "archive.ubu" + "ntu.com", "rubygems" + ".org",
          "proxy.golang" + ".org", "jsdeli" + "vr.net", "unp" + "kg.com", "index" + "-url", "--find" + "-links")  # fmt: skip
_PATHS = re.compile(
    r"(?<![\w.~}>])/(?:wo" + r"rk|fa" + r"rm|ro" + r"ot|ho" + r"me|Us" + r"ers)/[A-Za-z.]|/tm" + r"p/brief"
)
_WORDS = re.compile(
    r"\bA" + r"I\b|\bL" + r"LMs?\b|\bchat" + r"bots?\b|\bsub-?" + r"agents?\b|\bChat" + r"GPT\b|\bco-?" + r"pilot\b"
)
_LATER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@([\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})\b")
_MADE_UP = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost)$|^git(?:hub|lab)\.com$")


def too_long(root: Path) -> list[str]:
    """No file of code over 400 lines: one that grows past it has two reasons to change."""
    counted = (
        (path, len(text.splitlines()))
        for path, text in text_files(root)
        if path.suffix in (".py", ".ts", ".tsx", ".css") and path.parts[0] in CODE
    )
    return [f"{path}: {lines} lines; split it" for path, lines in counted if lines > MAX_LINES]


def missing_docstrings(root: Path) -> list[str]:
    """Every module of the framework says what belongs in it and what does not; public functions say what they do."""
    return [problem for path, text in python_files(root, "src", "tools") for problem in _docstrings(path, text)]


def _docstrings(path: Path, text: str) -> Iterator[str]:
    tree = ast.parse(text)
    module = " ".join((ast.get_docstring(tree) or "").lower().split())
    if not re.search(r"\bbelongs? (?:here|in this)", module) or not re.search(r"\bdo(?:es)? not belong here", module):
        yield f"{path}:1: the docstring must say what 'Belongs here' and what 'Does not belong here'"
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in functions if path.parts[0] == "src" else ():
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"{path}:{node.lineno}: '{node.name}' has no docstring"


def unwanted_text(root: Path) -> list[str]:
    """No package index, machine path, talk about how a file came to be, note for later, or address of a real person."""
    found = []
    for path, text in text_files(root):
        lock = path.parts[0] == "requirements"
        for number, line in enumerate(text.splitlines(), 1):
            found += [
                f"{path}:{number}: {reason}"
                for reason in _reasons(line, data=path.suffix in (".csv", ".geojson"), lock=lock)
            ]
    return found


def _reasons(line: str, *, data: bool, lock: bool) -> Iterator[str]:
    lower = line.lower()
    for host in _HOSTS:
        # The tool that writes the lock files must be able to say that it wants none in them.
        if host in lower and f"--no-emit-{host.removeprefix('--')}" not in lower:
            yield f"names a package index or its option ({host})"
    if match := _PATHS.search(line):
        yield f"holds a path of one machine ({match[0]}...)"
    if not data:
        if match := _WORDS.search(line):
            yield f"'{match[0]}' is about how the file came to be, not about the project"
        if match := _LATER.search(line):
            yield f"'{match[0]}': write an issue instead"
    for match in () if lock else _MAIL.finditer(line):
        if not _MADE_UP.search(match[1].lower()):
            yield f"{match[0]} may be a real address; made-up people live at example.org"


def misplaced_tests(root: Path) -> list[str]:
    """tests/unit mirrors the code: every room has its folder of tests, and every folder of tests its room."""
    files = repository_files(root)
    rooms = {path.parts[2] for path in files if path.parts[:2] == ("src", "civicops") and len(path.parts) > 3}
    modules = {path.stem for path in files if path.parts[:2] == ("src", "civicops") and len(path.parts) == 3}
    others = {path.parts[0] for path in files if path.parts[0] in CODE and path.suffix == ".py"} - {"src"}
    tested = {path.parts[2] for path in files if path.parts[:2] == ("tests", "unit") and len(path.parts) > 3}
    products = {path.parts[1] for path in files if path.parts[0] == "products" and len(path.parts) > 2}
    # What is only seen at work (the command line, a whole run) may be tested as a flow instead.
    flows = {path.stem for path in files if path.parts[:2] == ("tests", "flow")}
    bare = {room for room in rooms - tested if not any(name.startswith(f"test_{room}") for name in flows)}
    missing = "has no tests in tests/unit/{0} and no tests/flow/test_{0}*.py"
    found = [f"src/civicops/{room} {missing.format(room)}" for room in sorted(bare)]
    stray = tested - rooms - modules - others - products
    return found + [
        f"tests/unit/{room} mirrors nothing: there is no such room in src/civicops" for room in sorted(stray)
    ]


RULES = (too_long, missing_docstrings, unwanted_text, misplaced_tests)
