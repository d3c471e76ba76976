"""Writes `docs/reference/` from the code, so that it cannot say anything else than the code does.

Belongs here: which pages there are and what each is made from. Does not belong here: the words (they stand in docstrings,
field descriptions and command help, beside what they describe) and hand-written pages (`docs/`).

    python -m tools.reference            writes the pages
    python -m tools.reference --check    names those that differ, with the difference, and writes nothing
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable

from tools.reference_code import checks_page, monitors_page, settings_page
from tools.reference_commands import commands_page
from tools.reference_contract import contract_page
from tools.reference_ethics import ethics_page
from tools.reference_review import reviews_page
from tools.setup_env import ROOT

FOLDER = ROOT / "docs" / "reference"

PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "commands.md": ("Every command of `civicops`, with its arguments and options.", commands_page),
    "settings.md": ("Every setting of `civicops.toml` and every key of a product's `product.yaml`.", settings_page),
    "contract-file.md": ("Every key of a contract file, and what civicops reads from its custom properties.", contract_page),
    "checks.md": ("Every kind of check a contract can ask for, with its parameters and what happens when it is broken.",
                  checks_page),
    "monitors.md": ("Every monitor that watches a product or a dataset, with its keys and what they are when left out.",
                    monitors_page),
    "reviews.md": ("Every key of a kind of review task: who decides, how many, in which order, what needs no person.",
                   reviews_page),
    "ethics.md": ("Every key of an ethics review: what it covers, what it has to answer, until when it holds.", ethics_page),
}  # fmt: skip


def pages() -> dict[str, str]:
    """The text of each generated page by file name, the list of them included."""
    made = {name: page() for name, (_, page) in PAGES.items()}
    lines = "".join(
        f"- [{made[name].splitlines()[0].lstrip('# ')}]({name}): {about}\n" for name, (about, _) in PAGES.items()
    )
    made["README.md"] = (
        f"# Reference\n\nMade from the code by `make docs`; a test fails when it is out of date.\n\n{lines}"
    )
    return made


def differences() -> list[str]:
    """A unified diff per page that is not what the code would write now; pages nobody makes count too."""
    made = pages()
    found = []
    for name, text in made.items():
        path = FOLDER / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old != text:
            diff = difflib.unified_diff(
                old.splitlines(), text.splitlines(), f"docs/reference/{name}", "from the code", n=1
            )
            found.append("\n".join(diff))
    left_over = [path.name for path in sorted(FOLDER.glob("*.md")) if path.name not in made]
    return found + [f"docs/reference/{name} is made by nothing; remove it" for name in left_over]


def main() -> int:
    if "--check" in sys.argv:
        found = differences()
        print("\n".join(found) or "docs/reference is up to date")
        return 1 if found else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"docs/reference: {len(PAGES) + 1} pages written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
