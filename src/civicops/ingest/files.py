"""Files and plain downloads into the landing zone.

Belongs here: which files a source has, whether they changed, and taking them in. Does not belong here: what is inside (`unpack`),
portals (`socrata`).

A file that keeps its size and time is not opened again; one that changed them is hashed, and only new bytes make a delivery. A
download is asked for with the server's own `ETag`, so that an unchanged file is not sent.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from civicops.ingest.addresses import parse_address, plain
from civicops.ingest.disk import words, writing
from civicops.ingest.landing import Landing
from civicops.ingest.unpack import blocks, is_known, members
from civicops.ingest.values import (
    Delivery,
    FetchResult,
    FileSource,
    LandedObject,
    Media,
    Progress,
    SourceError,
    UrlSource,
)
from civicops.ingest.web import DEFAULT_PATIENCE, Patience, RefusedError, Web

MAX_DOWNLOAD_BYTES = 20_000_000_000
_STAMP = "x-file-stamp"
"""Size and time of the file an object came from, kept with its headers."""
_CONTENT_TYPES: Mapping[str, Media] = {
    "text/csv": "csv",
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/geo+json": "geojson",
    "application/vnd.geo+json": "geojson",
    "application/vnd.apache.parquet": "parquet",
}


@dataclass(frozen=True)
class _File:
    path: Path
    name: str

    def stamp(self) -> str:
        """Size and time; changes when the file is written."""
        stat = self.path.stat()
        return f"{stat.st_size}-{stat.st_mtime_ns}"


def fetch_files(
    source: FileSource, landing: Landing, product: str, *, progress: Progress, full: bool = False
) -> FetchResult:
    """Take in a file or a folder as it is now: always a full delivery, or none when nothing changed.

    Raises `SourceError` when there is no such file, it cannot be read, or is being written while it is read.
    """
    with landing.fetching(product, source.name):
        live = landing.live(product, source.name)
        known: dict[str, list[LandedObject]] = {}
        for delivery in () if full or _stopped(live) else live:
            for landed in delivery.objects:
                known.setdefault(landed.url.split("!", 1)[0], []).append(landed)
        taken: list[LandedObject] = []
        started = False
        try:
            for file in _listed(source):
                try:
                    stamp = file.stamp()
                    before = known.get(f"file:{file.name}", [])
                    if not before or any(landed.headers.get(_STAMP) != stamp for landed in before):
                        if not started:
                            progress.start(source.name, None)
                            started = True
                        before = _take(landing, product, source, file, stamp)
                        progress.advance(sum(landed.rows or 0 for landed in before))
                except OSError as error:
                    raise _unreadable(source, file.path, error) from error
                taken += before
        finally:
            if started:
                progress.done()
        if not taken and not live:
            return FetchResult(None, live)  # only where a source may be empty
        return _deliver(landing, product, source.name, taken, live, full=full)


def fetch_url(
    source: UrlSource,
    landing: Landing,
    product: str,
    *,
    progress: Progress,
    full: bool = False,
    patience: Patience = DEFAULT_PATIENCE,
) -> FetchResult:
    """Download one file, if the server has a new one. Raises `FetchError` or `SourceError`."""
    address = parse_address(source.url, source.name)
    with landing.fetching(product, source.name), Web(address, patience=patience, internal=source.is_internal) as web:
        live = landing.live(product, source.name)
        last = live[-1].objects[0] if live and live[-1].objects and not full and not _stopped(live) else None
        started = False
        try:
            try:
                answer = web.get(
                    address, expect="any", max_bytes=MAX_DOWNLOAD_BYTES, headers=_conditions(last, address)
                )
            except RefusedError as error:
                raise SourceError(error.message, hint=f"Check the address of source '{source.name}'.") from error
            if answer.status == 304:
                return FetchResult(None, live)
            progress.start(source.name, None)
            started = True
            with tempfile.TemporaryDirectory(prefix="civicops-") as folder:
                path = Path(folder) / "download"
                with writing(path), path.open("wb") as file:
                    shutil.copyfileobj(answer.body, file, 1 << 20)
                taken = _members(
                    landing,
                    product,
                    source.name,
                    _File(path, Path(address.path).name or address.host),
                    source.media or _media(answer.headers),
                    url=plain(address),
                    headers=answer.headers,
                )
            progress.advance(sum(landed.rows or 0 for landed in taken))
        finally:
            if started:
                progress.done()
        return _deliver(landing, product, source.name, taken, live, full=full)


def _listed(source: FileSource) -> Sequence[_File]:
    """The files of a source, in the order of their names."""
    path = source.path.expanduser()
    hint = f"Correct 'path' of source '{source.name}' in civicops.toml, or put the file there."
    try:
        if path.is_file():
            return [_File(path, path.name)]
        if source.may_be_empty and not path.exists():
            return []
        if not path.is_dir():
            raise SourceError(f"There is no file or folder {path} (source '{source.name}').", hint=hint)
        with os.scandir(path):
            pass  # glob is silent about a folder that may not be listed
        left_out = set(path.glob(source.without)) if source.without else set()
        found = sorted(
            item
            for item in path.glob(source.pattern)
            if item.is_file() and not item.name.startswith(".") and item not in left_out
        )
    except OSError as error:
        raise _unreadable(source, path, error) from error
    except (ValueError, NotImplementedError) as error:
        raise SourceError(f"The pattern '{source.pattern}' of source '{source.name}' is not one: {error}.") from error
    if not found and not source.may_be_empty:
        raise SourceError(f"No file in {path} matches '{source.pattern}' (source '{source.name}').", hint=hint)
    strange = [item for item in found if source.media is None and not is_known(item.name)]
    if strange:
        raise SourceError(
            f"{strange[0]} is of no kind that can be read (source '{source.name}').",
            hint="Narrow the source's 'pattern', or take the file out of the folder.",
        )
    return [_File(item, item.relative_to(path).as_posix()) for item in found]


def _take(landing: Landing, product: str, source: FileSource, file: _File, stamp: str) -> list[LandedObject]:
    """One file, read while nobody else wrote it."""
    for _ in range(2):
        taken = _members(
            landing, product, source.name, file, source.media, url=f"file:{file.name}", headers={_STAMP: stamp}
        )
        now = file.stamp()
        if now == stamp:
            return taken
        stamp = now
    raise SourceError(f"{file.path} is being written while it is read.", hint="Run again when it is complete.")


def _members(
    landing: Landing,
    product: str,
    source: str,
    file: _File,
    media: Media | None,
    *,
    url: str,
    headers: Mapping[str, str],
) -> list[LandedObject]:
    taken: list[LandedObject] = []
    for member in members(file.path, file.name, media):
        with blocks(file.path, file.name, member) as pieces:
            where = f"{url}!{member.name}" if member.name else url
            try:
                taken.append(landing.put(product, source, pieces, member.media, url=where, headers=headers))
            except SourceError as error:
                raise SourceError(f"{file.name}: {error.message}", hint=error.hint) from error
    return taken


def _deliver(
    landing: Landing,
    product: str,
    source: str,
    taken: Sequence[LandedObject],
    live: tuple[Delivery, ...],
    *,
    full: bool,
) -> FetchResult:
    """A full delivery of what was taken, unless it is what there was."""
    before = [(landed.sha256, landed.media) for delivery in live for landed in delivery.objects]
    if live and not full and not _stopped(live) and before == [(landed.sha256, landed.media) for landed in taken]:
        return FetchResult(None, live)
    part = landing.begin(product, source, {"connector": "file"})
    for landed in taken:
        part = landing.add(part, landed)
    delivery = landing.complete(part, part.delivery(kind="full"))
    return FetchResult(delivery, landing.live(product, source))


def _stopped(live: tuple[Delivery, ...]) -> bool:
    return any(delivery.is_stopped for delivery in live)


def _unreadable(source: FileSource, path: Path, error: OSError) -> SourceError:
    return SourceError(
        f"{path} cannot be read: {words(error)} (source '{source.name}').", hint="Check the file and its permissions."
    )


def _conditions(last: LandedObject | None, address: httpx.URL) -> dict[str, str]:
    if last is None or last.url.split("!", 1)[0] != plain(address):
        return {}
    asked = {"If-None-Match": last.headers.get("etag", ""), "If-Modified-Since": last.headers.get("last-modified", "")}
    return {name: value for name, value in asked.items() if value}


def _media(headers: Mapping[str, str]) -> Media | None:
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    return _CONTENT_TYPES.get(kind)
