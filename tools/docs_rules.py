"""Rules for the docs: nothing leads nowhere, nothing is named that does not exist, nothing generated is out of date.

Belongs here: each rule as a function from the root of a repository to the list of its problems. Does not belong here: running
the tutorial (`tests/flow`) and rules for code (`code_rules`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tools import reference
from tools.reference_commands import commands
from tools.repository import text_files

GLOSSARY = Path("docs") / "glossary.md"
WORDS = ("source", "landing", "contract", "check", "quarantine", "model", "release", "plan", "monitor", "incident",
         "review task", "decision")  # fmt: skip

_FENCE = re.compile(r"^( *)(```+|~~~+)([^\n]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+(?:\([^()\s]*\))?)(?: \"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)
_MAKE = re.compile(r"(?:^|`|\$ |\bsudo )make ([a-z][a-z-]*)", re.MULTILINE)


def pages(root: Path) -> dict[Path, str]:
    """Every Markdown page of the repository by its path."""
    return {path: text for path, text in text_files(root) if path.suffix == ".md"}


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Info line and content of each fenced block, such as `console` or `yaml title=a/b.yaml`."""
    for match in _FENCE.finditer(text):
        yield match[3].strip(), match[4]


def slug(heading: str) -> str:
    """The anchor that code hosts make of a heading."""
    words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
    return words.replace(" ", "-")


def _links(text: str) -> Iterator[str]:
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    for match in _LINK.finditer(prose):
        if not re.match(r"[a-z][a-z0-9+.-]*:", match[1]):
            yield unquote(match[1])


def broken_links(root: Path) -> list[str]:
    """Every relative link of every page leads to a file of the repository, and its anchor to a heading there."""
    texts, found = pages(root), []
    for path, text in texts.items():
        for link in _links(text):
            target, _, anchor = link.partition("#")
            there = ((root / path).parent / target).resolve() if target else (root / path).resolve()
            if not there.exists() or not there.is_relative_to(root.resolve()):
                found.append(f"{path}: the link to {link} leads nowhere")
            elif anchor and there.suffix == ".md":
                headings = {
                    slug(match[1]) for match in _HEADING.finditer(_FENCE.sub("", there.read_text(encoding="utf-8")))
                }
                if anchor not in headings:
                    found.append(f"{path}: the link to {link} names a heading that is not there")
    return found


def unreachable_pages(root: Path) -> list[str]:
    """Every page below docs/ is linked from some other page: what nobody links to nobody reads."""
    texts = pages(root)
    linked = {
        ((root / path).parent / link.partition("#")[0]).resolve()
        for path, text in texts.items()
        for link in _links(text)
    }
    linked |= {there / "README.md" for there in linked}
    below = [path for path in texts if path.parts[0] == "docs"]
    return [f"{path}: no other page links to it" for path in below if (root / path).resolve() not in linked]


def glossary_gaps(root: Path) -> list[str]:
    """Each of the words we use has a heading and a meaning in the glossary."""
    text = pages(root).get(GLOSSARY, "")
    parts = re.split(r"^## +", text, flags=re.MULTILINE)[1:]
    entries = {part.partition("\n")[0].strip().lower(): part.partition("\n")[2].strip() for part in parts}
    found = [f"{GLOSSARY}: '{word}' has no entry" for word in WORDS if word not in entries]
    return found + [f"{GLOSSARY}: '{word}' says nothing" for word, meaning in entries.items() if len(meaning) < 40]


def unknown_make_targets(root: Path) -> list[str]:
    """A `make` command in a page is one of the Makefile's."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = ((path, match[1]) for path, text in pages(root).items() for match in _MAKE.finditer(text))
    return [f"{path}: there is no 'make {target}'" for path, target in named if target not in targets]


def unknown_commands(root: Path) -> list[str]:
    """A `civicops` command in a page, with its options, is one the program has."""
    known = dict(commands())
    return [
        f"{path}: {problem}"
        for path, text in pages(root).items()
        for line in command_lines(text)
        for problem in command_problems(line, known)
    ]


def command_lines(text: str) -> Iterator[str]:
    """The `civicops ...` commands of a page: those in `console` blocks and those within a sentence."""
    for info, block in fences(text):
        if info == "console":
            yield from (match[1] for match in re.finditer(r"^(?:\$ )?(civicops [^\n|>#&]*)", block, re.MULTILINE))
    yield from (match[1] for match in re.finditer(r"`(civicops [^`\n]+)`", _FENCE.sub("", text)))


def command_problems(line: str, known: Mapping[tuple[str, ...], Any]) -> Iterator[str]:
    """What in `line` the program does not have; `known` gives each command by its words."""
    words = line.split()
    depth = max((n for n in range(1, len(words) + 1) if tuple(words[:n]) in known), default=0)
    node = known.get(tuple(words[:depth]))
    if node is None:
        yield f"there is no program '{words[0]}'"
    elif getattr(node, "commands", None):
        # `quarantine list|show` names two commands; a word in capitals or brackets stands for any.
        named = words[depth].split("|") if depth < len(words) and words[depth].replace("|", "").isalpha() else []
        for name in (word for word in named if word.islower()):
            if (*words[:depth], name) not in known:
                yield f"there is no command '{' '.join((*words[:depth], name))}'"
    else:
        options = {"--help", *(option for item in node.params for option in (*item.opts, *item.secondary_opts))}
        for option in (word.partition("=")[0] for word in words[depth:] if word.startswith("--")):
            if option not in options:
                yield f"'{' '.join(words[:depth])}' has no option '{option}'"


def stale_reference(_root: Path) -> list[str]:
    """docs/reference is what the code would write now."""
    return [f"{diff}\nrun `make docs`" for diff in reference.differences()]


RULES = (broken_links, unreachable_pages, glossary_gaps, unknown_make_targets, unknown_commands, stale_reference)
