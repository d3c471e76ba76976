"""Socrata portals: fetching a dataset page by page, and knowing that all of it came.

Belongs here: what to ask a portal, and what its answers prove. Does not belong here: HTTP (`web`), storing (`landing`).

How completeness is known. Before and after the pages the portal is asked for its own count and for the newest value of the
update column. Pages are ordered by the row's own key, so that rows keep their places; each page must hold as many rows as are
left for it, and none may equal another. If count and newest stay the same and the rows received are as many, the delivery is
complete. If they moved meanwhile, rows may have shifted between pages: an increment that reaches back over the time of the
fetch follows at once. Whatever cannot be explained is fetched once more, and then stops the run.

CSV pages, not JSON: JSON leaves out fields that are null, and would hide a column that was dropped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx

from civicops.ingest.addresses import parse_address
from civicops.ingest.values import FetchError, IngestError, SocrataSource, SourceError
from civicops.ingest.web import DEFAULT_PATIENCE, Answer, Expect, Judge, Patience, RefusedError, Web

MAX_PAGE_BYTES = 1_000_000_000
MAX_SMALL_BYTES = 20_000_000
_ID = re.compile(r"[a-z0-9]{4}-[a-z0-9]{4}")
_FIELD = re.compile(r":?[a-z_@][a-z0-9_@]*")


@dataclass(frozen=True)
class Probe:
    """What a portal says of a dataset, or of a part of it: rows, newest value of the update column as written (None: no rows).

    `high_water` is `newest`, unless that lies in the future: placeholder dates such as 3020 would hide every later change.
    """

    count: int
    newest: str | None
    high_water: str | None


@dataclass(frozen=True)
class CatalogueEntry:
    """A dataset that a portal's catalogue shows. `updated_at` is as the portal writes it."""

    id: str
    name: str
    updated_at: str | None


class SocrataClient:
    """Questions to one dataset's portal. Use as a context manager."""

    def __init__(self, source: SocrataSource, patience: Patience) -> None:
        self.source = source
        self.base = parse_address(source.base_url, source.name)
        if not _ID.fullmatch(source.dataset_id):
            raise SourceError(
                f"'{source.dataset_id}' is not a Socrata dataset id (source '{source.name}').",
                hint="It has the form abcd-1234 and stands at the end of the dataset's address.",
            )
        for name in (source.update_column, source.key_order):
            if not _FIELD.fullmatch(name):
                raise SourceError(
                    f"'{name}' is not a Socrata field name (source '{source.name}').", hint="Use the API field name."
                )
        self.web = Web(
            self.base, secret_headers=_token(source.app_token_env), patience=patience, internal=source.is_internal
        )

    def __enter__(self) -> SocrataClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.web.__exit__(None, None, None)

    def probe(self, where: str | None = None, *, now: datetime) -> Probe:
        """Count and newest value, of everything or of the rows that `where` (SoQL) selects."""
        column = self.source.update_column
        count, newest = self._count(f"count(*) as n, max({column}) as newest", where)
        moment = parse_moment(newest)
        # The bound is a whole day: two probes of one day must not differ because the clock went on.
        bound = datetime.combine(_naive(now).date() + timedelta(days=2), time())
        if newest is None or moment is None or _naive(moment) <= bound:
            return Probe(count, newest, newest)
        limit = f"{column} <= {soql_text(_written(bound, like=newest))}"
        both = f"({where}) AND {limit}" if where else limit
        return Probe(count, newest, self._count(f"count(*) as n, max({column}) as newest", both)[1])

    def page(self, *, where: str | None, order: str, limit: int, offset: int, judge: Judge | None = None) -> Answer:
        """One page of rows as CSV."""
        params = {"$order": order, "$limit": str(limit), "$offset": str(offset)}
        if where:
            params["$where"] = where
        return self._get(f"resource/{self.source.dataset_id}.csv", params, "csv", MAX_PAGE_BYTES, judge)

    def _count(self, select: str, where: str | None) -> tuple[int, str | None]:
        params = {"$select": select}
        if where:
            params["$where"] = where
        answer = self._get(f"resource/{self.source.dataset_id}.json", params, "json", MAX_SMALL_BYTES, None)
        rows = _json(answer)
        try:
            row = rows[0]
            return int(row["n"]), row.get("newest")
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise FetchError(
                f"{self.base.host} does not say how many rows dataset {self.source.dataset_id} has.",
                hint="Check that the address is that of a Socrata portal.",
            ) from error

    def _get(self, path: str, params: Mapping[str, str], expect: Expect, max_bytes: int, judge: Judge | None) -> Answer:
        url = self.base.copy_with(path=f"{self.base.path.rstrip('/')}/{path}", params=dict(params))
        try:
            return self.web.get(url, expect=expect, max_bytes=max_bytes, judge=judge)
        except RefusedError as error:
            raise explained(error, self.source, self.base.host) from None


def probe(
    sources: Iterable[SocrataSource],
    *,
    patience: Patience = DEFAULT_PATIENCE,
    now: datetime | None = None,
) -> dict[str, Probe | IngestError]:
    """Ask for several datasets at once: source name -> what the portal says, or why it does not."""
    moment = now or datetime.now(UTC)

    def one(source: SocrataSource) -> Probe | IngestError:
        try:
            with SocrataClient(source, patience) as client:
                return client.probe(now=moment)
        except IngestError as error:
            return error

    listed = list(sources)
    # One question per portal first: when it is down, one round of patient retries is enough to know.
    said = {source.name: one(source) for source in {source.base_url: source for source in reversed(listed)}.values()}
    silent = {
        source.base_url: answer
        for source in listed
        if isinstance(answer := said.get(source.name), FetchError) and not isinstance(answer, RefusedError)
    }
    rest = [source for source in listed if source.name not in said and source.base_url not in silent]
    with ThreadPoolExecutor(max_workers=6, thread_name_prefix="probe") as pool:
        said |= dict(zip((source.name for source in rest), pool.map(one, rest), strict=True))
    return {source.name: said.get(source.name) or silent[source.base_url] for source in listed}


def catalogue(
    base_url: str,
    q: str,
    *,
    limit: int = 100,
    app_token_env: str = "SOCRATA_APP_TOKEN",  # noqa: S107 - the name of a variable
    patience: Patience = DEFAULT_PATIENCE,
) -> list[CatalogueEntry]:
    """The datasets that the portal's catalogue finds for the words `q`, at most `limit`."""
    base = parse_address(base_url, "catalogue")
    url = base.copy_with(path="/api/catalog/v1", params={"q": q, "limit": str(limit)})
    with Web(base, secret_headers=_token(app_token_env), patience=patience) as web:
        try:
            found = _json(web.get(url, expect="json", max_bytes=MAX_SMALL_BYTES))
        except RefusedError as error:
            raise _token_refused(error, app_token_env, base.host) or error from None
    try:
        resources = [item["resource"] for item in found["results"]]
        return [
            CatalogueEntry(item["id"], item["name"], item.get("data_updated_at") or item.get("updatedAt"))
            for item in resources
        ]
    except (KeyError, TypeError) as error:
        raise FetchError(f"The catalogue of {base.host} answers in an unknown form.") from error


def explained(error: RefusedError, source: SocrataSource, host: str) -> FetchError:
    """A refusal in words that say what to change."""
    if refused := _token_refused(error, source.app_token_env, host):
        return refused
    if error.status == 404:
        return FetchError(
            f"{host} has no dataset {source.dataset_id} (source '{source.name}').",
            hint="Look for its new id with 'civicops diagnose' and correct the product's sources.py.",
        )
    if error.status == 400 and "no-such-column" in error.code:
        return FetchError(
            f"{host} refused with 400: dataset {source.dataset_id} has no column '{source.update_column}' any more.",
            hint=f"Correct 'update_column' of source '{source.name}' in the product's sources.py.",
        )
    return error


def _token_refused(error: RefusedError, variable: str, host: str) -> FetchError | None:
    if error.status not in (401, 403):
        return None
    if os.environ.get(variable):
        return FetchError(
            f"{host} refused the app token in the environment variable {variable}.",
            hint=f"Correct {variable}, or unset it to go on without a token.",
        )
    return FetchError(
        f"{host} does not answer without an app token.", hint=f"Put one into the environment variable {variable}."
    )


def _token(variable: str) -> dict[str, str]:
    token = os.environ.get(variable, "").strip()
    if not token:
        return {}
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SourceError(
            f"The app token in the environment variable {variable} holds characters that no token has.",
            hint=f"Correct {variable}, or unset it to go on without a token.",
        )
    return {"X-App-Token": token}


def _json(answer: Answer) -> Any:
    return httpx.Response(200, content=answer.read()).json()


def soql_text(text: str) -> str:
    """A text quoted for SoQL."""
    return "'" + text.replace("'", "''") + "'"


def parse_moment(text: str | None) -> datetime | None:
    """A floating or fixed timestamp as Socrata writes it; None for anything else."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def reach_back(high_water: str, overlap: timedelta) -> str | None:
    """`high_water` less `overlap`, written the same way; None when it is no moment in time."""
    moment = parse_moment(high_water)
    return None if moment is None else _written(moment - overlap, like=high_water)


def _written(moment: datetime, *, like: str) -> str:
    text = _naive(moment).isoformat(timespec="milliseconds")
    return f"{text}Z" if like.endswith("Z") else text


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
