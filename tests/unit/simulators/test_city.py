"""The made-up ground: shapes that are legal, odd where they should be, and the same for the same seed."""

import numpy as np
import pytest
import shapely

from simulators.world.boundaries import councils_geojson, districts_geojson
from simulators.world.city import BBOX, LETTERS, OVERLAPS, district_number, letters_at, make_city
from simulators.world.places import GHOST, NOWHERE, make_places


@pytest.mark.parametrize("seed", [1, 7, 99])
def test_councils_are_valid_share_borders_and_are_odd_where_they_should_be(seed: int) -> None:
    city = make_city(seed)
    shapes = {c.letter: c.geometry for c in city.councils}
    assert len(shapes) == 42
    assert all(shapely.is_valid(g) for g in shapes.values())
    assert [k for k, g in shapes.items() if g.geom_type == "MultiPolygon"] == ["R"]
    assert [k for k, g in shapes.items() if any(p.interiors for p in getattr(g, "geoms", [g]))] == ["Y"]
    b = shapes["b"]
    assert b.area < 0.85 * b.convex_hull.area, "b is drawn concave"
    # Neighbours share their border vertex for vertex.
    mine = {tuple(x) for x in shapely.get_coordinates(shapes["A"])}
    theirs = {tuple(x) for x in shapely.get_coordinates(shapes["B"])}
    assert len(mine & theirs) >= 9
    assert shapes["A"].intersection(shapes["B"]).area == 0


def test_overlaps_are_exactly_the_listed_ones() -> None:
    shapes = {c.letter: c.geometry for c in make_city(7).councils}
    pairs = {
        frozenset((a, b)) for a in shapes for b in shapes if a < b and shapes[a].intersection(shapes[b]).area > 1e-12
    }
    expected = {frozenset((who, letters_at(row, col)[0])) for who, row, col, _ in OVERLAPS}
    assert pairs == expected


@pytest.mark.parametrize("plan", ["2012", "2021"])
def test_districts_tile_the_city_without_overlap_and_hold_every_place(plan: str) -> None:
    city, places = make_city(7), make_places(7)
    shapes = [d.geometry for d in city.districts_of(plan)]
    assert len(shapes) == 9
    union = shapely.union_all(shapes)
    assert sum(s.area for s in shapes) == pytest.approx(union.area, rel=1e-9)
    tree = shapely.STRtree(shapes)
    which, number = tree.query(shapely.points(places.lon, places.lat), predicate="within")
    assert len(which) == len(places.lon)
    assert (places.district[plan][which] == number + 1).all()


def test_the_two_plans_differ() -> None:
    assert any(district_number("2012", r, c) != district_number("2021", r, c) for r in range(12) for c in range(16))


def test_places_lie_in_the_councils_they_claim_by_an_independent_search() -> None:
    city, places = make_city(7), make_places(7)
    tree = shapely.STRtree([c.geometry for c in city.councils])
    which, council = tree.query(shapely.points(places.lon, places.lat), predicate="within")
    found: dict[int, set[int]] = {}
    for point, index in zip(which.tolist(), council.tolist(), strict=True):
        found.setdefault(point, set()).add(index)
    claimed = [{a, b} - {NOWHERE} for a, b in zip(places.letter.tolist(), places.second_letter.tolist(), strict=True)]
    assert [found.get(i, set()) for i in range(len(claimed))] == claimed
    share_nowhere = np.mean(places.letter == NOWHERE)
    assert 0.005 < share_nowhere < 0.03, "real cities: 1.1-1.6 % of points in no council"
    assert (places.source_letter == GHOST).any()


def test_codes_are_unique_with_holes_and_the_city_lies_in_its_box() -> None:
    city = make_city(7)
    codes = sorted(c.code for c in city.councils)
    assert len(set(codes)) == 42
    assert codes[-2:] == [127, 128]
    assert codes[-1] - codes[0] > 42, "not contiguous"
    west, south, east, north = shapely.total_bounds([c.geometry for c in city.councils])
    assert BBOX[0] < west < east < BBOX[2]
    assert BBOX[1] < south < north < BBOX[3]


def test_geojson_has_the_portals_properties_and_round_trips() -> None:
    city = make_city(7)
    councils = councils_geojson(city)
    assert councils["crs"]["properties"]["name"].endswith("CRS84")
    first = councils["features"][0]["properties"]
    assert list(first) == ["OBJECTID", "NAME", "WADDRESS", "DWEBSITE", "DEMAIL", "DPHONE", "NC_ID", "CERTIFIED", "TOOLTIP",
                           "NLA_URL", "SERVICE_RE"]  # fmt: skip
    by_code = {c.code: c for c in city.councils}
    for feature in councils["features"]:
        council = by_code[feature["properties"]["NC_ID"]]
        assert shapely.geometry.shape(feature["geometry"]).equals_exact(council.geometry, 0)
        assert feature["properties"]["SERVICE_RE"].startswith(f"REGION {council.region} - ")
    old, new = (districts_geojson(city, plan)["features"][0]["properties"] for plan in ("2012", "2021"))
    assert (old["VALID_TO"], new["VALID_FROM"], new["VALID_TO"]) == ("2022-12-11", "2022-12-12", None)
    with pytest.raises(KeyError):
        districts_geojson(city, "1999")


def test_seeds_differ_and_repeat() -> None:
    one, again, other = (councils_geojson(make_city(s)) for s in (7, 7, 8))
    make_city.cache_clear()
    assert councils_geojson(make_city(7)) == one == again
    assert other != one
    assert len(LETTERS) == 42
