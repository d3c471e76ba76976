"""The tables that models read: every row cleaned, checked, matched, and every listing's state folded from decisions.

Belongs here: the order of that work, and its results as Arrow tables. Does not belong here: cleaning (`cleaning`), matching
(`matching`), the workflow (`workflow`), what is public (models).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context
from typing import Any

import duckdb
import pyarrow as pa

from .cleaning.across import find_across, find_disagreements
from .cleaning.hours_text import clean_hours
from .cleaning.lists import Lookups, lookups_from
from .cleaning.notes import Notes
from .cleaning.row import STATES_OF_FIELDS, Cleaned, clean_row
from .decisions import (
    in_hand,
    steps_of_contacts,
    steps_of_decisions,
    steps_of_duplicates,
    steps_of_status,
    steps_of_suggestions,
    steps_of_verifications,
)
from .lineage import LINEAGE
from .matching.explain import explain
from .matching.keys import keys_of
from .matching.model import score
from .origins import origin_of_field, origins_of
from .outside.found import find_outside
from .places import ServiceArea
from .schemas import CONTENT, TABLES
from .workflow import COLUMNS_OF, State, as_json, critical, critical_fields, fold, has_value, value_text

__all__ = ["LINEAGE", "TABLES", "prepare"]

SURE = 0.99
"""From this probability on two rows of different lists are one place for the purpose of comparing what the lists say."""
MANY = 4_000
"""From so many rows on cleaning uses a second process."""
_GEOCODES = (
    "SELECT * FROM accepted.geocodes WHERE outcome_code = 'matched' AND latitude IS NOT NULL ORDER BY geocoder_code"
)


def prepare(con: duckdb.DuckDBPyConnection) -> Mapping[str, pa.Table]:
    """All tables of `TABLES`."""
    lookups = lookups_from(lambda name: _rows(con, f"SELECT * FROM lookup.{name}"))
    today = _today(con)
    cleaned = clean_all(_rows(con, "SELECT * FROM accepted.source_listings ORDER BY source_code, source_id"), lookups)
    area = _area(con, lookups)
    placed = find_outside(cleaned, _rows(con, "SELECT * FROM accepted.website_checks"), _rows(con, _GEOCODES), area)
    find_across(cleaned)
    keys = {row.listing_id: keys_of(row.listing_id, row.values) for row in cleaned if row.values["name"]}
    pairs = score(list(keys.values()), least=0.5)
    disagreements = find_disagreements(cleaned, [(p.first, p.second) for p in pairs if p.probability >= SURE])
    states = fold(_steps(con, int(lookups.policies["do_not_call_days"])))
    for row in cleaned:
        states.setdefault(row.listing_id, State(row.listing_id))
    drafts = {row.listing_id: {name: row.values.get(name) for name in CONTENT} for row in cleaned}
    _stale(cleaned, states, lookups, today)
    made: dict[str, list[Mapping[str, Any]]] = {
        "days": [{"day_on": today}],
        "known": [
            {
                "listing_id": row.listing_id,
                "source_code": row.source_code,
                "name": row.values["name"],
                "disagreement_count": disagreements.get(row.listing_id, 0),
                "modified_at": row.dates.get("modified"),
            }
            for row in cleaned
        ],
        "findings": [finding for row in cleaned for finding in _findings(row, lookups)],
        "fixes": [fix for row in cleaned for fix in _fixes(row)],
        "pairs": [_pair(pair, keys, states) for pair in pairs],
        "contacts": [{"listing_id": row.listing_id, **row.contacts} for row in cleaned if any(row.contacts.values())],
        "refused": [
            {"listing_id": state.listing_id, "decision_id": decision, "reason": reason}
            for state in states.values()
            for decision, reason in state.refused
        ],
        "origins": origins_of(states, {row.listing_id for row in cleaned}, placed),
        **_versions(cleaned, drafts, states, lookups, today, area),
    }
    made["states"] = list(in_hand(made["states"], _rows(con, "SELECT * FROM accepted.open_questions")))
    return {name: pa.Table.from_pylist(list(made[name]), schema=schema) for name, schema in TABLES.items()}


def clean_all(rows: Sequence[Mapping[str, Any]], lookups: Lookups) -> list[Cleaned]:
    """Every row cleaned, in order; many of them by two processes."""
    if len(rows) < MANY or (os.cpu_count() or 1) < 2 or os.name != "posix":
        return [clean_row(row, lookups) for row in rows]
    half = (len(rows) + 1) // 2
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        later = pool.submit(_clean_part, rows[half:], lookups)
        first = _clean_part(rows[:half], lookups)
        return first + later.result()


def _clean_part(rows: Sequence[Mapping[str, Any]], lookups: Lookups) -> list[Cleaned]:
    return [clean_row(row, lookups) for row in rows]


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.execute(query).to_arrow_table().to_pylist()
    return found


def _today(con: duckdb.DuckDBPyConnection) -> date:
    found = con.execute("SELECT max(day_on) FROM accepted.run_days").fetchone()
    day: date | None = found[0] if found else None
    return day or date(1970, 1, 1)


def _steps(con: duckdb.DuckDBPyConnection, quiet_days: int) -> list[Any]:
    names = tuple(CONTENT)
    return [
        *steps_of_decisions(_rows(con, "SELECT * FROM accepted.listing_decisions")),
        *steps_of_verifications(_rows(con, "SELECT * FROM accepted.verify_answers"), names, quiet_days),
        *steps_of_duplicates(_rows(con, "SELECT * FROM accepted.duplicate_answers"), names),
        *steps_of_status(_rows(con, "SELECT * FROM accepted.status_answers")),
        *steps_of_contacts(_rows(con, "SELECT * FROM accepted.contact_attempts"), quiet_days),
        *steps_of_suggestions(_rows(con, "SELECT * FROM accepted.public_suggestions")),
    ]


def _area(con: duckdb.DuckDBPyConnection, lookups: Lookups) -> ServiceArea:
    rows = _rows(con, "SELECT * FROM accepted.service_areas ORDER BY area_code")
    return ServiceArea.of(rows, lookups.box, lookups.policies["country"])


def _stale(cleaned: Sequence[Cleaned], states: Mapping[str, State], lookups: Lookups, today: date) -> None:
    most = max(int(rule["limit_days"]) for rule in lookups.critical.values())
    for row in cleaned:
        state = states[row.listing_id]
        if not state.fields:
            continue
        newest = max(item.at for item in state.fields.values()).date()
        if (today - newest).days > most:
            row.notes.find("stale_listing", "status", newest, f"Nothing was confirmed since {newest}.")
        for name, item in sorted(state.fields.items()):
            if (today - item.at.date()).days > int(lookups.critical[name]["limit_days"]):
                row.notes.find(
                    "stale_field",
                    name,
                    item.at.date(),
                    f"{lookups.critical[name]['field_title']} was last confirmed on {item.at.date()}.",
                )


def _findings(row: Cleaned, lookups: Lookups) -> Iterable[Mapping[str, Any]]:
    count: dict[tuple[str, str], int] = defaultdict(int)
    for item in row.notes.findings:
        count[item.check, item.field] += 1
        yield {
            "listing_id": row.listing_id,
            "check_code": item.check,
            "field_code": item.field,
            "finding_number": count[item.check, item.field],
            "severity_code": lookups.checks[item.check]["severity_code"],
            "value_text": item.value,
            "message": item.message,
        }


def _fixes(row: Cleaned) -> Iterable[Mapping[str, Any]]:
    merged: dict[tuple[str, str], list[str]] = {}
    for fix in row.notes.fixes:
        key = (fix.field, fix.rule)
        merged[key] = [merged[key][0] if key in merged else fix.old, fix.new]
    for (name, rule), (old, new) in merged.items():
        yield {"listing_id": row.listing_id, "field_name": name, "rule_code": rule, "old_value": old, "new_value": new}


def _pair(pair: Any, keys: Mapping[str, Mapping[str, Any]], states: Mapping[str, State]) -> Mapping[str, Any]:
    text, meters = explain(keys[pair.first], keys[pair.second])
    first, second = states[pair.first], states[pair.second]
    decided = "undecided"
    if pair.second in first.apart_from or pair.first in second.apart_from:
        decided = "not_duplicate"
    if _end(states, first) == _end(states, second):
        decided = "merged"
    return {
        "listing_id": pair.first,
        "other_listing_id": pair.second,
        "match_probability_share": pair.probability,
        "match_weight": pair.weight,
        "explanation": text,
        "distance_meters": meters,
        "decision_code": decided,
    }


def _end(states: Mapping[str, State], state: State) -> str:
    seen: set[str] = set()
    while state.merged_into and state.listing_id not in seen:
        seen.add(state.listing_id)
        state = states.get(state.merged_into, State(state.merged_into))
    return state.listing_id


def _versions(
    cleaned: Sequence[Cleaned],
    drafts: Mapping[str, Mapping[str, Any]],
    states: Mapping[str, State],
    lookups: Lookups,
    today: date,
    area: ServiceArea,
) -> dict[str, list[Mapping[str, Any]]]:
    made: dict[str, list[Mapping[str, Any]]] = {
        name: [] for name in ("contents", "schedules", "states", "versions", "fields")
    }
    by_id = {row.listing_id: row for row in cleaned}
    for listing_id, state in sorted(states.items()):
        row = by_id.get(listing_id)
        draft = drafts.get(listing_id, {})
        if row is not None:
            quality = row.values.get("point_quality_code") or ("source" if draft["latitude"] is not None else "none")
            _content(made, listing_id, 0, draft, quality, row.hours.rules, area)
        for version in state.versions:
            rules = clean_hours(
                {"hours": version.content.get("hours_text")}, lookups.policies["timezone"], Notes()
            ).rules
            quality = "confirmed" if "address" in state.fields else "source"
            quality = quality if version.content.get("latitude") is not None else "none"
            _content(made, listing_id, version.number, version.content, quality, rules, area)
            made["versions"].append(
                {
                    "listing_id": listing_id,
                    "version_number": version.number,
                    "approved_at": version.approved_at,
                    "role_code": version.role_code,
                    "decision_id": version.decision_id,
                    "restores_version": version.restores,
                    "changed_fields": list(version.changed),
                    "content": as_json(version.content),
                }
            )
        shown = state.versions[-1].content if state.versions else draft
        made["fields"].extend(_fields(state, shown, lookups, today, is_listed=row is not None))
        made["states"].append(_state(state, shown, lookups))
    return made


def _content(
    made: dict[str, list[Mapping[str, Any]]],
    listing_id: str,
    number: int,
    content: Mapping[str, Any],
    quality: str,
    rules: Iterable[Mapping[str, Any]],
    area: ServiceArea,
) -> None:
    values = {name: content.get(name) for name in CONTENT}
    values["status_code"] = values["status_code"] or "active"
    values["country_code"] = values["country_code"] or area.country
    values |= {name: values[name] or [] for name, kind in CONTENT.items() if pa.types.is_list(kind)}
    lat, lon = values["latitude"], values["longitude"]
    code = area.code(lat, lon) if lat is not None and lon is not None else None
    made["contents"].append(
        {
            "listing_id": listing_id,
            "version_number": number,
            "point_quality_code": quality,
            "service_area_code": code,
            **values,
        }
    )
    made["schedules"].extend({"listing_id": listing_id, "version_number": number, **rule} for rule in rules)


def _fields(
    state: State, content: Mapping[str, Any], lookups: Lookups, today: date, *, is_listed: bool
) -> Iterable[Mapping[str, Any]]:
    counting = critical_fields(lookups.critical, str(content.get("status_code") or "active"))
    for name, rule in lookups.critical.items():
        known = state.fields.get(name)
        stale = known is None or known.at.date() < today - timedelta(days=int(rule["limit_days"]))
        yield {
            "listing_id": state.listing_id,
            "field_code": name,
            "state_code": known.state if known else "unconfirmed" if has_value(name, content) else "unknown",
            "value_text": known.value if known else value_text(name, content),
            "confirmed_at": known.at if known else None,
            "role_code": known.role_code if known else None,
            "evidence_code": known.evidence if known else None,
            "is_stale": stale,
            "is_critical": name in counting,
            "origin_id": origin_of_field(state, name, is_listed=is_listed),
        }


def _state(state: State, content: Mapping[str, Any], lookups: Lookups) -> Mapping[str, Any]:
    rule = critical(lookups.critical, content, state.fields)
    current = state.current
    columns = {column for name in STATES_OF_FIELDS for column in COLUMNS_OF[name]}
    last = state.versions[-1] if state.versions else None
    changed = sum(name in columns for name in last.changed) if last and len(state.versions) > 1 else 0
    return {
        "listing_id": state.listing_id,
        "state_code": state.code,
        "merged_into_id": state.merged_into or None,
        "current_version": current.number if current else None,
        "assigned_at": state.assigned_at if state.code == "assigned" else None,
        "submitted_at": state.submitted_at if state.code == "submitted" else None,
        "approved_at": last.approved_at if last else None,
        "critical_field_count": rule.count,
        "confirmed_field_count": rule.confirmed,
        "confirmed_share": rule.share,
        "is_ready_to_approve": rule.is_ready,
        "contact_attempt_count": state.attempts,
        "last_attempt_at": state.last_attempt_at,
        "last_outcome_code": state.last_outcome or None,
        "do_not_call_until_on": state.do_not_call_until,
        "demand_count": state.demand,
        "last_confirmed_at": max(
            (item.at for item in state.fields.values()), default=last.approved_at if last else None
        ),
        "changed_critical_count": changed,
        "version_count": len(state.versions),
        "is_unpublished": state.is_unpublished,
    }
