"""The city's boundary files and population table, as the portal publishes them.

Belongs here: GeoJSON with the portal's property names. Does not belong here: the shapes themselves (`city`).
"""

import json
from typing import Any

import shapely

from simulators.world.city import City

CRS84 = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}


def _collection(name: str, features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "name": name, "crs": CRS84, "features": features}


def _feature(properties: dict[str, Any], geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(geometry))}


def councils_geojson(city: City) -> dict[str, Any]:
    """The neighbourhood councils, properties named as in the real file (`NC_ID` is the code in 311 rows)."""
    features = []
    for number, council in enumerate(sorted(city.councils, key=lambda c: c.name), start=1):
        slug = "".join(x for x in council.name.lower() if x.isalnum())
        properties = {
            "OBJECTID": number,
            "NAME": council.name,
            "WADDRESS": f"http://www.{slug[:24]}.example/",
            "DWEBSITE": f"http://councils.marisol.example/{council.code}",
            "DEMAIL": f"nc{council.code}@marisol.example",
            "DPHONE": "555-0100",
            "NC_ID": council.code,
            "CERTIFIED": f"{2002 + council.code % 9}-0{1 + council.code % 9}-15T00:00:00Z",
            "TOOLTIP": council.name,
            "NLA_URL": f"reports/nc_reports.cfm?id={council.code}",
            "SERVICE_RE": council.region_name,
        }
        features.append(_feature(properties, council.geometry))
    return _collection("Neighborhood_Councils_(Certified)", features)


def districts_geojson(city: City, plan: str) -> dict[str, Any]:
    """One council district plan ("2012" or "2021") with its days of validity. Raises KeyError for another plan."""
    districts = city.districts_of(plan)
    if not districts:
        raise KeyError(plan)
    features = []
    for district in districts:
        properties = {
            "OBJECTID": district.number,
            "DISTRICT": str(district.number),
            "DIST_NAME": f"District {district.number}",
            "MEMBER": district.member,
            "PLAN": plan,
            "VALID_FROM": district.valid_from,
            "VALID_TO": district.valid_to,
        }
        features.append(_feature(properties, district.geometry))
    return _collection(f"City_Council_Districts_{plan}", features)


def population_rows(city: City) -> list[tuple[int, str, int]]:
    """(NC code, council name, people) by code."""
    return sorted((c.code, c.name, c.population) for c in city.councils)
