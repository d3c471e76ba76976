"""Where a run meets people: their decisions come in with the fetch, its questions go out once all is published.

Belongs here: handing a run's tables to `reviews.py`, and landing decisions. Does not belong here: the order of steps
(`steps`), or anything review itself does (`civicops.review`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from civicops.checks.sql import text
from civicops.errors import CivicopsError
from civicops.ingest.values import DecisionSource, FetchResult
from civicops.orchestrate.context import ProductRun
from civicops.workspace import Product, Workspace

if TYPE_CHECKING:
    from civicops.review.room import Review

REVIEWS_FILE = "reviews.py"
_log = logging.getLogger("civicops.review")


def asks_people(product: Product) -> bool:
    """Whether a product files review tasks."""
    return (product.folder / REVIEWS_FILE).is_file()


def land_decisions(run: ProductRun) -> dict[str, FetchResult]:
    """Land what people decided, for each source that is made of decisions. Raises `KindError`, `LandingError`."""
    wanted = [source for source in run.sources if isinstance(source, DecisionSource)]
    if not wanted:
        return {}
    from civicops.review.source import land_decisions as land  # noqa: PLC0415 - only products that ask people need it

    review = _review(run)
    return {source.name: land(review, source, run.landing, run.product.name, run.now) for source in wanted}


def file_questions(run: ProductRun, accepted: Callable[[str], str]) -> None:
    """File what the product asks now, accept what may be accepted without a person, and note the numbers in the run's record.

    `accepted` gives a SELECT of the current rows of an accepted dataset. Raises `AskingError`, `FilingError`.
    """
    from civicops.review.asked import ReviewContext, ask_product  # noqa: PLC0415 - only products that ask people need it
    from civicops.review.upkeep import keep_up  # noqa: PLC0415

    review = _review(run)
    warehouse = run.workspace.folder("warehouse") / f"{run.product.name}.duckdb"
    if warehouse.exists():
        run.con.execute(f"ATTACH {text(str(warehouse))} AS built (READ_ONLY)")
    try:
        releases = run.releases.snapshot(run.product.name)
        filed = ask_product(review, ReviewContext(run.product, run.con, accepted, releases, run.now), run.record.run_id)
    finally:
        run.con.execute("DETACH DATABASE IF EXISTS built")
    keep_up(review, run.now, product=run.product.name)
    run.note(asked={name: {key: n for key, n in vars(item).items() if key != "ids"} for name, item in filed.items()})


def keep_reviews_up(workspace: Workspace) -> None:
    """What has to happen to tasks without anybody asking, in all products.

    Never raises: a fault is logged, the next tick tries again.
    """
    names = [name for name in workspace.product_names if (workspace.products_folder / name / "reviews").is_dir()]
    if not names:
        return
    from civicops.review.kinds import load_kinds  # noqa: PLC0415 - only workspaces that ask people load the database
    from civicops.review.room import open_review  # noqa: PLC0415
    from civicops.review.upkeep import keep_up  # noqa: PLC0415

    for name in names:
        try:
            kinds = load_kinds(workspace.product(name))
            keep_up(open_review(workspace, {kind.id: kind for kind in kinds}), datetime.now(UTC))
        except CivicopsError as error:
            _log.error("Review tasks of %s could not be kept up: %s", name, error)


def _review(run: ProductRun) -> Review:
    from civicops.review.kinds import load_kinds  # noqa: PLC0415
    from civicops.review.room import open_review  # noqa: PLC0415 - loads the database

    return open_review(run.workspace, {kind.id: kind for kind in load_kinds(run.product)})
