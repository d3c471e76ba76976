"""One door to all connectors.

Belongs here: choosing the connector for a source. Does not belong here: anything a connector does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from civicops.ingest.files import fetch_files, fetch_url
from civicops.ingest.google.marks import fetch_marks
from civicops.ingest.google.observe import observe_drives
from civicops.ingest.landing import Landing
from civicops.ingest.marks import fetch_page_marks
from civicops.ingest.socrata import Probe, probe
from civicops.ingest.socrata_fetch import fetch_socrata
from civicops.ingest.values import (
    DecisionSource,
    DriveEventSource,
    DriveSource,
    FetchResult,
    FileSource,
    GatheredSource,
    MarkSource,
    NoProgress,
    Progress,
    SheetSource,
    SocrataSource,
    Source,
)
from civicops.ingest.web import DEFAULT_PATIENCE, Patience
from civicops.workspace import Workspace

_NOBODY = NoProgress()


def fetch(
    source: Source,
    landing: Landing,
    product: str,
    *,
    progress: Progress = _NOBODY,
    full: bool = False,
    patience: Patience = DEFAULT_PATIENCE,
    known: Probe | None = None,
    now: datetime | None = None,
    workspace: Workspace | None = None,
) -> FetchResult:
    """Bring the landing zone up to date with a source.

    `full` fetches everything again. `known` is what `socrata.probe` said of the source a moment ago. `now` decides whether a
    dataset is past its `frozen_after`, and which update times lie in the future; `workspace` is where a `MarkSource`
    finds what people ticked off. Safe to kill and repeat. Raises `SourceError`,
    `FetchError` or `LandingError`, each with one line and a hint.
    """
    if isinstance(source, SocrataSource):
        return fetch_socrata(
            source, landing, product, progress=progress, full=full, patience=patience, known=known, now=now
        )
    if isinstance(source, FileSource):
        return fetch_files(source, landing, product, progress=progress, full=full)
    if isinstance(source, DriveSource):
        return observe_drives(source, landing, product, progress=progress, patience=patience, now=now)
    if isinstance(source, SheetSource):
        return fetch_marks(source, landing, product, patience=patience)
    if isinstance(source, MarkSource):
        return fetch_page_marks(source, landing, product, workspace)
    if isinstance(source, DriveEventSource | DecisionSource | GatheredSource):  # landed by others before
        return FetchResult(None, landing.live(product, source.name))
    return fetch_url(source, landing, product, progress=progress, full=full, patience=patience)


def fetch_all(
    sources: Sequence[Source],
    landing: Landing,
    product: str,
    *,
    progress: Progress = _NOBODY,
    full: bool = False,
    patience: Patience = DEFAULT_PATIENCE,
    now: datetime | None = None,
    workspace: Workspace | None = None,
) -> dict[str, FetchResult]:
    """Fetch several sources: source name -> result. Portals are first asked about all of their datasets at once.

    Raises the first error in the order of the sources, before any page is fetched when a portal does not answer; what had
    landed by then is not fetched again.
    """
    known = probe([source for source in sources if isinstance(source, SocrataSource)], patience=patience, now=now)
    results: dict[str, FetchResult] = {}
    probes: dict[str, Probe] = {}
    for name, said in known.items():
        if not isinstance(said, Probe):
            raise said
        probes[name] = said
    for source in sources:
        results[source.name] = fetch(
            source,
            landing,
            product,
            progress=progress,
            full=full,
            patience=patience,
            known=probes.get(source.name),
            now=now,
            workspace=workspace,
        )
    return results
