"""Sending a file, with ranges, `ETag` and compressed variants.

Belongs here: one file to one answer, and which name may stand below a folder. Does not belong here: who may have it (the views).
The work is whitenoise's, which serves the portal's own files too.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.media_types import MediaTypes  # type: ignore[import-untyped]
from whitenoise.responders import MissingFileError, StaticFile  # type: ignore[import-untyped]

_TYPES = MediaTypes(extra_types={".parquet": "application/vnd.apache.parquet", ".bin": "application/octet-stream"})
FOREVER = "max-age=31536000, public, immutable"
BRIEFLY = "max-age=60, public"
NEVER = "private, no-store"


def below(folder: Path, name: str) -> Path:
    """The file called `name` (with `/`) below `folder`. Raises `Http404` for what is not there or would leave the folder."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or "\0" in name or any(part.startswith(".") for part in parts):
        raise Http404("There is no such file.")
    path = folder.joinpath(*parts)
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise Http404("There is no such file.")
    return path


def send(request: HttpRequest, path: Path, *, cache: str, download: str = "") -> HttpResponseBase:
    """Answer with a file, or the part of it that was asked for. `download`: the name to save it under."""
    headers = {"Content-Type": _TYPES.get_type(path.name), "Cache-Control": cache}
    if headers["Content-Type"].startswith("text/"):
        headers["Content-Type"] += "; charset=utf-8"
    if download:
        headers["Content-Disposition"] = f'attachment; filename="{download}"'
    try:
        encodings = {} if download else {"gzip": f"{path}.gz", "br": f"{path}.br"}
        found = StaticFile(str(path), list(headers.items()), encodings=encodings)
    except (MissingFileError, FileNotFoundError) as error:
        raise Http404("There is no such file.") from error
    answer: Any = found.get_response(request.method, request.META)
    response = FileResponse(answer.file, status=answer.status) if answer.file else HttpResponse(status=answer.status)
    for name in list(response.headers):
        del response[name]
    for name, value in answer.headers:
        response[name] = value
    return response
