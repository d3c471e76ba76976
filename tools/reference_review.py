"""The reference page of kinds of review task.

Belongs here: turning the models of `civicops.review.kindfile` into Markdown. Does not belong here: the words; they stand there.
"""

from __future__ import annotations

import inspect

from pydantic import BaseModel

from civicops.review import kindfile
from civicops.review.kinds import RESERVED
from tools.markdown import field_rows, table

PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("who", kindfile.Who),
    ("priority", kindfile.Priority),
    ("escalation", kindfile.Escalation),
    ("automatic", kindfile.Automatic),
)
HEADER = ("key", "value", "when left out", "what it is")


def reviews_page() -> str:
    parts = [
        "# Kinds of review task\n\nOne YAML file per kind, `products/<product>/reviews/<kind>.yaml`, read strictly: a wrong "
        "key is an error that names its line and the nearest valid word. [How to use it](../howto/ask-people.md).\n",
        table(HEADER, field_rows(kindfile.KindFile)),
    ]
    for name, model in PARTS:
        parts.append(f"## `{name}`\n\n{inspect.cleandoc(model.__doc__ or '')}\n")
        parts.append(table(HEADER, field_rows(model)))
    names = ", ".join(f"`{name}`" for name in RESERVED)
    parts.append(
        f"## What a landed decision says of itself\n\n{names}. A column of a kind cannot be called one of these.\n"
    )
    return "\n".join(parts)
