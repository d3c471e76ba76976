"""The portal's addresses: a request in, an answer out, both plain values.

Belongs here: paths, parameters, tokens, status codes, headers, errors in Socrata's shape, faults of content. Does not
belong here: sockets and faults of the wire (`server`), SQL (`tosql`, `render`), control addresses (`control`).
"""

import hashlib
import json
import re
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from simulators.socrata import catalog, render, soql
from simulators.socrata.evolve import change_rows
from simulators.socrata.faults import Fault
from simulators.socrata.messages import CSV_TYPE, JSON_TYPE, Answer, Request, error
from simulators.socrata.portal import Dataset, Portal
from simulators.socrata.soql import SoqlError
from simulators.socrata.tosql import Compiler, Plan, text_literal
from simulators.world.layout import SODA_TYPES, Column

DEFAULT_LIMIT: Final = 1000
_PATHS: Final = (
    ("resource", re.compile(r"/resource/(?P<id>[^/.]+)\.(?P<format>json|csv|geojson)")),
    ("query", re.compile(r"/api/v3/views/(?P<id>[^/.]+)/query\.(?P<format>json|csv)")),
    ("rows", re.compile(r"/api/views/(?P<id>[^/.]+)/rows\.(?P<format>csv)")),
    ("geospatial", re.compile(r"/api/geospatial/(?P<id>[^/.]+)")),
    ("view", re.compile(r"/api/views/(?P<id>[^/.]+?)(?:\.json)?")),
    ("catalog", re.compile(r"/api/catalog/v1")),
)
_SYSTEM_FIRST: Final = (soql.Selected(soql.Star(system=True), None), soql.Selected(soql.Star(), None))


def route_of(path: str) -> tuple[str, str | None, str | None]:
    """(route, dataset id, format) of a path; ("", None, None) where there is none."""
    for name, pattern in _PATHS:
        match = pattern.fullmatch(path)
        if match:
            parts = match.groupdict()
            return name, parts.get("id"), parts.get("format")
    return "", None, None


class Routes:
    """Answers requests from a portal. Remembers, per dataset, the last page served (for the `page_twice` fault)."""

    def __init__(self, portal: Portal, tokens: frozenset[str]) -> None:
        self.portal, self.tokens = portal, tokens
        self._last: dict[str, soql.Query] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request, faults: tuple[Fault, ...]) -> Answer:
        """The answer to one request, with the content faults that strike it applied."""
        route, dataset_id, form = route_of(request.path)
        if route and request.token is not None and request.token not in self.tokens:
            return error(403, "permission_denied", "Invalid app_token specified")
        if route == "catalog":
            return catalog.search(self.portal, request.params)
        if not route or dataset_id is None:
            return error(404, "not_found", f"Cannot find {request.path}")
        dataset = self.portal.get(dataset_id)
        if dataset is None:
            return error(404, "dataset.missing", "Not found", id=dataset_id)
        columns = overlaid(dataset.columns, faults)
        try:
            if route == "resource":
                return self._resource(request, dataset, columns, form or "json", faults)
            if route == "query":
                return self._query(request, dataset, columns, form or "json", faults)
        except SoqlError as problem:
            text = f"Query coordinator error: {problem.code}; {problem.message}"
            return error(400, problem.code, text, **problem.data)
        if route == "rows":
            return self._export(request, dataset, columns, faults)
        if route == "geospatial":
            return _geospatial(request, dataset)
        return catalog.view(dataset, columns)

    def _resource(
        self, request: Request, dataset: Dataset, columns: tuple[Column, ...], form: str, faults: tuple[Fault, ...]
    ) -> Answer:
        if form == "geojson" and dataset.geojson is not None:
            return _geojson(dataset)
        if not dataset.columns or form == "geojson":
            return error(
                400, "query.soql.no-rows", f"{dataset.id} has no tabular rows; use /api/geospatial/{dataset.id}"
            )
        return self._page(dataset, columns, soda2_query(request.params, columns), form, faults, request)

    def _query(
        self, request: Request, dataset: Dataset, columns: tuple[Column, ...], form: str, faults: tuple[Fault, ...]
    ) -> Answer:
        if request.token is None:
            return error(403, "authentication_required", "SODA3 queries need an app token or a signed-in user")
        asked: dict[str, Any] = dict(request.params)
        if request.method == "POST":
            try:
                posted = json.loads(request.body or b"{}")
            except ValueError:
                return error(400, "invalid_request", "The body is not JSON")
            if not isinstance(posted, dict):
                return error(400, "invalid_request", "The body is not a JSON object")
            page = posted.pop("page", None) or {}
            asked |= posted | {k: v for k, v in page.items() if k in ("pageNumber", "pageSize")}
        query = soda3_query(asked)
        return self._page(dataset, columns, query, form, faults, request)

    def _page(
        self, dataset: Dataset, columns: tuple[Column, ...], query: soql.Query, form: str, faults: tuple[Fault, ...],
        request: Request,
    ) -> Answer:  # fmt: skip
        kinds = {f.kind: f for f in faults}
        if "rows_updated_between_pages" in kinds:
            number = kinds["rows_updated_between_pages"].rows
            with self.portal.write_lock:
                change_rows(self.portal, dataset, number, served_first=True)
                self.portal.changed(dataset, self.portal.now() + timedelta(minutes=dataset.version))
        with self._lock:
            previous = self._last.get(dataset.id)
            if "page_twice" in kinds and previous is not None:
                query = previous
            elif not query.group and query.limit != 0:
                self._last[dataset.id] = query
        if "empty_page" in kinds:
            query = replace(query, limit=0)
        plan = Compiler(dataset.id, columns).plan(query, "_pos")
        tag = _etag(dataset, form, plan)
        headers = _row_headers(dataset, plan, tag)
        if tag in request.headers.get("if-none-match", ""):
            return Answer(304, headers=headers)
        with self.portal.cursor() as con:
            make = render.csv_rows if form == "csv" else render.json_rows
            body, rows = make(con, plan, dataset.table)
        return Answer(200, body, CSV_TYPE if form == "csv" else JSON_TYPE, headers, rows=rows)

    def _export(
        self, request: Request, dataset: Dataset, columns: tuple[Column, ...], faults: tuple[Fault, ...]
    ) -> Answer:
        if not dataset.columns:
            return error(400, "invalid_request", f"{dataset.id} is a map; use /api/geospatial/{dataset.id}")
        plan = Compiler(dataset.id, columns).plan(soql.Query(), "_pos")
        headers = _row_headers(dataset, plan, _etag(dataset, "rows", plan))
        headers["Content-Disposition"] = f'attachment; filename="{dataset.name.replace(" ", "_")}.csv"'
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Answer(304, headers=headers)
        with tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as handle:
            path = Path(handle.name)
        order = "_pos LIMIT 0" if any(f.kind == "empty_page" for f in faults) else "_pos"
        with self.portal.cursor() as con:
            render.export_csv(con, columns, dataset.table, order, path)
        return Answer(200, media=CSV_TYPE, headers=headers, file=path)


def _geojson(dataset: Dataset) -> Answer:
    body = json.dumps(dataset.geojson, separators=(",", ":")).encode()
    headers = {"Last-Modified": _http_date(dataset), "ETag": f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'}
    return Answer(200, body, "application/vnd.geo+json; charset=utf-8", headers)


def _geospatial(request: Request, dataset: Dataset) -> Answer:
    if dataset.geojson is None:
        return error(400, "invalid_request", f"{dataset.id} has no geometry")
    if request.params.get("method") != "export" or request.params.get("format") != "GeoJSON":
        return error(400, "invalid_request", "Only method=export&format=GeoJSON is served")
    return _geojson(dataset)


def _http_date(dataset: Dataset) -> str:
    return format_datetime(dataset.changed_at.replace(tzinfo=UTC), usegmt=True)


def _etag(dataset: Dataset, form: str, plan: Plan) -> str:
    text = f"{dataset.id} {dataset.version} {form} {plan}"
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def _row_headers(dataset: Dataset, plan: Plan, tag: str) -> dict[str, str]:
    modified = _http_date(dataset)
    return {
        "X-SODA2-Fields": json.dumps([o.name for o in plan.outputs]),
        "X-SODA2-Types": json.dumps([SODA_TYPES[o.kind] for o in plan.outputs]),
        "X-SODA2-Data-Out-Of-Date": "false",
        "X-SODA2-Truth-Last-Modified": modified,
        "X-SODA2-Secondary-Last-Modified": modified,
        "Last-Modified": modified,
        "ETag": tag,
    }


def _number(params: Mapping[str, Any], name: str) -> int | None:
    raw = params.get(name)
    if raw is None:
        return None
    if not re.fullmatch(r"\d{1,12}", str(raw)):
        raise SoqlError(
            "query.soql.invalid-number", f"{name} must be a number of 0 or more, not {raw!r}", value=str(raw)
        )
    return int(raw)


def soda2_query(params: Mapping[str, str], columns: tuple[Column, ...]) -> soql.Query:
    """The query of a `/resource` address: `$` clauses, `$query`, or plain `field=value` filters. Raises SoqlError."""
    known = ("$select", "$where", "$order", "$group", "$having", "$limit", "$offset", "$q", "$query", "$$app_token")
    names = {c.field: c for c in columns}
    filters = {k: v for k, v in params.items() if k not in known}
    wrong = sorted(k for k in filters if k.startswith("$") or k not in names)
    if wrong:
        raise SoqlError(
            "query.soql.unrecognized-arguments", f"Unrecognized arguments [{', '.join(wrong)}]", arguments=wrong
        )
    if "$query" in params:
        query = soql.parse_query(params["$query"])
        return query if query.limit is not None else replace(query, limit=DEFAULT_LIMIT)
    where = soql.parse_expression(params["$where"]) if "$where" in params else None
    for name, value in filters.items():
        equal = soql.Binary("=", soql.Name(name), soql.Literal(value))
        where = equal if where is None else soql.Binary("and", where, equal)
    limit = _number(params, "$limit")
    return soql.Query(
        select=soql.parse_select(params["$select"]) if "$select" in params else (),
        where=where,
        group=soql.parse_group(params["$group"]) if "$group" in params else (),
        having=soql.parse_expression(params["$having"]) if "$having" in params else None,
        order=soql.parse_order(params["$order"]) if "$order" in params else (),
        limit=DEFAULT_LIMIT if limit is None else limit,
        offset=_number(params, "$offset") or 0,
    )


def soda3_query(asked: Mapping[str, Any]) -> soql.Query:
    """The query of a SODA3 address. `SELECT *` brings the system columns too; without a page everything is served.

    Raises SoqlError.
    """
    known = {"query", "pageNumber", "pageSize", "app_token", "$$app_token", "includeSystem", "includeSynthetic",
             "orderingSpecifier", "timeout", "parameters"}  # fmt: skip
    wrong = sorted(set(asked) - known)
    if wrong:
        raise SoqlError(
            "query.soql.unrecognized-arguments", f"Unrecognized arguments [{', '.join(wrong)}]", arguments=wrong
        )
    query = soql.parse_query(str(asked.get("query") or "SELECT *"))
    plain = not query.select or query.select == (soql.Selected(soql.Star(), None),)
    if plain and not query.group and str(asked.get("includeSystem", True)).lower() != "false":
        query = replace(query, select=_SYSTEM_FIRST)
    size, number = _number(asked, "pageSize"), _number(asked, "pageNumber") or 1
    if size is None:
        return query
    skipped = (number - 1) * size
    left = size if query.limit is None else max(0, min(size, query.limit - skipped))
    return replace(query, limit=left, offset=query.offset + skipped)


def overlaid(columns: tuple[Column, ...], faults: tuple[Fault, ...]) -> tuple[Column, ...]:
    """The columns as a struck request sees them: renamed, added, dropped, or with values nobody has seen before."""
    out = list(columns)
    for fault in faults:
        at = next((i for i, c in enumerate(out) if c.field == fault.column), None)
        if fault.kind == "column_added":
            out.append(Column(fault.column, fault.column, "text", text_literal(fault.value)))
        elif at is not None and fault.kind == "column_renamed":
            out[at] = replace(out[at], field=fault.to, header=fault.to)
        elif at is not None and fault.kind == "column_dropped":
            del out[at]
        elif at is not None and fault.kind == "enum_grows":
            lucky = f"CAST('0x' || md5(_id)[1:8] AS BIGINT) % 1000000 < {int(fault.share * 1_000_000)}"
            grown = f"CASE WHEN {lucky} THEN {text_literal(fault.value)} ELSE {out[at].stored} END"
            out[at] = replace(out[at], stored=grown, exact=None)
    return tuple(out)
