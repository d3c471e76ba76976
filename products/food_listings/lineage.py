"""What the tables that this product's Python makes are made of, column by column, and which rows each row comes from.

Belongs here: the declaration, which every run holds against what it made. Does not belong here: making them (`prepared`), whose
word a version is (`origins`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from civicops.transform.made import Made, Rows

from .cleaning.contacts import SOCIAL_COLUMNS
from .cleaning.hours_text import WEEKS
from .cleaning.row import BOOLEANS, TEXTS
from .schemas import CONTENT, TABLES

_ADDRESS = ("address_1", "address_2", "address_text", "city", "state_province", "postal_code")
_PHONES = ("phones", "phone_extension", "phone_functions")
_HOURS = ("hours", *WEEKS)
_SAID: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    **{target: (column,) for column, target in {**TEXTS, **BOOLEANS}.items()},
    **dict.fromkeys(("address_1", "address_2", "city", "state_province", "postal_code"), _ADDRESS),
    **dict.fromkeys(("latitude", "longitude"), ("latitude", "longitude", *_ADDRESS)),
    **dict.fromkeys(("phone_number", "phone_extension", "other_phone_numbers"), _PHONES),
    "email": ("email",),
    "url": ("url",),
    **{column: (column.removesuffix("_url"),) for column in SOCIAL_COLUMNS},
    "category_codes": ("categories",),
    "tag_names": ("tags",),
    "language_names": ("languages",),
    "status_code": ("source_inactive", "source_inactive_temporary"),
    "hours_text": _HOURS,
    "is_by_appointment": _HOURS,
    "country_code": (),
}
"""Column of a listing -> columns of a list's row that it is read from."""
_POLICY = "lookup.policies.value"
_WORDS: Mapping[str, tuple[str, ...]] = {
    "name": ("lookup.acronyms.word",),
    "city": ("lookup.acronyms.word", "lookup.street_words.*", "lookup.states.*"),
    **dict.fromkeys(
        ("address_1", "address_2", "state_province", "postal_code"),
        ("lookup.street_words.*", "lookup.states.*", _POLICY),
    ),
    **dict.fromkeys(("latitude", "longitude", "country_code", "phone_number", "other_phone_numbers"), (_POLICY,)),
    "phone_extension": (_POLICY,),
    "category_codes": ("lookup.categories.*", "lookup.category_words.*"),
    **dict.fromkeys(("hours_text", "is_by_appointment"), (_POLICY,)),
}
"""Column of a listing -> lookups that it is read by."""
_NOT_ASKED = ("country_code",)
"""Columns that no form asks for."""
_ID = ("accepted.source_listings.source_code", "accepted.source_listings.source_id")
_STEPS = tuple(
    f"accepted.{name}.*"
    for name in (
        "listing_decisions", "verify_answers", "duplicate_answers", "status_answers", "contact_attempts",
        "public_suggestions",
    )
)  # fmt: skip
_WHICH = tuple(
    f"accepted.{name}.{column}"
    for name, columns in {
        "listing_decisions": ("event_code", "decided_at", "role_code"),
        "verify_answers": ("stage_code", "outcome_code", "rated_at", "rated_by", "is_undone"),
        "duplicate_answers": ("outcome_code", "survivor_id", "decided_at", "is_withdrawn"),
        "status_answers": ("event_code", "outcome_code", "restores_version", "rated_at", "is_undone"),
    }.items()
    for column in columns
)
"""What decides which versions of a listing there are."""
_CRITICAL = "lookup.critical_fields.*"
_ROW = "accepted.source_listings.*"
_LISTING = "source_code || ':' || source_id"
_ASKED = "coalesce(nullif(record_id, ''), subject)"
_FIRST, _SECOND = "split_part(subject, '|', 1)", "split_part(subject, '|', 2)"


def _lists(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"accepted.source_listings.{column}" for column in columns)


def _content(column: str) -> tuple[str, ...]:
    """What a column of a listing is made of: what lists say, and what was decided since."""
    answered = () if column in _NOT_ASKED else ("verify_answers", "duplicate_answers")
    decided = ("accepted.listing_decisions.content", *(f"accepted.{name}.{column}" for name in answered))
    # Which version comes back is the whole of that answer.
    restored = "accepted.status_answers.restores_version"
    geocoded = ("accepted.geocodes.*",) if column in ("latitude", "longitude") else ()
    return (*_lists(_SAID[column]), *_WORDS.get(column, ()), *geocoded, *decided, restored)


def _by_origin(column: str) -> tuple[Rows, ...]:
    """The row that an id in `column` names, as `origins` and `decisions` write them."""
    split = tuple(
        Rows("accepted.duplicate_answers", {column: f"'duplicate:' || decision_id || ':' || {part}"})
        for part in (_FIRST, _SECOND)
    )
    return (
        Rows("accepted.source_listings", {column: f"'list:' || {_LISTING}"}),
        Rows("accepted.geocodes", {column: "'geocode:' || geocoder_code || ':' || address_key"}),
        Rows("accepted.listing_decisions", {column: "decision_id"}),
        Rows("accepted.verify_answers", {column: "'verify:' || rating_id"}),
        Rows("accepted.verify_answers", {column: "'verify:' || rating_id || ':call'"}),
        Rows("accepted.status_answers", {column: "'status:' || rating_id"}),
        Rows("accepted.contact_attempts", {column: "'contact:' || contact_id"}),
        Rows("accepted.contact_attempts", {column: "'contact:' || contact_id || ':call'"}),
        Rows("accepted.public_suggestions", {column: "'suggestion:' || suggestion_id"}),
        Rows("accepted.duplicate_answers", {column: "'duplicate:' || decision_id"}),
        *split,
    )


def _of_listing(column: str = "listing_id") -> tuple[Rows, ...]:
    """Everything about a listing: its row in a list, and every decision on it."""
    return (
        Rows("accepted.source_listings", {column: _LISTING}),
        Rows("accepted.listing_decisions", {column: "listing_id"}),
        Rows("accepted.listing_decisions", {column: "other_listing_id"}),
        Rows("accepted.verify_answers", {column: _ASKED}),
        Rows("accepted.duplicate_answers", {column: _FIRST}),
        Rows("accepted.duplicate_answers", {column: _SECOND}),
        Rows("accepted.status_answers", {column: "split_part(subject, '#', 1)"}),
        Rows("accepted.contact_attempts", {column: "record_id"}),
        Rows("accepted.public_suggestions", {column: "record_id"}),
    )


def _same(table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Rows], **own: Sequence[str]) -> Made:
    """A table whose columns are all made of the same, but for some. Of versions, also what decides which there are."""
    which = _WHICH if "version_number" in key else ()
    return Made(tuple(key), {name: own.get(name, columns) for name in TABLES[table].names}, rows, which)


_VERSION = {"listing_id": "listing_id", "version_number": "version_number"}
_SAYS = "list_contains(column_names, '{column}') OR '{column}' IN ('listing_id', 'version_number')"
_ROW_OF_LIST = (Rows("accepted.source_listings", {"listing_id": _LISTING}),)
_NUMBER = (*_ID, *_STEPS)
_POINT = tuple(dict.fromkeys((*_content("latitude"), *_content("longitude"))))

LINEAGE: Mapping[str, Made] = {
    "days": _same("days", ("day_on",), ("accepted.run_days.day_on",), (Rows("accepted.run_days", {"day_on": "day_on"}),)),
    "known": Made(
        ("listing_id",),
        {
            "listing_id": _ID,
            "source_code": ("accepted.source_listings.source_code",),
            "name": (*_lists(_SAID["name"]), *_WORDS["name"]),
            "disagreement_count": (_ROW, "accepted.geocodes.*"),
            "modified_at": ("accepted.source_listings.source_modified",),
        },
        _ROW_OF_LIST,
    ),
    "contents": Made(
        ("listing_id", "version_number"),
        {
            "listing_id": _NUMBER,
            "version_number": _STEPS,
            "point_quality_code": (*_POINT, *_STEPS),
            "service_area_code": (*_POINT, "accepted.service_areas.*"),
            **{column: _content(column) for column in CONTENT},
        },
        (
            Rows("prepared.origins", _VERSION, where=_SAYS),
            Rows("accepted.service_areas", {"service_area_code": "area_code"}, where="'{column}' = 'service_area_code'"),
        ),
        which=_WHICH,
    ),
    "schedules": _same(
        "schedules", ("listing_id", "version_number", "schedule_number"), _content("hours_text"),
        (Rows("prepared.origins", _VERSION, where="list_contains(column_names, 'hours_text')"),),
        listing_id=_NUMBER, version_number=_STEPS, timezone=(_POLICY,),
    ),
    "states": _same(
        "states", ("listing_id",), (*_STEPS, "accepted.open_questions.*"), _of_listing(),
        listing_id=_NUMBER,
        **dict.fromkeys(
            ("critical_field_count", "confirmed_field_count", "confirmed_share", "is_ready_to_approve", "changed_critical_count"),
            (_ROW, *_STEPS, _CRITICAL, "accepted.geocodes.*"),
        ),
    ),
    "versions": _same(
        "versions", ("listing_id", "version_number"), _STEPS, _by_origin("decision_id"), listing_id=_NUMBER
    ),
    "fields": _same(
        "fields", ("listing_id", "field_code"), _STEPS, _by_origin("origin_id"),
        listing_id=_NUMBER,
        field_code=(_CRITICAL,),
        state_code=(_ROW, *_STEPS, "accepted.geocodes.*"),
        value_text=(_ROW, *_STEPS),
        is_stale=(*_STEPS, _CRITICAL, "accepted.run_days.day_on"),
        is_critical=("accepted.source_listings.source_inactive", *_lists(_SAID["status_code"]), *_STEPS, _CRITICAL),
    ),
    "origins": _same(
        "origins", ("listing_id", "version_number", "origin_id"), (_ROW, *_STEPS, "accepted.geocodes.*"),
        (
            *_by_origin("origin_id"),
            # What cleaning changed of a list's row belongs to its word.
            Rows("prepared.fixes", {"origin_id": "'list:' || listing_id"}, where="field_name = '{column}'"),
        ),
    ),
    "findings": _same(
        "findings", ("listing_id", "check_code", "field_code", "finding_number"),
        (
            _ROW, *_STEPS, "accepted.website_checks.*", "accepted.geocodes.*", "accepted.service_areas.*",
            "accepted.run_days.day_on", _POLICY, _CRITICAL, *(f"lookup.{name}.*" for name in (
                "acronyms", "street_words", "states", "zip_states", "categories", "category_words")),
        ),
        _ROW_OF_LIST,
        listing_id=_ID, severity_code=("lookup.listing_checks.severity_code",),
    ),
    "fixes": replace(
        _same(
            "fixes", ("listing_id", "field_name", "rule_code"),
            (
                _ROW, _POLICY, "lookup.acronyms.*", "lookup.street_words.*", "lookup.states.*", "lookup.categories.*",
                "lookup.category_words.*",
            ),
            _ROW_OF_LIST,
            listing_id=_ID,
        ),
        shown=("old_value", "new_value"),
    ),
    "pairs": _same(
        "pairs", ("listing_id", "other_listing_id"), (_ROW, _POLICY, "accepted.geocodes.*"),
        (*_ROW_OF_LIST, Rows("accepted.source_listings", {"other_listing_id": _LISTING})),
        listing_id=_ID, other_listing_id=_ID, decision_code=(*_STEPS, *_ID),
    ),
    "contacts": Made(
        ("listing_id",),
        {
            "listing_id": _ID,
            "email_all": _lists(("email",)),
            **{name: _lists((name,)) for name in TABLES["contacts"].names if name not in ("listing_id", "email_all")},
        },
        _ROW_OF_LIST,
    ),
    "refused": _same(
        "refused", ("listing_id", "decision_id"), _STEPS, _by_origin("decision_id"), listing_id=_NUMBER
    ),
}  # fmt: skip
