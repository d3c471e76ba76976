"""What people report in Marisol, how often, how it ends: the distributions behind generated requests.

Belongs here: shares, values, durations as data. Does not belong here: the drawing of random numbers. The values and
shares of the legacy system are those documented and measured for the real city; of the Cases system only the values the
domain notes list are documented, the rest of its 62 types are plausible inventions.
"""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Kind311:
    """One request type. `days` = (share closed at once, median days, sigma of the log) of its time to close."""

    name: str
    share: float
    owner: str
    days: tuple[float, float, float]
    sources: dict[str, float] = field(default_factory=dict)
    never_closed: float = 0.0002
    service: str = "later"  # ServiceDate: "later", "earlier" (crews log afterwards), "none"


_CALLS = {"Call": 0.56, "Mobile App": 0.22, "Self Service": 0.18, "Driver Self Report": 0.035, "Email": 0.004}

LEGACY_TYPES: Final = (
    Kind311("Bulky Items", 0.452, "BOS", (0.02, 3.6, 0.6), _CALLS),
    Kind311(
        "Graffiti Removal", 0.245, "OCB", (0.5, 1.6, 1.1),
        {"Driver Self Report": 0.56, "Mobile App": 0.23, "Self Service": 0.15, "Call": 0.06}, service="earlier",
    ),
    Kind311("Illegal Dumping Pickup", 0.092, "BOS", (0.05, 3.8, 0.9), _CALLS | {"Driver Self Report": 0.15}),
    Kind311("Metal/Household Appliances", 0.083, "BOS", (0.01, 4.2, 0.5), _CALLS),
    Kind311("Homeless Encampment", 0.036, "BOS", (0.0, 17.0, 1.5), {"Self Service": 0.4, "Call": 0.3, "Mobile App": 0.28,
                                                                   "Council's Office": 0.02}),
    Kind311("Electronic Waste", 0.037, "BOS", (0.01, 3.9, 0.55), _CALLS),
    Kind311("Dead Animal Removal", 0.02, "BOS", (0.0, 0.9, 1.0), _CALLS, service="none"),
    Kind311("Other", 0.015, "ITA", (0.0, 1.6, 0.7), {"Mobile App": 0.55, "Self Service": 0.4, "Email": 0.05}, 0.002, "none"),
    Kind311("Single Streetlight Issue", 0.009, "BSL", (0.0, 7.0, 1.3), {"Self Service": 0.5, "Call": 0.35, "Mobile App": 0.15},
            0.01, "later"),
    Kind311("Multiple Streetlight Issue", 0.006, "BSL", (0.0, 14.0, 1.4), {"Self Service": 0.5, "Call": 0.35,
                                                                          "Mobile App": 0.15}, 0.06, "later"),
    Kind311("Report Water Waste", 0.0015, "LADWP", (0.9, 0.01, 0.3), {"Mobile App": 0.6, "Self Service": 0.4}, 0.0, "none"),
    Kind311("Feedback", 0.0035, "ITA", (0.0, 1.5, 1.6), {"Mobile App": 0.5, "Self Service": 0.45, "Twitter": 0.05}, 0.25, "none"),
)  # fmt: skip

RARE_SOURCES: Final = ("Council's Office", "Voicemail", "Walk-in", "Letter", "Social", "Web Form", "Mayor's Office",
                       "Queue Initiated Customer Call", "City Attorney", "Fax", "Radio", "TTY/ NexTalk")  # fmt: skip
LEGACY_CANCELLED, LEGACY_REFERRED = 0.028, 0.0009
LEGACY_OPEN_STATUSES: Final = (("Open", 0.54), ("Pending", 0.43), ("Forward", 0.03))
ASSIGNEES: Final = ("WMY", "EMY", "NMY", "SMY", "HBY", "CCAC", "KYCC", "NEGB", "GAP", "CRCD")

_WEB = {"Self Service": 0.38, "Mobile App": 0.34, "Call": 0.22, "Email": 0.03, "Chat": 0.03}
_CREWS = {
    "Driver Self Report": 0.5,
    "Driver Self Reported": 0.06,
    "Mobile App": 0.26,
    "Self Service": 0.13,
    "Call": 0.05,
}

_CASE_MAIN: Final = (
    Kind311("Item Pickups", 0.335, "LASAN", (0.0, 4.0, 0.6), _WEB),
    Kind311("Information-Only", 0.23, "ITA", (1.0, 0.0, 0.0), {"Call": 0.9, "Chat": 0.06, "Email": 0.04}, 0.0),
    Kind311("Graffiti Removal", 0.16, "OCB - Normal Cases", (0.45, 2.0, 1.0), _CREWS),
    Kind311("Illegal Dumping Item Pickup", 0.085, "LASAN", (0.03, 4.0, 0.9), _WEB | {"Driver Self Report": 0.1}),
    Kind311("Homeless Encampment", 0.034, "LSD", (0.0, 19.0, 1.4), _WEB, 0.004),
    Kind311("Service Not Complete", 0.03, "LASAN", (0.0, 2.0, 0.7), _WEB),
    Kind311("Streetlight Repair Services", 0.024, "BSL", (0.0, 16.0, 1.3), _WEB, 0.02),
    Kind311("Dead Animal Removal", 0.02, "LASAN", (0.0, 0.8, 1.0), _WEB),
    Kind311("Feedback", 0.006, "ITA", (0.0, 2.0, 1.4), _WEB, 0.1),
    Kind311("Program Research", 0.003, "IED", (0.0, 3.0, 1.0), _WEB, 0.05),
)

_CASE_MINOR: Final = (
    "Street Tree Inspection", "Tree Trimming", "Fallen Tree or Branch", "Tree Root Damage", "Pothole Repair",
    "Sidewalk Repair", "Curb Repair", "Street Sweeping", "Weed Abatement", "Bus Bench Maintenance", "Bus Shelter Repair",
    "Park Maintenance", "Park Restroom Cleaning", "Playground Repair", "Water Leak", "Water Waste Report",
    "Storm Drain Blockage", "Sewer Odor", "Sewer Overflow", "Traffic Signal Repair", "Traffic Sign Missing",
    "Crosswalk Request", "Speed Hump Request", "Abandoned Vehicle", "Oversized Vehicle", "Blocked Driveway",
    "Street Vending", "Noise Complaint", "Building Code Complaint", "Vacant Building", "Construction Hours Complaint",
    "Illegal Sign Removal", "Banner Permit", "Block Party Permit", "Film Permit Question", "Container Request",
    "Container Repair", "Container Removal", "Extra Capacity Request", "Compost Bin Request", "Recycling Question",
    "Hazardous Waste Question", "Dead Bird Report", "Loose Animal", "Animal Noise", "Scooter Parking",
    "Bike Lane Obstruction", "Graffiti Paint Request", "Alley Cleanup", "Homeless Outreach Request",
    "Shopping Cart Removal", "Accessibility Request",
)  # fmt: skip
_MINOR_OWNERS: Final = ("UFD", "BSS - SMD", "RAP - Construction", "LADOT", "LADBS", "BOE", "LAAS", "IED")
_MINOR_SHARE: Final = (1.0 - sum(k.share for k in _CASE_MAIN)) / len(_CASE_MINOR)
CASE_TYPES: Final = _CASE_MAIN + tuple(
    Kind311(name, _MINOR_SHARE, _MINOR_OWNERS[i % len(_MINOR_OWNERS)], (0.02, 6.0 + i % 9, 1.1), _WEB, 0.01)
    for i, name in enumerate(_CASE_MINOR)
)

CASE_RARE_SOURCES: Final = ("Web", "Phone", "Walk-in", "Council's Office", "Mayor's Office", "Letter", "Social", "Voicemail",
                            "City Attorney", "Fax", "Radio", "Twitter")  # fmt: skip
# Closed cases end in one of these; "Reported" carries a ClosedDate too, "Workorder Created" never does.
CASE_CLOSED_STATUSES: Final = (
    ("Closed", 0.915), ("Reported", 0.02), ("Cancelled", 0.03), ("Closed Ext-Referred", 0.012), ("Duplicate Confirm", 0.023),
)  # fmt: skip
CASE_OPEN_STATUSES: Final = (
    ("New", 0.22), ("In Progress", 0.3), ("Workorder Created", 0.44), ("Potential Duplicate", 0.04),
)  # fmt: skip
CASE_RESOLUTIONS: Final = ("AR-Request Completed", "C-Closed", "QC-Item Not Out", "C-Report has been received", "DUP-Existing",
                           "AR-Referred to Partner", "QC-Gone on Arrival", "C-Unable to Locate")  # fmt: skip
CASE_RESOLUTION_WEIGHTS: Final = (0.52, 0.2, 0.07, 0.09, 0.03, 0.04, 0.03, 0.02)
CASE_ACTIONS: Final = ("SR Created", "Information Provided", "Warm Transfer", "Referred to Agency", "Message Taken")
CASE_REASONS: Final = ("Item Not Out", "Blocked Access", "Wrong Address", "Weather Delay")
CASE_STAFF_OWNERS: Final = ("Mercer Alvane", "Tova Brightwater", "Lucan Estrada-Poe", "TEST 01", "TEST QA")

# Relative number of requests by weekday (Monday first), hour of the day, month.
WEEKDAYS: Final = (1.25, 1.2, 1.15, 1.1, 1.05, 0.62, 0.5)
HOURS: Final = (6, 4, 3, 3, 4, 9, 18, 45, 95, 118, 122, 115, 98, 96, 104, 103, 82, 60, 42, 33, 25, 20, 15, 10)
MONTHS: Final = (1.0, 0.96, 1.0, 0.98, 1.02, 1.06, 1.12, 1.1, 1.03, 1.0, 0.92, 0.88)

UNKNOWN_TYPES: Final = ("Drone Noise", "Sidewalk Robot Blocking Way")
UNKNOWN_STATUSES: Final = ("Awaiting Parts", "Merged")
UNKNOWN_SOURCES: Final = ("Chatbot", "Smart Speaker")
