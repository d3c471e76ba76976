"""Signing in to Google with a service account, and asking patiently.

Belongs here: the key file, the clients, retries, and turning refusals into words. Does not belong here: what is asked.

The key file is named by an environment variable and read from nowhere else. Retried with growing pauses: 429, 5xx, 403 for a rate
or quota limit, connections that break. Not retried: every other refusal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from civicops.ingest.values import FetchError, SourceError
from civicops.ingest.web import DEFAULT_PATIENCE, Patience

READ_METADATA = "https://www.googleapis.com/auth/drive.metadata.readonly"
READ_ACTIVITY = "https://www.googleapis.com/auth/drive.activity.readonly"
READ_REPORTS = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
WRITE_SHEETS = "https://www.googleapis.com/auth/spreadsheets"
_PLACES = {
    "drive": ("v3", "https://www.googleapis.com/", "drive/v3/"),
    "driveactivity": ("v2", "https://driveactivity.googleapis.com/", ""),
    "admin": ("reports_v1", "https://admin.googleapis.com/", ""),
    "sheets": ("v4", "https://sheets.googleapis.com/", ""),
}
_LIMITS = {
    "userRateLimitExceeded",
    "rateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "sharingRateLimitExceeded",
}
_T = TypeVar("_T")
_HINT = "Install the extra: pip install 'civicops[google]' (make setup does)."


@dataclass(eq=False)
class RefusalError(Exception):
    """Google answered with an error status; `reason` is its own word for it."""

    status: int
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.message}"

    @property
    def passes(self) -> bool:
        """Whether asking again may help."""
        return self.status in (408, 429) or self.status >= 500 or self.reason in _LIMITS


@dataclass(frozen=True)
class Google:
    """One signed-in service account. `url` replaces the root of all interfaces; Google's own unless given.

    `subject` is the administrator it acts for, where the domain lets it; needed for the audit log.
    """

    key_env: str
    scopes: tuple[str, ...]
    url: str = ""
    subject: str = ""
    patience: Patience = DEFAULT_PATIENCE

    def service(self, name: str) -> Any:
        """A client of `drive`, `driveactivity`, `admin` or `sheets`; nothing is fetched to make it."""
        from googleapiclient.discovery import build  # noqa: PLC0415 - an extra

        version, _, path = _PLACES[name]
        return build(
            name, version, http=self._http, cache_discovery=False, static_discovery=True,
            client_options={"api_endpoint": f"{self.root(name)}{path}"},
        )  # fmt: skip

    def root(self, name: str) -> str:
        """The root address of an interface, with a slash at its end."""
        return f"{self.url.rstrip('/')}/" if self.url else _PLACES[name][1]

    @cached_property
    def _http(self) -> Any:
        path = os.environ.get(self.key_env, "")
        if not path:
            raise SourceError(
                f"The environment variable {self.key_env} is not set.",
                hint="Let it name the key file of the service account; docs/howto/watch-shared-drives.md goes through it.",
            )
        try:
            import google_auth_httplib2  # noqa: PLC0415 - an extra
            import httplib2  # noqa: PLC0415 - an extra
            from google.oauth2 import service_account  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise SourceError("Google's clients are not installed.", hint=_HINT) from error
        try:
            made = service_account.Credentials.from_service_account_file(path, scopes=list(self.scopes))  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            # The error's own text may hold parts of the key.
            raise SourceError(
                f"The file that {self.key_env} names is not a key file of a service account.",
                hint="Make a new key of type JSON in Google's console.",
            ) from error
        credentials = made.with_subject(self.subject) if self.subject else made
        return google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=self.patience.read))

    def ask(self, request: Any) -> bytes:
        """The bytes of one answer. Raises `RefusalError` for a refusal that stays, `FetchError` when Google cannot be reached."""
        request.postproc = _bytes
        content: bytes = self._patiently(request.execute)
        return content

    def ask_each(self, requests: Mapping[str, Any]) -> dict[str, tuple[int, bytes]]:
        """Many requests to Drive in batches of 100: name -> status and bytes; what may pass is asked again.

        Raises `RefusalError` when one of them keeps being refused for a limit, `FetchError` when Google cannot be reached.
        """
        answers: dict[str, tuple[int, bytes]] = {}
        names = list(requests)
        for start in range(0, len(names), 100):
            wanted = {name: requests[name] for name in names[start : start + 100]}

            def once(wanted: dict[str, Any] = wanted) -> None:
                self._batch(wanted, answers)

            self._patiently(once)
        return answers

    def _batch(self, wanted: dict[str, Any], answers: dict[str, tuple[int, bytes]]) -> None:
        from googleapiclient.http import BatchHttpRequest  # noqa: PLC0415 - an extra

        again: list[RefusalError] = []

        def keep(name: str, content: bytes | None, error: Any) -> None:
            refused = refusal(error) if error is not None else None
            if refused is not None and refused.passes:
                again.append(refused)
            else:
                answers[name] = (refused.status, error.content) if refused is not None else (200, content or b"")

        batch = BatchHttpRequest(callback=keep, batch_uri=f"{self.root('drive')}batch/drive/v3")
        for name, request in wanted.items():
            if name not in answers:
                request.postproc = _bytes
                batch.add(request, request_id=name)
        batch.execute(http=self._http)
        if again:
            raise again[0]

    def _patiently(self, do: Callable[[], _T]) -> _T:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - an extra
        from googleapiclient.errors import HttpError  # noqa: PLC0415 - an extra
        from httplib2 import HttpLib2Error  # noqa: PLC0415 - an extra

        def once() -> _T:
            try:
                return do()
            except HttpError as error:
                raise refusal(error) from error

        try:
            for attempt in self.patience.tries(_worth_another_try):
                with attempt:
                    return once()
        except GoogleAuthError as error:
            raise FetchError(
                f"Google does not let the service account in ({type(error).__name__}).",
                hint="Is its key still valid, and is the interface switched on for its project?",
            ) from error
        except (TimeoutError, OSError, HttpLib2Error) as error:
            raise FetchError(
                f"Google cannot be reached: {error}.", hint="Run again when the network is back."
            ) from error
        raise AssertionError("the loop above returns or raises")


def _worth_another_try(error: Exception) -> bool:
    return error.passes if isinstance(error, RefusalError) else isinstance(error, (ConnectionError, TimeoutError))


def _bytes(_: Any, content: bytes) -> bytes:
    return content


def refusal(error: Any) -> RefusalError:
    """What Google says in the body of an error (`HttpError`)."""
    try:
        said = json.loads(error.content)["error"]
        reason = (said.get("errors") or [{}])[0].get("reason") or said.get("status", "")
        return RefusalError(int(error.resp.status), str(reason), str(said.get("message", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return RefusalError(int(error.resp.status), "", "no reason given")
