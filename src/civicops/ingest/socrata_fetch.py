"""A Socrata dataset into the landing zone: in full, or what changed, resumed where a kill left it.

Belongs here: which delivery to make, and whether it is complete. Does not belong here: what the portal is asked, word by word
(`socrata`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from civicops.ingest.landing import Landing
from civicops.ingest.manifest import plain
from civicops.ingest.part import Part
from civicops.ingest.socrata import Probe, SocrataClient, reach_back, soql_text
from civicops.ingest.values import Delivery, DeliveryKind, FetchResult, Finding, LandedObject, Progress, SocrataSource
from civicops.ingest.web import DEFAULT_PATIENCE, Answer, Patience

ROUNDS = 4
"""How often an increment follows because rows changed during the one before; after that the next run goes on."""


@dataclass(frozen=True)
class _Task:
    """One delivery to make. `state` is the whole dataset before it, `expected` the rows that `where` selects of it."""

    kind: DeliveryKind
    where: str | None
    state: Probe
    expected: int
    findings: tuple[Finding, ...] = ()


def fetch_socrata(
    source: SocrataSource,
    landing: Landing,
    product: str,
    *,
    progress: Progress,
    full: bool = False,
    patience: Patience = DEFAULT_PATIENCE,
    known: Probe | None = None,
    now: datetime | None = None,
) -> FetchResult:
    """Bring the landing zone up to date with the portal; asks one small question and no more when nothing changed.

    `known` is a probe made a moment ago. Raises `IngestError`s; what had landed by then is not fetched again.
    """
    moment = now or datetime.now(UTC)
    with landing.fetching(product, source.name), SocrataClient(source, patience) as client:
        fetcher = _Fetcher(source, landing, product, client, progress, moment)
        made: Delivery | None = None
        state = known or client.probe(now=moment)
        for _ in range(ROUNDS):
            task = fetcher.task(landing.live(product, source.name), state, full=full and made is None)
            if task is None:
                break
            made, state = fetcher.deliver(task)
            if made.is_stopped:
                break
        return FetchResult(made, landing.live(product, source.name))


class _Fetcher:
    """The steps of one fetch; used while its lock is held."""

    def __init__(
        self,
        source: SocrataSource,
        landing: Landing,
        product: str,
        client: SocrataClient,
        progress: Progress,
        now: datetime,
    ) -> None:
        self.source = source
        self.landing = landing
        self.product = product
        self.client = client
        self.progress = progress
        self.now = now

    def task(self, live: tuple[Delivery, ...], state: Probe, *, full: bool) -> _Task | None:
        """What to fetch, None when nothing is new since the last delivery ended."""
        name, whole = self.source.name, _Task("full", None, state, state.count)
        if full or not live or any(delivery.is_stopped for delivery in live):
            return whole
        last = live[-1]
        before = last.source_count_after or 0
        if state == Probe(before, last.newest, last.high_water):
            return None
        if self.source.frozen_after is not None and self.now.date() > self.source.frozen_after:
            words = f"Source '{name}' changed, though it was expected to stand still after {self.source.frozen_after}."
            return replace(whole, findings=(Finding("frozen_changed", words, 1, "flag"),))
        if state.count < before:
            words = f"Source '{name}' has {before - state.count} rows fewer than before and was fetched in full."
            return replace(whole, findings=(Finding("count_shrank", words, before - state.count, "flag"),))
        since = reach_back(last.high_water, self.source.overlap) if last.high_water else None
        if since is None:
            return whole
        where = f"{self.source.update_column} >= {soql_text(since)}"
        expected = self.client.probe(where, now=self.now).count
        if expected < state.count - before:
            return whole  # rows were added with old update times, which no increment would see
        return _Task("increment", where, state, expected)

    def deliver(self, task: _Task) -> tuple[Delivery, Probe]:
        """Fetch, prove and complete one delivery; gives it, and the whole dataset's state after it."""
        part: Part | None = self._resumed(task)
        for last_try in (False, True):
            if part is None:
                part = self.landing.begin(self.product, self.source.name, self._plan(task))
            planned, expected = _state(part.plan), int(part.plan["expected"])
            part = self._pages(part, task.where, expected)
            after = self.client.probe(now=self.now)
            for _ in range(ROUNDS):
                if task.kind == "increment" or part.rows < expected or after.count <= max(part.rows, expected):
                    break
                # New rows pushed others towards the end, behind what was expected: they are still to come.
                expected = after.count
                part = self._pages(part, None, expected)
                after = self.client.probe(now=self.now)
            inside = after if task.where is None else self.client.probe(task.where, now=self.now)
            moved = after != planned or inside.count != expected
            problems = _incomplete(self.source.name, part, planned, expected, after, inside)
            if not problems or last_try:
                break
            # Once more from the start, and in full: the portal may have been in the middle of something.
            part, task = None, _Task("full", None, after, after.count, task.findings)
        assert part is not None  # noqa: S101 - the loop runs at least once
        known = after
        if moved:
            words = f"Source '{self.source.name}' changed while it was fetched; the changes are fetched after it."
            changed = max(abs(after.count - planned.count), 1)
            problems = (*problems, Finding("changed_during_fetch", words, changed, "flag"))
            known = planned if task.kind == "full" else _state(part.plan["since"])
        delivery = part.delivery(
            kind=task.kind,
            count_before=planned.count,
            count_after=known.count,
            high_water=known.high_water,
            newest=known.newest,
            findings=(*task.findings, *problems),
        )
        return self.landing.complete(part, delivery), after

    def _plan(self, task: _Task) -> dict[str, Any]:
        live = self.landing.live(self.product, self.source.name)
        since = live[-1] if live and task.kind == "increment" else None
        return {
            **self._question(task),
            "expected": task.expected,
            **plain(task.state),
            "since": None
            if since is None
            else plain(Probe(since.source_count_after or 0, since.newest, since.high_water)),
        }

    def _question(self, task: _Task) -> dict[str, Any]:
        key = self.source.key_order
        return {
            "connector": "socrata",
            "base_url": str(self.client.base),
            "dataset_id": self.source.dataset_id,
            "kind": task.kind,
            "where": task.where,
            "order": key if task.kind == "full" else f"{self.source.update_column},{key}",
            "page_rows": self.source.page_rows,
        }

    def _resumed(self, task: _Task) -> Part | None:
        """The delivery a killed fetch left, when going on with it gives what was asked for.

        In full: not when rows are gone since, for the others may have moved to pages already fetched. An increment: only when
        nothing changed since.
        """
        part = self.landing.resume(self.product, self.source.name)
        if part is None or any(part.plan.get(key) != value for key, value in self._question(task).items()):
            return None
        planned = _state(part.plan)
        fits = planned == task.state if task.kind == "increment" else planned.count <= task.state.count
        return part if fits else None

    def _pages(self, part: Part, where: str | None, expected: int) -> Part:
        """Fetch from where the part ends until `expected` rows are there; at least one page, for its header's sake."""
        self.progress.start(self.source.name, expected)
        try:
            self.progress.advance(part.rows)
            while part.rows < expected or not part.objects:
                landed, doubt = self._page(part, where, expected)
                part = self.landing.add(part, landed, offset=part.rows, limit=self.source.page_rows)
                self.progress.advance(landed.rows or 0)
                if doubt:
                    break  # whatever comes after it would be wrong as well
        finally:
            self.progress.done()
        return part

    def _page(self, part: Part, where: str | None, expected: int) -> tuple[LandedObject, str | None]:
        """One page, landed, and what is wrong with it.

        It is asked for again while it is shorter than it must be, or equal to one that came before.
        """
        earlier = {landed.sha256 for landed in part.objects}
        due = min(self.source.page_rows, expected - part.rows)
        landed: list[LandedObject] = []

        def judge(answer: Answer) -> str | None:
            page = self.landing.put(
                self.product,
                self.source.name,
                answer.blocks(),
                "csv",
                url=answer.url,
                status=answer.status,
                headers=answer.headers,
            )
            landed.append(page)
            rows = page.rows or 0
            if rows < due:
                return f"sent {rows} rows of {due}"
            return "sent the same page twice" if rows and page.sha256 in earlier else None

        answer = self.client.page(
            where=where, order=part.plan["order"], limit=self.source.page_rows, offset=part.rows, judge=judge
        )
        return landed[-1], answer.doubt


def _state(plan: Mapping[str, Any]) -> Probe:
    return Probe(plan["count"], plan["newest"], plan["high_water"])


def _incomplete(
    source: str, part: Part, planned: Probe, expected: int, after: Probe, inside: Probe
) -> tuple[Finding, ...]:
    """Why a delivery cannot be believed to be complete; nothing when it can.

    `expected` rows were asked for; `inside` is what the portal says of just those now, `after` what it says of the whole, the
    same value when the whole was asked for: then all that there is now must have come.
    """
    full_pages = [landed.sha256 for landed in part.objects if landed.rows]
    repeated = len(full_pages) - len(set(full_pages))
    if repeated:
        words = f"Source '{source}' sent the same page {repeated + 1} times for different pages."
        return (Finding("page_repeated", words, repeated, "stop"),)
    least, most = (inside.count if inside is after else expected), max(expected, inside.count)
    if not least <= part.rows <= most:
        words = f"Source '{source}' says it has {most} rows and sent {part.rows}."
        return (Finding("count_mismatch", words, abs(most - part.rows), "stop"),)
    if after.count < planned.count:
        words = f"Source '{source}' lost rows while it was fetched, so that others may have been missed."
        return (Finding("count_mismatch", words, planned.count - after.count, "stop"),)
    return ()
