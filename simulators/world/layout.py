"""The column layouts of the published 311 datasets, name by name, and how one value looks in each form of answer.

Belongs here: header, API field name, kind of every column of both eras, and the SQL that prints a stored value. Does not
belong here: values. Sources: domain notes on the portal's datasets, sections 1.2 (legacy) and 1.3 (Cases).

Portal export and API differ on purpose, as they do in Socrata: `rows.csv` has friendly headers and
`MM/DD/YYYY hh:mm:ss AM` local text, the API has field names and floating timestamps.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["text", "date", "number", "checkbox", "point", "location", "none"]
System = Literal["legacy", "cases"]

# The API's own names of the kinds, as in the X-SODA2-Types header and in a view's column list.
SODA_TYPES: Final[dict[str, str]] = {
    "text": "text", "date": "floating_timestamp", "number": "number", "checkbox": "checkbox", "point": "point",
    "location": "location", "none": "text",
}  # fmt: skip
VIEW_TYPES: Final[dict[str, str]] = SODA_TYPES | {"date": "calendar_date"}


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Column:
    """One column of a dataset: `header` in the portal's CSV, `field` in the API; `stored` is an SQL expression.

    `stored` is typed (TIMESTAMP, DOUBLE, BIGINT, BOOLEAN, VARCHAR). `exact` is set where the original text must be
    served back unchanged (datasets made from a given CSV file): an SQL expression of the portal's text.
    """

    header: str
    field: str
    kind: Kind
    stored: str
    exact: str | None = None

    def portal_text(self) -> str:
        """SQL of the value in `rows.csv`, NULL where empty."""
        if self.exact is not None:
            return self.exact
        if self.kind == "date":
            return f"strftime({self.stored}, '%m/%d/%Y %I:%M:%S %p')"
        return self.api_text()

    def api_text(self) -> str:
        """SQL of the value in `/resource/x.csv`, NULL where empty."""
        if self.kind == "date":
            return f"strftime({self.stored}, '%Y-%m-%dT%H:%M:%S.000')"
        if self.kind == "point":
            return "CASE WHEN Latitude IS NOT NULL THEN 'POINT (' || Longitude || ' ' || Latitude || ')' END"
        if self.kind == "location":
            return "CASE WHEN Latitude IS NOT NULL THEN '(' || Latitude || ', ' || Longitude || ')' END"
        if self.kind == "none":
            return "CAST(NULL AS VARCHAR)"
        if self.kind == "text":
            return self.stored
        if self.kind == "number" and self.exact is not None:
            return self.exact
        return f"CAST({self.stored} AS VARCHAR)"


def _stored(header: str, kind: Kind) -> str:
    return {"point": "CAST(NULL AS VARCHAR)", "location": "CAST(NULL AS VARCHAR)", "none": "CAST(NULL AS VARCHAR)"}.get(
        kind, quoted(header)
    )


LEGACY_HEADERS: Final = (
    "SRNumber", "CreatedDate", "UpdatedDate", "ActionTaken", "Owner", "RequestType", "Status", "RequestSource",
    "CreatedByUserOrganization", "MobileOS", "Anonymous", "AssignTo", "ServiceDate", "ClosedDate", "AddressVerified",
    "ApproximateAddress", "Address", "HouseNumber", "Direction", "StreetName", "Suffix", "ZipCode", "Latitude",
    "Longitude", "Location", "TBMPage", "TBMColumn", "TBMRow", "APC", "CD", "CDMember", "NC", "NCName", "PolicePrecinct",
)  # fmt: skip

_LEGACY_KINDS: Final[dict[str, Kind]] = {
    "CreatedDate": "date", "UpdatedDate": "date", "ServiceDate": "date", "ClosedDate": "date", "HouseNumber": "number",
    "Latitude": "number", "Longitude": "number", "TBMPage": "number", "TBMRow": "number", "CD": "number", "NC": "number",
}  # fmt: skip

# Header in the portal's CSV, field in the API, kind.
_CASES: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("CaseNumber", "casenumber", "text"),
    ("CreatedDate", "createddate", "date"),
    ("ClosedDate", "closeddate", "date"),
    ("UpdatedDate", "systemmodstamp", "date"),
    ("ActionTaken", "action_taken__c", "text"),
    ("Owner", "department_name__c", "text"),
    ("RequestType", "type", "text"),
    ("Status", "status", "text"),
    ("RequestSource", "origin", "text"),
    ("CreatedByUserOrganization", "created_by_user_organization", "text"),
    ("Anonymous", "reported_anonymously__c", "checkbox"),
    ("AssignTo", "assigned_to__c", "text"),
    ("ServiceDate", "service_date__c", "date"),
    ("DateServiceRendered", "date_service_was_rendered", "date"),
    ("ReasonCode", "reason_code__c", "text"),
    ("ResolutionCode", "resolution_code__c", "text"),
    ("Address", "locator_gis_returned_address", "text"),
    ("HouseNumber", "locator_sr_house_number_", "text"),
    ("Direction", "locator_direction_suffix", "text"),
    ("StreetName", "locator_sr_street_name__c", "text"),
    ("Suffix", "locator_service_request_suffix", "text"),
    ("ZipCode", "zipcode__c", "text"),
    ("Latitude", "geolocation__latitude__s", "number"),
    ("Longitude", "geolocation__longitude__s", "number"),
    ("Location", "location", "none"),
    ("TBMPage", "locator_sr_tb_map_grid_page", "text"),
    ("TBMColumn", "locator_sr_tb_column__c", "text"),
    ("TBMRow", "locator_sr_tb_row__c", "text"),
    ("APC", "locator_sr_area_planning", "text"),
    ("CD", "locator_council_district", "text"),
    ("CDMember", "locator_sr_council_district", "text"),
    ("NC", "locator_sr_neigborhood_council", "text"),
    ("NCName", "locator_sr_neigborhood_council_1", "text"),
    ("PolicePrecinct", "locator_sr_community_police", "text"),
)

FIRST_YEAR_WITH_ORGANIZATION: Final = 2019


def columns_of(system: System, year: int) -> tuple[Column, ...]:
    """The columns of a year's dataset in their published order: 33 (2015-2018) or 34."""
    if system == "cases":
        return tuple(Column(h, f, k, _stored(h, k)) for h, f, k in _CASES)
    out = []
    for header in LEGACY_HEADERS:
        if header == "CreatedByUserOrganization" and year < FIRST_YEAR_WITH_ORGANIZATION:
            continue
        kind: Kind = _LEGACY_KINDS.get(header, "text")
        if header == "Location":
            kind = "location" if year < 2018 else "point"
        out.append(Column(header, header.lower(), kind, _stored(header, kind)))
    return tuple(out)


def key_of(system: System) -> str:
    """Header of the column that identifies a request."""
    return "SRNumber" if system == "legacy" else "CaseNumber"
