"""The tables that this product's Python makes for its models, column by column.

Belongs here: schemas. Does not belong here: filling them (`prepared`).
"""

from __future__ import annotations

import pyarrow as pa

_T, _B, _F, _I, _L = pa.string(), pa.bool_(), pa.float64(), pa.int64(), pa.list_(pa.string())
_AT, _ON, _TIME = pa.timestamp("us", tz="UTC"), pa.date32(), pa.time64("us")

CONTENT: dict[str, pa.DataType] = {
    "name": _T, "description": _T, "organization_name": _T, "agency_type": _T, "category_codes": _L, "category_notes": _T,
    "tag_names": _L, "address_1": _T, "address_2": _T, "city": _T, "state_province": _T, "postal_code": _T, "country_code": _T,
    "latitude": _F, "longitude": _F, "accessibility": _T, "phone_number": _T, "phone_extension": _T, "other_phone_numbers": _L,
    "email": _T, "url": _T, "facebook_url": _T, "twitter_url": _T, "pinterest_url": _T, "linkedin_url": _T, "instagram_url": _T,
    "hours_text": _T, "hours_notes": _T, "is_walkin": _B, "is_by_appointment": _B, "items": _T, "services": _T,
    "eligibility_description": _T, "eligibility_notes": _T, "food_types": _T, "has_bakery": _B, "has_dry_goods": _B, "has_produce": _B,
    "has_dairy": _B, "has_prepared": _B, "has_meat": _B, "language_names": _L, "notes": _T, "closure_notes": _T, "status_code": _T,
    "has_donation_pickup": _B, "is_frozen_accepted": _B, "is_refrigerated_accepted": _B, "is_perishable_accepted": _B,
}  # fmt: skip
"""What a listing says: the columns that people edit, that versions hold and that are published."""


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


TABLES: dict[str, pa.Schema] = {
    "days": _schema(day_on=_ON),
    "known": _schema(listing_id=_T, source_code=_T, name=_T, disagreement_count=_I, modified_at=_AT),
    "contents": pa.schema([("listing_id", _T), ("version_number", _I), ("point_quality_code", _T), ("service_area_code", _T), *CONTENT.items()]),
    "schedules": _schema(
        listing_id=_T, version_number=_I, schedule_number=_I, rule_code=_T, freq=_T, repeat_interval=_I, byday=_T, bymonthday=_T,
        bymonth=_T, dtstart_on=_ON, valid_from=_ON, valid_to=_ON, holiday_code=_T, opens_time=_TIME, closes_time=_TIME, is_all_day=_B,
        timezone=_T, notes=_T, source_text=_T,
    ),
    "states": _schema(
        listing_id=_T, state_code=_T, merged_into_id=_T, current_version=_I, assigned_at=_AT, submitted_at=_AT, approved_at=_AT,
        critical_field_count=_I, confirmed_field_count=_I, confirmed_share=_F, is_ready_to_approve=_B, contact_attempt_count=_I,
        last_attempt_at=_AT, last_outcome_code=_T, do_not_call_until_on=_ON, demand_count=_I, last_confirmed_at=_AT,
        changed_critical_count=_I, version_count=_I, is_unpublished=_B,
    ),
    "versions": _schema(
        listing_id=_T, version_number=_I, approved_at=_AT, role_code=_T, decision_id=_T, restores_version=_I, changed_fields=_L, content=_T,
    ),
    "fields": _schema(
        listing_id=_T, field_code=_T, state_code=_T, value_text=_T, confirmed_at=_AT, role_code=_T, evidence_code=_T, is_stale=_B, is_critical=_B,
    ),
    "findings": _schema(listing_id=_T, check_code=_T, field_code=_T, finding_number=_I, severity_code=_T, value_text=_T, message=_T),
    "fixes": _schema(listing_id=_T, field_name=_T, rule_code=_T, old_value=_T, new_value=_T),
    "pairs": _schema(
        listing_id=_T, other_listing_id=_T, match_probability_share=_F, match_weight=_F, explanation=_T, distance_meters=_F, decision_code=_T,
    ),
    "contacts": _schema(
        listing_id=_T, admin_contact_name=_T, admin_contact_phone=_T, admin_contact_email=_T, donation_contact_name=_T,
        donation_contact_phone=_T, donation_contact_email=_T, donation_schedule=_T, donation_delivery_instructions=_T, donation_notes=_T,
        admin_notes=_T, review_notes=_T, email_all=_L,
    ),
    "refused": _schema(listing_id=_T, decision_id=_T, reason=_T),
}  # fmt: skip
