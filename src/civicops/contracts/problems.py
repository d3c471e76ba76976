"""What is wrong in a file a person wrote, and where.

Belongs here: the value that names file, line and the nearest valid word, and the error that carries all of them at once.
Does not belong here: deciding what is wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from civicops.errors import CivicopsError


@dataclass(frozen=True, order=True)
class Problem:
    """One fault in one file: `path:line: message`."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class ContractFileError(CivicopsError):
    """Every fault of one or more files, in the order of their lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        files = sorted({str(problem.path) for problem in self.problems})
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in {', '.join(files)}:"
        super().__init__(
            "\n".join([head, *(f"  {problem}" for problem in self.problems)]),
            hint="Mend the lines named above and run the command again.",
        )


def nearest(word: str, valid: Iterable[str]) -> str:
    """A sentence that names the nearest valid word, or all of them when none is near."""
    words = sorted(valid)
    lower = {candidate.lower(): candidate for candidate in words}
    close = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    if close:
        return f"did you mean '{lower[close[0]]}'?"
    return f"valid here: {', '.join(words)}" if words else "nothing is valid here"
