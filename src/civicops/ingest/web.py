"""HTTP as the connectors need it: patient, suspicious of what comes back, and never showing a secret.

Belongs here: one request until its whole body is here or the reason why not is known. Does not belong here: what is asked for
(`socrata`, `files`).

Retried with growing pauses: 408, 429 and 5xx (honouring `Retry-After`), timeouts, resets, bodies cut short (by length, by
chunk, by the end of the gzip stream) and answers that are not what was asked for (an HTML page or a JSON error with status 200).
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, cast

import httpx
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from civicops.ingest.addresses import origin, plain, redirected, says_internal
from civicops.ingest.disk import writing
from civicops.ingest.values import FetchError
from civicops.network import InternalAddressError, guarded

Expect = Literal["csv", "json", "any"]

_LOG = logging.getLogger(__name__)
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_KEPT_HEADERS = ("etag", "last-modified", "content-type", "content-disposition")
_IN_MEMORY = 32 * 1024 * 1024
_CHUNK = 1 << 16
_HOPS = 5


@dataclass(frozen=True)
class Patience:
    """How long to wait for a source, in seconds, and how often to try again."""

    attempts: int = 6
    first_pause: float = 0.5
    longest_pause: float = 60.0
    jitter: float = 0.5
    connect: float = 15.0
    read: float = 90.0
    longest_retry_after: float = 300.0
    """A portal may ask for more patience than a run has; it gets this much."""
    longest_answer: float = 3600.0
    """A body that trickles for longer than this is given up."""

    def tries(self, worth: Callable[[Exception], bool | float]) -> Iterable[stamina.Attempt]:
        """Attempts with growing pauses between them; `worth` says of an error whether another one may help (a number: in so many
        seconds)."""
        return stamina.retry_context(
            on=worth, attempts=self.attempts, timeout=None, wait_initial=self.first_pause, wait_max=self.longest_pause,
            wait_jitter=self.jitter,
        )  # fmt: skip


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True)
class Answer:
    """A whole, plausible answer. `body` is a temporary file, at its beginning; `headers` are those worth keeping.

    `doubt` is what its judge held against it to the last.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: BinaryIO
    doubt: str | None = None

    def read(self) -> bytes:
        """All of the body."""
        self.body.seek(0)
        return self.body.read()

    def blocks(self) -> Iterator[bytes]:
        """The body in pieces."""
        self.body.seek(0)
        while piece := self.body.read(1 << 20):
            yield piece


Judge = Callable[[Answer], str | None]
"""Looks at an answer and says in words why it is not believed, or None."""


class RefusedError(FetchError):
    """The server said no, and saying it again would not help. `code` is the server's own word for it, if it gave one."""

    def __init__(self, message: str, *, hint: str = "", status: int, code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class _AgainError(Exception):
    """Worth another try; `pause` is what the server asked for, `words` what went wrong."""

    def __init__(self, words: str, pause: float | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.pause = pause


class Web:
    """A client for one configured address. Use as a context manager; safe to share between threads."""

    def __init__(
        self,
        configured: httpx.URL,
        *,
        secret_headers: Mapping[str, str] | None = None,
        patience: Patience = DEFAULT_PATIENCE,
        internal: bool = False,
    ) -> None:
        """`internal`: the settings say that the host is inside, though its name does not."""
        self.configured = configured
        self._allowed = (configured.host,) if internal or says_internal(configured.host) else ()
        self.patience = patience
        self._secrets = dict(secret_headers or {})
        timeout = httpx.Timeout(patience.read, connect=patience.connect)
        # trust_env: a group behind a proxy sets HTTPS_PROXY, and nothing else of ours knows about it.
        self._client = httpx.Client(timeout=timeout, trust_env=True, follow_redirects=False)
        # The default hook prints every retry to standard output when structlog is installed.
        set_on_retry_hooks([_log_retry])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(
        self,
        url: httpx.URL,
        *,
        expect: Expect,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        judge: Judge | None = None,
    ) -> Answer:
        """The whole answer to a GET; 200 or 304.

        `judge` may look at an answer and say in words why it is not believed; it is then asked for again, and after the last
        attempt taken as it is. Raises `RefusedError` for a 4xx and `FetchError` for everything that stays wrong.
        """
        believed: Answer | None = None
        try:
            for attempt in self.patience.tries(_pause):
                with attempt:
                    believed = None
                    believed = self._once(url, expect, max_bytes, dict(headers or {}))
                    doubt = judge(believed) if judge is not None else None
                    if doubt:
                        raise _AgainError(doubt)
        except _AgainError as error:
            if believed is not None:
                return replace(believed, doubt=error.words)
            raise FetchError(
                f"{url.host} {error.words}; tried {self.patience.attempts} times.",
                hint="Try again later; what was fetched so far is kept, and the last release stays in place.",
            ) from None
        if believed is None:  # pragma: no cover - the loop either sets it or raises
            raise FetchError(f"{url.host} was not asked.")
        return believed

    def _once(self, url: httpx.URL, expect: Expect, max_bytes: int, headers: dict[str, str]) -> Answer:
        current = url
        for _ in range(_HOPS):
            secrets = self._secrets if origin(current) == origin(self.configured) else {}
            request = self._client.build_request(
                "GET", current, headers={"Accept-Encoding": "gzip", **headers, **secrets}
            )
            try:
                # Where a name or a redirect leads must not turn out to be inside when it is connected to.
                with guarded(self._allowed):
                    response = self._client.send(request, stream=True)
            except InternalAddressError as error:
                hint = f'If that is meant, write internal_hosts = ["{current.host}"] into [workspace] of civicops.toml.'
                raise FetchError(error.message, hint=hint) from error
            except httpx.TransportError as error:
                raise self._transport(error) from error
            try:
                if response.has_redirect_location:
                    current = redirected(self.configured, current, response.headers["location"])
                    continue
                return self._answer(response, current, expect, max_bytes)
            except httpx.TransportError as error:
                raise self._transport(error) from error
            finally:
                response.close()
        raise FetchError(f"{url.host} redirects in a circle.", hint="Check the source's address.")

    def _answer(self, response: httpx.Response, url: httpx.URL, expect: Expect, max_bytes: int) -> Answer:
        if response.status_code in _RETRIED:
            pause = _retry_after(response.headers.get("retry-after"), self.patience.longest_retry_after)
            raise _AgainError(f"keeps answering {_status(response)}", pause)
        body = self._body(response, max_bytes if response.status_code == 200 else 1_000_000)
        if response.status_code not in (200, 304):
            raise self._refusal(response, body)
        headers = {
            name: value
            for name, value in response.headers.items()
            if name in _KEPT_HEADERS or name.startswith("x-soda2-")
        }
        answer = Answer(response.status_code, plain(url), headers, body)
        if response.status_code == 200:
            _plausible(answer, expect)
        return answer

    def _body(self, response: httpx.Response, max_bytes: int) -> BinaryIO:
        """The body, unpacked and whole; httpx itself does not notice a gzip stream that ends early."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise FetchError(f"{response.url.host} answers in the encoding '{encoding}', which was not asked for.")
        unpacker = _Gunzip() if encoding == "gzip" else None
        body = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - handed on
        size, until = 0, time.monotonic() + self.patience.longest_answer
        for raw in response.iter_raw(_CHUNK):
            for piece in unpacker.feed(raw) if unpacker is not None else (raw,):
                size += len(piece)
                if size > max_bytes:
                    raise FetchError(
                        f"{response.url.host} sent more than {max_bytes // 1_000_000} MB for one request.",
                        hint="If that is meant, ask for smaller pages, or give the file by path.",
                    )
                with writing(_temporary_folder()):
                    body.write(piece)
            if time.monotonic() > until:
                raise _AgainError("sends its answer too slowly")
        if unpacker is not None and not unpacker.is_whole:
            raise _AgainError("sends answers that break off")
        body.seek(0)
        return body

    def _refusal(self, response: httpx.Response, body: BinaryIO) -> RefusedError:
        code, words = "", ""
        try:
            said = json.loads(body.read(100_000))
            if isinstance(said, dict):
                code = str(said.get("code") or said.get("errorCode") or "")
                words = str(said.get("message") or "")
        except ValueError:
            pass
        words = " ".join(self.without_secrets(words).split())[:200]
        said_so = f": {words}" if words else ""
        return RefusedError(
            f"{response.url.host} refused with {_status(response)}{said_so}.",
            hint="Check the source's address and what it may be asked.",
            status=response.status_code,
            code=code,
        )

    def without_secrets(self, text: str) -> str:
        """The text with every secret of this client blotted out."""
        for secret in self._secrets.values():
            text = text.replace(secret, "***")
        return text

    def _transport(self, error: httpx.TransportError) -> Exception:
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.ProxyError, httpx.LocalProtocolError)):
            words = self.without_secrets(str(error))
            return FetchError(
                f"{self.configured.host} cannot be asked: {words}.", hint="Check the address and the proxy."
            )
        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            return _AgainError("cannot be reached")
        if isinstance(error, httpx.TimeoutException):
            return _AgainError("does not answer in time")
        return _AgainError("breaks the connection off")


class _Gunzip:
    """Unpacks a gzip stream of one or more members in bounded pieces, and knows whether it ended properly."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._fed = False

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """The unpacked bytes of the next packed ones; `_AgainError` when they are no gzip."""
        self._fed = self._fed or bool(raw)
        try:
            while raw:
                if self._zlib.eof:
                    self._zlib = zlib.decompressobj(wbits=31)
                yield self._zlib.decompress(raw, 1 << 20)
                raw = self._zlib.unconsumed_tail or self._zlib.unused_data
        except zlib.error:
            raise _AgainError("sends answers that cannot be unpacked") from None

    @property
    def is_whole(self) -> bool:
        return self._zlib.eof or not self._fed


def _plausible(answer: Answer, expect: Expect) -> None:
    """Raise when the body is a page for people, or an error, where data was asked for."""
    start = answer.body.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    answer.body.seek(0)
    media = answer.headers.get("content-type", "").lower()
    if "text/html" in media or start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise _AgainError("sends a web page instead of data")
    if expect == "csv" and ("application/json" in media or start.startswith((b'{"', b"[{"))):
        raise _AgainError("sends an error message instead of rows")
    if expect == "json":
        try:
            json.loads(answer.read())
        except ValueError:
            raise _AgainError("sends something that is not JSON") from None
        answer.body.seek(0)


def _pause(error: Exception) -> bool | float:
    if not isinstance(error, _AgainError):
        return False
    return True if error.pause is None else error.pause


def _retry_after(value: str | None, longest: float) -> float | None:
    """Seconds to wait, from a number or an HTTP date; None when the server did not say (RFC 9110, section 10.2.3)."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (when - datetime.now(when.tzinfo or UTC)).total_seconds() if when.tzinfo else 0.0
    return min(max(seconds, 0.0), longest)


def _status(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()


def _temporary_folder() -> Path:
    return Path(tempfile.gettempdir())


def _log_retry(details: RetryDetails) -> None:
    """One quiet line per retry; nothing of the request, which carries the secret."""
    _LOG.info("try %d in %.1f s: %s", details.retry_num + 1, details.wait_for, details.caused_by)
