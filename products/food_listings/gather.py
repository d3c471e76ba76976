"""What this product gathers before a run: lists by their layouts, approvals that lists bring with them, the day, the service
area, and what websites and geocoders say.

Belongs here: the order, and which setting asks for what. Does not belong here: how a site is looked at (`outside.websites`),
how a geocoder is asked (`outside.geocoders`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from civicops.errors import CivicopsError
from civicops.ingest.addresses import parse_address
from civicops.ingest.values import Finding
from civicops.ingest.web import Web
from civicops.orchestrate.gathering import Gathering
from civicops.orchestrate.importing import take_in

from .cleaning.lists import Lookups, lookups_in
from .cleaning.row import clean_row
from .outside.geocoding import look_up
from .outside.websites import look_at
from .schemas import CONTENT
from .workflow import CONFIRMING, as_json, has_value

LISTS = "source_listings"


def gather(given: Gathering) -> Sequence[Finding]:
    """Gather everything that is set; a list that cannot be read keeps its last rows and is a finding."""
    lookups = lookups_in(given.product.folder / "lookups")
    found = list(_lists(given))
    zone = ZoneInfo(lookups.policies["timezone"])
    given.write_rows("days", "days", [{"day_on": given.now.astimezone(zone).date().isoformat()}])
    _areas(given)
    _approvals(given, lookups)
    known = [clean_row(row, lookups) for row in given.rows("lists")] if _asks(given) else []
    for ask in (look_at, look_up):
        try:
            ask(given, known)
        except CivicopsError as error:
            found.append(Finding("outside_unreachable", error.message, 1, "flag"))
    return found


def _asks(given: Gathering) -> bool:
    return bool(given.settings.get("websites", {}).get("check") or given.settings.get("geocoding", {}).get("use"))


def _lists(given: Gathering) -> Iterator[Finding]:
    contract = given.product.contract(LISTS)
    for name, setting in given.settings.get("lists", {}).items():
        try:
            with TemporaryDirectory(prefix="civicops-") as folder:
                path = _file(given, name, setting, Path(folder))
                take_in(
                    given.product,
                    contract,
                    path,
                    layout=setting.get("layout", name),
                    list_code=name,
                    given=given,
                    sheet=setting.get("sheet", ""),
                )
        except CivicopsError as error:
            yield Finding("list_unreadable", f"List '{name}' keeps its last rows: {error.message}", 1, "flag")


def _file(given: Gathering, name: str, setting: Mapping[str, str], folder: Path) -> Path:
    if "path" in setting:
        return given.root / setting["path"]
    if "url" not in setting:
        raise CivicopsError(f"List '{name}' has neither 'path' nor 'url'.", hint="Give it one in civicops.toml.")
    address = parse_address(setting["url"], name)
    path = folder / f"list{Path(address.path).suffix or '.csv'}"
    with Web(address) as web:
        answer = web.get(address, expect="any", max_bytes=600_000_000)
        with path.open("wb") as file:
            file.writelines(answer.blocks())
    return path


def _areas(given: Gathering) -> None:
    setting = given.settings.get("service_area", {})
    if "path" not in setting:
        return
    path = given.root / setting["path"]
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        rows = [
            {
                "area_code": str(item["properties"]["area_code"]),
                "area_name": str(item["properties"]["area_name"]),
                "geometry": json.dumps(item["geometry"]),
            }
            for item in found["features"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CivicopsError(
            f"{path} is no GeoJSON of service areas: {type(error).__name__}: {error}.",
            hint="Each feature needs the properties area_code and area_name.",
        ) from error
    given.write_rows("areas", "areas", rows)


def _approvals(given: Gathering, lookups: Lookups) -> None:
    """What a list calls approved becomes a decision, once; it stays when the list later calls the row unapproved again."""
    kept = {row["decision_id"]: row for row in given.rows("decisions") if row["decision_id"].startswith("import:")}
    before = len(kept)
    for row in given.rows("lists"):
        for step in imported_steps(row, lookups):
            kept.setdefault(step["decision_id"], step)
    if len(kept) != before:
        given.write_rows("decisions", "imported", [kept[key] for key in sorted(kept)])


def imported_steps(row: Mapping[str, Any], lookups: Lookups) -> Iterator[dict[str, Any]]:
    """The decisions that a row of a list brings with it: its approval with what was approved, or fields confirmed so far."""
    status = (row.get("source_status") or "").strip().lower()
    if not status:
        return
    done = clean_row(row, lookups)
    content = {name: done.values.get(name) for name in CONTENT}
    fields = {"status" if name == "inactive" else name for name in done.confirmed}
    is_approved = status in ("4", "approved", "verified")
    if is_approved:
        fields |= {"status"}
    confirmed = {
        name: "has_value" if has_value(name, content) else "none"
        for name in CONFIRMING
        if name in fields and (has_value(name, content) or name in ("phone", "email", "hours", "food_types"))
    }
    event = "approved" if is_approved else {"2": "assigned", "3": "submitted"}.get(status, "created")
    moment = done.dates.get(event) if event != "created" else done.dates.get("modified")
    moment = moment or done.dates.get("modified") or done.dates.get("created")
    if moment is None or not (event != "created" or confirmed):
        return
    text = as_json(content) if is_approved else "{}"
    mark = hashlib.sha256(
        f"{done.listing_id}|{event}|{moment.isoformat()}|{text}|{sorted(confirmed.items())}".encode()
    ).hexdigest()[:20]
    yield {
        "decision_id": f"import:{mark}",
        "listing_id": done.listing_id,
        "event_code": event,
        "decided_at": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor_id": f"import:{done.source_code}",
        "role_code": "import",
        "content": text,
        "confirmed_fields": json.dumps(confirmed, sort_keys=True),
        "evidence": "import",
        "content_hash": hashlib.sha256(text.encode()).hexdigest(),
    }
