"""What this product asks people: listings that are due, and pairs that may be one place.

Belongs here: which questions, with what evidence. Does not belong here: forms and rules (`reviews/*.yaml`), what an answer does
(`workflow`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from civicops.review.asked import ReviewContext
from civicops.review.values import Evidence, TaskDraft

from .decisions import TEXT_LISTS
from .survivorship import survive

EDITABLE = (
    "name",
    "status_code",
    "category_codes",
    "address_1",
    "address_2",
    "city",
    "state_province",
    "postal_code",
    "latitude",
    "longitude",
    "phone_number",
    "phone_extension",
    "other_phone_numbers",
    "email",
    "url",
    "hours_text",
    "hours_notes",
    "is_walkin",
    "is_by_appointment",
    "eligibility_description",
    "eligibility_notes",
    "food_types",
    "has_bakery",
    "has_dry_goods",
    "has_produce",
    "has_dairy",
    "has_prepared",
    "has_meat",
    "language_names",
    "notes",
    "closure_notes",
    "description",
    "organization_name",
    "agency_type",
    "category_notes",
    "tag_names",
    "accessibility",
    "items",
    "services",
    "facebook_url",
    "twitter_url",
    "pinterest_url",
    "linkedin_url",
    "instagram_url",
    "has_donation_pickup",
    "is_frozen_accepted",
    "is_refrigerated_accepted",
    "is_perishable_accepted",
)
"""Columns of a listing that forms offer: all that it says, so that a decision carries the whole version."""
_DUE = """
    SELECT s.*, c.* EXCLUDE (listing_id, version_number) FROM built.main.listing_states s
    JOIN built.prepared.contents c ON c.listing_id = s.listing_id AND c.version_number = coalesce(
        (SELECT max(version_number) FROM built.prepared.contents v WHERE v.listing_id = s.listing_id), 0)
    WHERE s.state_code NOT IN ('merged', 'unpublished') AND NOT s.is_do_not_call AND c.name IS NOT NULL
        AND s.verify_by_on <= (SELECT day_on FROM built.prepared.days)
    ORDER BY s.risk_score DESC, s.listing_id"""
_PAIRS = """
    SELECT d.* FROM built.main.duplicates d WHERE d.is_probable AND d.decision_code = 'undecided'
    ORDER BY d.match_probability_share DESC, d.listing_id, d.other_listing_id"""
_CONTENT = """
    SELECT c.*, s.approved_at, s.source_code, l.trust FROM built.prepared.contents c
    JOIN built.main.listing_states s ON s.listing_id = c.listing_id
    LEFT JOIN built.lookup.source_lists l ON l.source_code = s.source_code
    WHERE c.version_number = (SELECT max(version_number) FROM built.prepared.contents v WHERE v.listing_id = c.listing_id)"""
_FINDINGS = "SELECT * FROM built.main.findings ORDER BY listing_id, severity_code, check_code, finding_number"


def reviews(context: ReviewContext) -> Mapping[str, Iterable[TaskDraft]]:
    """The questions there are now, by kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in context.rows(_FINDINGS):
        found.setdefault(row["listing_id"], []).append(row)
    due = list(context.rows(_DUE))
    pairs = list(context.rows(_PAIRS))
    contents = {row["listing_id"]: row for row in context.rows(_CONTENT)} if pairs else {}
    return {"verify": _verify(due, found), "duplicate": _duplicates(pairs, contents)}


def as_form(values: Mapping[str, Any]) -> dict[str, Any]:
    """A listing's columns as the form has them: lists as text."""
    return {
        name: ", ".join(values[name] or []) or None if name in TEXT_LISTS else values[name]
        for name in EDITABLE
        if name in values
    }


def _verify(rows: Iterable[dict[str, Any]], findings: Mapping[str, list[dict[str, Any]]]) -> Iterator[TaskDraft]:
    for row in rows:
        form = as_form(row)
        evidence = [
            Evidence("check", item["check_code"].replace("_", " "), item["message"], {"value": item["value_text"]})
            for item in findings.get(row["listing_id"], ())[:20]
        ]
        evidence.insert(
            0, Evidence("note", "Why now", row["risk_reason"] or "It was never confirmed, or is due again.")
        )
        if row["contact_attempt_count"]:
            words = (
                f"{row['contact_attempt_count']} attempts, the last: {row['last_outcome_code'] or 'without outcome'}."
            )
            evidence.append(Evidence("contact", "Attempts to reach somebody", words))
        yield TaskDraft(
            subject=row["listing_id"],
            title=str(row["name"])[:200],
            proposed=form,
            # A listing that is due again is another question than the one that was answered.
            current={**form, "approved_at": row["approved_at"].isoformat() if row["approved_at"] else None},
            evidence=evidence,
            value=float(row["risk_score"]),
            due_at=datetime.combine(row["verify_by_on"], time(23, 59), UTC) if row["approved_at"] else None,
            place=(row["longitude"], row["latitude"]) if row["latitude"] is not None else None,
        )


def _duplicates(pairs: Iterable[dict[str, Any]], contents: Mapping[str, dict[str, Any]]) -> Iterator[TaskDraft]:
    for pair in pairs:
        first, second = contents.get(pair["listing_id"]), contents.get(pair["other_listing_id"])
        if first is None or second is None:
            continue
        done = survive(first, second, EDITABLE)
        evidence = [
            Evidence(
                "model",
                "Why they may be one place",
                pair["explanation"],
                {"probability": pair["match_probability_share"]},
            ),
            *(
                Evidence("source_row", f"{row['listing_id']}", str(row["name"]), as_form(row))
                for row in (first, second)
            ),
            Evidence(
                "note", "What survives", done.reason, {name: winner for name, winner in done.winners.items() if winner}
            ),
        ]
        yield TaskDraft(
            subject=f"{pair['listing_id']}|{pair['other_listing_id']}",
            title=f"{first['name']} / {second['name']}"[:200],
            proposed={"survivor_id": done.survivor_id, **as_form(done.values)},
            members=(pair["listing_id"], pair["other_listing_id"]),
            evidence=evidence,
            confidence=float(pair["match_probability_share"]),
            value=float(pair["match_probability_share"]),
            place=(first["longitude"], first["latitude"]) if first["latitude"] is not None else None,
        )
