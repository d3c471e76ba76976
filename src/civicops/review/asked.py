"""What a product asks people: its `reviews.py`, called after every run.

Belongs here: what that file is given, loading and calling it, filing what it asks. Does not belong here: when it is called
(`civicops.orchestrate`).

A product may hold `reviews.py` with `def reviews(context: ReviewContext) -> Mapping[str, Iterable[TaskDraft]]`: the name of a
kind to all the questions of that kind there are now. A kind that is not named is left as it is; one named with no questions has
its open tasks withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from civicops.contracts.problems import nearest
from civicops.errors import CivicopsError
from civicops.product_code import load_code
from civicops.release.sql import literal
from civicops.release.values import Release
from civicops.review.filing import Filed, file_tasks
from civicops.review.room import Review
from civicops.review.values import TaskDraft
from civicops.workspace import Product

REVIEWS_FILE = "reviews.py"


class AskingError(CivicopsError):
    """A product's `reviews.py` cannot be loaded, failed, or gave something that is no question."""


@dataclass(frozen=True)
class ReviewContext:
    """What `reviews.py` is given: all tables of the product as a run left them. It reads; it changes nothing.

    `rows` runs SQL on them. `accepted(dataset)` and `released(dataset)` give a SELECT of the current rows of a dataset; every
    table that the models made, released or not, is `built.main.<model>`.
    """

    product: Product
    con: duckdb.DuckDBPyConnection
    accepted: Callable[[str], str]
    """A SELECT of the current rows of an accepted dataset."""
    releases: Mapping[str, Release]
    """The current release of each published dataset."""
    now: datetime
    """This moment, with a time zone; ask this one, so that a test can replay a year."""

    def rows(self, sql: str, values: Iterable[Any] = ()) -> Iterator[dict[str, Any]]:
        """The rows of a query as mappings, a few at a time."""
        answer = self.con.execute(sql, list(values))
        names = [column[0] for column in answer.description or ()]
        while batch := answer.fetchmany(1000):
            for row in batch:
                yield dict(zip(names, row, strict=True))

    def released(self, dataset: str) -> str:
        """A SELECT of a published dataset's current release. Raises `CivicopsError` when there is none."""
        if dataset not in self.releases:
            raise AskingError(f"'{dataset}' has no release.", hint=f"{nearest(dataset, self.releases)}.")
        return f"SELECT * FROM read_parquet({literal(str(self.releases[dataset].data))})"


Reviews = Callable[[ReviewContext], Mapping[str, Iterable[TaskDraft]]]


def product_reviews(product: Product) -> Reviews | None:
    """The function `reviews` of a product's `reviews.py`; None without the file. Raises `AskingError`."""
    path = product.folder / REVIEWS_FILE
    try:
        module = load_code(product.folder, path.stem)
    except CivicopsError as error:
        raise AskingError(error.message, hint=error.hint) from error
    if module is None:
        return None
    found = getattr(module, "reviews", None)
    if not callable(found):
        raise AskingError(
            f"{path} has no function 'reviews'.", hint="Write: def reviews(context) -> dict of kind to questions"
        )
    return found  # type: ignore[no-any-return]


def ask_product(review: Review, context: ReviewContext, run_id: str) -> dict[str, Filed]:
    """File what a product asks: kind to what came of it; nothing without a `reviews.py`. Safe to kill and repeat.

    Raises `AskingError`, `FilingError`.
    """
    reviews = product_reviews(context.product)
    if reviews is None:
        return {}
    where = f"reviews.py of {context.product.name}"
    known = {kind.name: kind for kind in review.kinds.values() if kind.product == context.product.name}
    done: dict[str, Filed] = {}
    try:
        asked = reviews(context)
        for name, drafts in asked.items():
            if name not in known:
                raise AskingError(f"{where} asks '{name}', which is no kind of task.", hint=f"{nearest(name, known)}.")
            done[name] = file_tasks(review, known[name], _only_drafts(drafts, where), context.now, run_id=run_id)
    except CivicopsError:
        raise
    except Exception as error:  # code of a product
        raise AskingError(f"{where} failed: {type(error).__name__}: {error}.", hint=f"Mend {where}.") from error
    return done


def _only_drafts(drafts: Iterable[TaskDraft], where: str) -> Iterator[TaskDraft]:
    for item in drafts:
        if not isinstance(item, TaskDraft):
            raise AskingError(f"{where} gave {type(item).__name__} instead of a TaskDraft.", hint=f"Mend {where}.")
        yield item
