"""A small picture of where something is: the places of a task to scale, without tiles or any other host.

Belongs here: from longitudes and latitudes to points of a drawing. Does not belong here: maps of products (`products/*/pages`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, MARGIN = 320.0, 200.0, 28.0
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG)."""
_LEAST_SPAN_M = 200.0
"""A single place is shown as if its surroundings were so wide."""


@dataclass(frozen=True)
class Point:
    """One place in the drawing; `x` and `y` in its units from the upper left corner, `label` as in the list of evidence."""

    x: float
    y: float
    label: str
    title: str
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Picture:
    """A drawing of `WIDTH` times `HEIGHT` with a bar of known length."""

    points: tuple[Point, ...]
    bar_length: float
    bar_words: str
    apart_words: str
    """How far the farthest two are apart; nothing for a single place."""
    width: float = WIDTH
    height: float = HEIGHT


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Distance of two places (longitude, latitude in degrees) on a sphere, in metres (haversine formula)."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))


def picture_of(shown: Mapping[str, Any]) -> Picture | None:
    """The places of what a person is shown of a task: its own, and those of evidence that says where it is."""
    found: list[tuple[str, str, float, float]] = []
    own = shown.get("place")
    if own and (place := _place(own[0], own[1])):
        found.append(("", "the place in question", *place))
    for number, item in enumerate(shown.get("evidence") or (), start=1):
        values = item.get("values") or {}
        if place := _place(values.get("longitude"), values.get("latitude")):
            found.append((str(number), str(item.get("title", "")), *place))
    return _picture(found) if found else None


def _place(longitude: Any, latitude: Any) -> tuple[float, float] | None:
    try:
        found = float(longitude), float(latitude)
    except (TypeError, ValueError):
        return None
    return found if -180 <= found[0] <= 180 and -85 <= found[1] <= 85 else None


def _picture(found: list[tuple[str, str, float, float]]) -> Picture:
    middle_lon = (min(item[2] for item in found) + max(item[2] for item in found)) / 2
    middle_lat = (min(item[3] for item in found) + max(item[3] for item in found)) / 2
    a_degree = math.radians(1) * EARTH_RADIUS_M
    flat = [
        ((lon - middle_lon) * a_degree * math.cos(math.radians(middle_lat)), (lat - middle_lat) * a_degree)
        for *_, lon, lat in found
    ]
    room = min((WIDTH - 2 * MARGIN), (HEIGHT - 2 * MARGIN))
    span = max(_LEAST_SPAN_M, *(2 * max(abs(x), abs(y)) for x, y in flat), 0.0)
    scale = room / span
    points = tuple(
        Point(round(WIDTH / 2 + x * scale, 1), round(HEIGHT / 2 - y * scale, 1), label, title, lon, lat)
        for (label, title, lon, lat), (x, y) in zip(found, flat, strict=True)
    )
    bar = _round_length(span / 4)
    apart = max(
        (metres_between((a[2], a[3]), (b[2], b[3])) for index, a in enumerate(found) for b in found[index + 1 :]),
        default=0.0,
    )
    return Picture(points, round(bar * scale, 1), length(bar), length(apart) if len(found) > 1 else "")


def _round_length(metres: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above."""
    power: float = 10.0 ** math.floor(math.log10(metres))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= metres * (1 + 1e-9))


def length(metres: float) -> str:
    """A length in words a person can picture."""
    if metres < 1000:
        return f"{metres:.0f} m"
    return f"{metres / 1000:.1f} km" if metres < 10_000 else f"{metres / 1000:.0f} km"
