"""Made-up proper names of the city of Marisol: councils, regions, streets, people, police areas.

Belongs here: word lists. Does not belong here: what is done with them. Nobody and nothing named here exists; the forms
("... NC", "... CC", "VOICES OF 90017", all capitals) are those of real council names, because cleaning rules stumble
over forms.
"""

from typing import Final

CITY_NAME: Final = "City of Marisol"

COUNCIL_NAMES: Final = (
    "ALDER GLEN NC", "BRISA PARK NC", "CANYON ROSE NC", "DUNE HEIGHTS NC", "EAST MARISOL NC", "FOXTAIL NC",
    "GRANITE HILLS NORTH NC", "HARROW PARK NC", "IRONWOOD NC", "JUNIPER VALLEY NC", "KESTREL CANYON NC",
    "LINDERO NC", "MESA VERDANT NC", "NC VALLEY ORCHARD", "OLD MISSION NC", "PALOMA - MIDTOWN NC", "QUAIL CREEK NC",
    "ROSEWATER NC", "SAN TELMO CC", "TIERRA ALTA NC", "UPPER RIVERBEND NC", "VOICES OF 90017", "WEST MARISOL NC",
    "CROSSROADS NC", "YARROW HILLS NC", "ZANJA NC", "ARROYO LARGO NC", "BAYSIDE CC", "CENTRAL MARISOL NC",
    "DEL VIENTO NC", "ELM TERRACE NDC", "HISTORIC NORTH WHARF NC", "GREATER LAGUNA NC", "HARBOR GATE NC",
    "INLET VILLAGE NC", "JETTY ROW NC", "KELP COVE CC", "LIGHTHOUSE NC", "MARSH LANDING NC",
    "UNITED NEIGHBORS OF THE OLD ORCHARD, MILL ROW, AND STATION PARK COMMUNITY", "PORT OF MARISOL NC",
    "POINT SERENA NC",
)  # fmt: skip

REGION_NAMES: Final = (
    "NORTH WEST HILLS", "NORTH CANYON", "NORTH EAST HILLS", "UPPER VALLEY", "WEST SIDE", "CENTRAL 1", "CENTRAL 2",
    "EAST SIDE", "SOUTH WEST SHORE", "SOUTH MARISOL 1", "SOUTH MARISOL 2", "HARBOR",
)  # fmt: skip

STREET_NAMES: Final = (
    "ABALONE", "ACACIA", "AGAVE", "ALAMEDA", "ALBION", "ALMOND", "AMBER", "ANCHOR", "APRICOT", "ARBOR", "ARCADE",
    "ASTER", "AVALON", "AZALEA", "BALSAM", "BARLEY", "BASIN", "BEACON", "BELLFLOWER", "BERYL", "BIRCH", "BISCAY",
    "BLUEBELL", "BOBCAT", "BORAGE", "BRAMBLE", "BRIAR", "BUCKEYE", "BUTTE", "CABRILLA", "CALICO", "CAMELLIA", "CANNERY",
    "CARDINAL", "CAROB", "CASCADE", "CEDAR", "CHANNEL", "CHAPARRAL", "CHERVIL", "CITRINE", "CLOVER", "COBALT", "COLUMBINE",
    "CONDOR", "COPPER", "CORAL", "CORMORANT", "COTTONWOOD", "COVE", "COYOTE", "CRESCENT", "CURLEW", "CYPRESS", "DAHLIA",
    "DAMSON", "DELTA", "DOGWOOD", "DOVE", "DRIFTWOOD", "EGRET", "ELDER", "EMBARCADERO", "ESTUARY", "FALCON", "FENNEL",
    "FERN", "FIG", "FINCH", "FLINT", "FOUNDRY", "FUCHSIA", "GALENA", "GARNET", "GINGER", "GOLDENROD", "GRANADA", "GROVE",
    "GULL", "HARVEST", "HAWTHORN", "HAZEL", "HERON", "HICKORY", "HOLLY", "HORIZON", "INDIGO", "IRIS", "IVY", "JACARANDA",
    "JADE", "JASMINE", "JAY", "KELP", "KINGFISHER", "LAGUNA", "LANTANA", "LARK", "LARKSPUR", "LAUREL", "LAVENDER", "LEMON",
    "LILAC", "LINDEN", "LOBELIA", "LOQUAT", "LUPINE", "MADRONE", "MAGNOLIA", "MALLARD", "MANZANITA", "MAPLE", "MARIGOLD",
    "MARINER", "MARLIN", "MEADOW", "MESQUITE", "MIMOSA", "MINT", "MIRADOR", "MULBERRY", "MYRTLE", "NECTARINE", "NUTMEG",
    "OAK", "OLEANDER", "OLIVE", "ONYX", "OPAL", "ORCHID", "OSPREY", "OTTER", "PACIFICA", "PALM", "PARADE", "PEACH", "PEARL",
    "PELICAN", "PEPPER", "PERIWINKLE", "PETREL", "PIÑON", "PLOVER", "PLUM", "POPPY", "PRIMROSE", "QUARRY", "QUARTZ",
    "QUINCE", "RAVEN", "REDWOOD", "RIDGE", "ROSEMARY", "RUSHES", "SABLE", "SAFFRON", "SAGE", "SALTMARSH", "SANDPIPER",
    "SEQUOIA", "SHALE", "SORREL", "SPRUCE", "STARLING", "SUMAC", "SWALLOW", "SYCAMORE", "TAMARIND", "TANAGER", "TEAL",
    "TERN", "THISTLE", "THYME", "TIDE", "TOPAZ", "TULIP", "VERBENA", "VIOLET", "WALNUT", "WHARF", "WILLOW", "WISTERIA",
    "WREN", "YUCCA", "ZEPHYR", "ZINNIA",
)  # fmt: skip

SUFFIXES: Final = ("AVE", "ST", "BLVD", "DR", "PL", "ROAD", "WAY", "LANE", "CT", "TER", "CIR", "HWY", "AV")
SUFFIX_WEIGHTS: Final = (0.37, 0.36, 0.12, 0.045, 0.04, 0.014, 0.013, 0.006, 0.005, 0.005, 0.004, 0.003, 0.015)

# Two generations of council members, index 0 = district 1. Members changed when the newer district plan came in.
MEMBERS_OLD: Final = (
    "Imogen Vale", "Teodoro Ruiz-Ames", "Priya Lindqvist", "Marcus D. Hollow Jr.", "Ana Quiñones", "Wendell O'Shea",
    "Soledad Marsh", "Hye-jin Arden", "Rufus Tamblyn",
)  # fmt: skip
MEMBERS_NEW: Final = (
    "Imogen Vale", "Leocadia Brandt", "Priya Lindqvist", "Desmond Achterberg", "Ana Quiñones", "Joaquin Fairweather",
    "Soledad Marsh", "Odalys Penn", "Bartholomew Kyei",
)  # fmt: skip

PRECINCTS: Final = (
    "NORTH HILLS", "CANYON", "FOXTAIL", "VALLEY", "WEST MARISOL", "CENTRAL", "77TH STREET", "EAST SIDE", "MISSION",
    "SOUTHWEST", "SOUTHEAST", "HARBOR",
)  # fmt: skip

PLANNING_AREAS: Final = (
    "North Valley APC", "South Valley APC", "Central APC", "East Marisol APC", "West Marisol APC", "South Marisol APC",
    "Harbor APC",
)  # fmt: skip
