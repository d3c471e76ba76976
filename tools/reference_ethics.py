"""The reference page of `ethics.yaml`.

Belongs here: turning the models of `civicops.contracts.ethics` into Markdown. Does not belong here: the words; they stand there.
"""

from __future__ import annotations

import inspect

from pydantic import BaseModel

from civicops.contracts import ethics
from tools.markdown import field_rows, table

PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("covers", ethics.Covered),
    ("covers.privacy", ethics.CoveredRule),
    ("risks", ethics.Risk),
    ("asked", ethics.Asked),
)
HEADER = ("key", "value", "when left out", "what it is")


def ethics_page() -> str:
    parts = [
        "# Ethics reviews\n\nOne file per product, `products/<product>/ethics.yaml`, with a list `reviews`. It is read strictly: "
        "a wrong key is an error that names its line and the nearest valid word. `civicops ethics new` writes the form; an "
        'answer that is missing (`"?"`) is no error, but the review counts for nothing. '
        "[How to use it](../howto/review-the-ethics.md).\n\n"
        f"A review holds for {ethics.LONGEST_YEARS} years at most; from {ethics.WARN_DAYS} days before it ends an incident "
        "warns.\n",
        table(HEADER, field_rows(ethics.EthicsReview)),
    ]
    for name, model in PARTS:
        parts.append(f"## `{name}`\n\n{inspect.cleandoc(model.__doc__ or '')}\n")
        parts.append(table(HEADER, field_rows(model)))
    return "\n".join(parts)
