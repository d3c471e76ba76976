"""Prints what is wrong with the docs and the names; part of `make check`.

Belongs here: running the rules and saying what they found. Does not belong here: the rules (`docs_rules`, `name_rules`).
"""

from __future__ import annotations

import sys

from tools import docs_rules, name_rules
from tools.setup_env import ROOT


def main() -> int:
    problems = [problem for rule in (*docs_rules.RULES, name_rules.badly_named) for problem in rule(ROOT)]
    print("\n".join(problems) or f"docs: {len(docs_rules.RULES)} rules hold on {len(docs_rules.pages(ROOT))} pages")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
