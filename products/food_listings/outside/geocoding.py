"""Where addresses lie: the geocoder of the US Census (in batches) and Nominatim, behind one question, with answers kept.

Belongs here: their protocols, their answers on one scale of confidence. Does not belong here: what is done with a point
(`prepared`).

Sources of the protocols: the Census Bureau's Geocoding Services API (`locations/addressbatch`, at most 10,000 lines per file) and
Nominatim's search API (one question per second, an identifying agent).
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx

from civicops.errors import CivicopsError
from civicops.orchestrate.gathering import Gathering

from ..cleaning.row import Cleaned
from .found import address_key

CENSUS = "https://geocoding.geo.census.gov/geocoder"
NOMINATIM = "https://nominatim.openstreetmap.org"
AGENT = "civicops-listings (+https://example.org/about-this-check)"
BATCH = 1_000


@dataclass(frozen=True)
class Question:
    """An address in its parts; `key` is how it is remembered."""

    key: str
    street: str
    city: str
    state: str
    zip: str


@dataclass(frozen=True)
class Answer:
    """A point in degrees with confidence from 0 to 1, or none (`outcome` is matched, ambiguous or none)."""

    outcome: str
    latitude: float | None = None
    longitude: float | None = None
    confidence: float | None = None
    matched: str = ""


class Geocoder(Protocol):
    """Answers questions; one it says nothing about was not answered and is asked again."""

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """Answers by the key of the question. Raises `CivicopsError` when it cannot be reached."""


class Census:
    """The US Census, in batches. An exact match is surer than one that is not; a tie is no answer."""

    code = "census"

    def __init__(self, client: httpx.Client, url: str = CENSUS, benchmark: str = "Public_AR_Current") -> None:
        self._client, self._url, self._benchmark = client, url.rstrip("/"), benchmark

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """Answers by key; a line that comes back without a question is left out."""
        found: dict[str, Answer] = {}
        for start in range(0, len(questions), BATCH):
            part = questions[start : start + BATCH]
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerows([number, item.street, item.city, item.state, item.zip] for number, item in enumerate(part))
            reply = _patient(
                lambda: self._client.post(
                    f"{self._url}/locations/addressbatch",
                    data={"benchmark": self._benchmark},
                    files={"addressFile": ("addresses.csv", text.getvalue(), "text/csv")},  # noqa: B023
                ),
                self._url,
            )
            for line in csv.reader(io.StringIO(reply.text)):
                if len(line) >= 3 and line[0].strip().isdigit() and int(line[0]) < len(part):
                    found[part[int(line[0])].key] = self._answer(line)
        return found

    def _answer(self, line: Sequence[str]) -> Answer:
        outcome = line[2].strip().lower()
        if outcome == "tie":
            return Answer("ambiguous")
        if outcome != "match" or len(line) < 6:
            return Answer("none")
        point = _point(line[5].partition(",")[2], line[5].partition(",")[0])  # longitude comes first
        if point is None:
            return Answer("none")
        return Answer("matched", *point, 0.95 if line[3].strip().lower() == "exact" else 0.8, line[4].strip())


class Nominatim:
    """Nominatim, one question per `pause` seconds."""

    code = "nominatim"

    def __init__(self, client: httpx.Client, url: str = NOMINATIM, *, country: str = "us", pause: float = 1.0) -> None:
        self._client, self._url, self._country, self._pause = client, url.rstrip("/"), country, pause

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """Answers by key."""
        found: dict[str, Answer] = {}
        for number, item in enumerate(questions):
            if number:
                time.sleep(self._pause)
            parts = {"street": item.street, "city": item.city, "state": item.state, "postalcode": item.zip}
            asked = {
                "format": "jsonv2",
                "limit": "2",
                "countrycodes": self._country,
                **{k: v for k, v in parts.items() if v},
            }
            reply = _patient(lambda: self._client.get(f"{self._url}/search", params=asked), self._url)  # noqa: B023
            found[item.key] = self._answer(reply)
        return found

    def _answer(self, reply: httpx.Response) -> Answer:
        try:
            items = reply.json()
        except ValueError as error:
            raise CivicopsError(
                f"{self._url} answered with something else than JSON.", hint="Try again later."
            ) from error
        if not isinstance(items, list) or not items:
            return Answer("none")
        first = items[0]
        point = _point(first.get("lat"), first.get("lon"))
        if point is None:
            return Answer("none")
        exact = {"building": 0.95, "place": 0.9, "amenity": 0.95, "shop": 0.9}.get(str(first.get("category")), 0.5)
        if str(first.get("addresstype", first.get("type"))) in ("road", "postcode", "city", "suburb", "residential"):
            exact = min(exact, 0.5)  # the middle of a street or a town is not where somebody stands in line
        return Answer("matched", *point, exact, str(first.get("display_name", "")))


def look_up(given: Gathering, rows: Iterable[Cleaned]) -> None:
    """Ask the geocoders that are set for the addresses that are due; a point that a listing has is checked as well."""
    setting = given.settings.get("geocoding", {})
    names = tuple(setting.get("use", ()))
    if not names:
        return
    known = {(row["geocoder_code"], row["address_key"]): row for row in given.rows("geocodes")}
    oldest = given.now - timedelta(days=float(setting.get("days", 180)))
    questions = {item.key: item for item in map(_question, rows) if item.key}
    changed = False
    with httpx.Client(timeout=60, trust_env=True, headers={"User-Agent": setting.get("agent", AGENT)}) as client:
        for name in names:
            due = [
                item
                for key, item in sorted(questions.items())
                if (name, key) not in known or _moment(known[name, key]) < oldest
            ][: int(setting.get("per_run", 1_000))]
            answers = geocoder(name, client, setting).ask(due) if due else {}
            for key, answer in answers.items():
                known[name, key] = _row(key, name, answer, given.now)
                changed = True
    if changed:
        given.write_rows("geocodes", "answers", [known[key] for key in sorted(known)])


def geocoder(name: str, client: httpx.Client, setting: Mapping[str, Any]) -> Geocoder:
    """The geocoder of that name. Raises `CivicopsError` for an unknown one."""
    if name == "census":
        return Census(client, setting.get("census_url", CENSUS))
    if name == "nominatim":
        return Nominatim(
            client, setting.get("nominatim_url", NOMINATIM), pause=float(setting.get("seconds_per_question", 1))
        )
    raise CivicopsError(f"There is no geocoder '{name}'.", hint="Valid here: census, nominatim.")


def _question(row: Cleaned) -> Question:
    values = row.values
    parts = (values["address_1"], values["city"], values["state_province"], values["postal_code"])
    return Question(address_key(values), *(str(part or "") for part in parts))


def _point(latitude: Any, longitude: Any) -> tuple[float, float] | None:
    """Degrees, or none for what is no point on land: (0, 0) is what geocoders say when they have nothing to say."""
    try:
        lat, lon = float(latitude), float(longitude)
    except (TypeError, ValueError):
        return None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180) or (abs(lat) < 0.01 and abs(lon) < 0.01):
        return None
    return lat, lon


def _row(key: str, name: str, answer: Answer, now: datetime) -> dict[str, Any]:
    return {
        "address_key": key,
        "geocoder_code": name,
        "asked_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "outcome_code": answer.outcome,
        "latitude": answer.latitude,
        "longitude": answer.longitude,
        "confidence_share": answer.confidence,
        "matched_address": answer.matched,
    }


def _patient(ask: Any, url: str, attempts: int = 4) -> httpx.Response:
    problem = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(min(8.0, 0.5 * 2**attempt))
        try:
            reply: httpx.Response = ask()
        except httpx.HTTPError as error:
            problem = type(error).__name__
            continue
        if reply.status_code == 200:
            return reply
        problem = f"status {reply.status_code}"
        if reply.status_code not in (429, 500, 502, 503, 504):
            break
    raise CivicopsError(
        f"The geocoder at {url} cannot be asked: {problem}.", hint="Points stay as they are; run again later."
    )


def _moment(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(row["asked_at"]).replace("Z", "+00:00"))
