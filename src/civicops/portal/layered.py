"""A layered drawing: boxes in columns from left to right, lines between them.

Belongs here: placing boxes so that lines cross little and nothing overlaps. Does not belong here: what the boxes are (`lineage`).

Within a column boxes stand at the average height of what they are joined to (the barycentre, Sugiyama et al. 1981), four sweeps
there and back; that is good enough for the dozens of boxes that a person can read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 190, 54
"""Of a box, in CSS pixels."""
GAP_X, GAP_Y = 60, 14
_MARGIN = 6
_SWEEPS = 4


@dataclass(frozen=True)
class Box:
    """Something to draw: `group` decides its looks, `layer` its column, `link` where it leads ('' for nowhere)."""

    id: str
    group: str
    title: str
    note: str
    layer: int
    link: str = ""
    is_focus: bool = False


@dataclass(frozen=True)
class Placed:
    """A box with the place of its upper left corner."""

    box: Box
    x: int
    y: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The title in at most two lines that fit."""
        return fitted(self.box.title, 24)

    @property
    def place(self) -> str:
        """The value of SVG's `transform`; ready, because templates write numbers for people."""
        return f"translate({self.x} {self.y})"

    @property
    def note(self) -> str:
        """The small words below, cut where they do not fit."""
        return self.box.note if len(self.box.note) <= 30 else self.box.note[:29] + "…"


@dataclass(frozen=True)
class Drawing:
    """A finished drawing, in CSS pixels; `lines` are paths of SVG."""

    boxes: tuple[Placed, ...]
    lines: tuple[str, ...]
    width: int
    height: int

    @property
    def size(self) -> tuple[str, str]:
        """Width and height as SVG wants them."""
        return str(self.width), str(self.height)


def drawn(boxes: Sequence[Box], lines: Sequence[tuple[str, str]]) -> Drawing:
    """Place boxes and lines (from id, to id). Lines to boxes that are not drawn are left out."""
    columns: dict[int, list[Box]] = {}
    for box in boxes:
        columns.setdefault(box.layer, []).append(box)
    known = {box.id for box in boxes}
    pairs = sorted({(one, other) for one, other in lines if one in known and other in known and one != other})
    order = _ordered([columns[layer] for layer in sorted(columns)], pairs)
    tallest = max((len(column) for column in order), default=0)
    height = tallest * (HEIGHT + GAP_Y) - GAP_Y if tallest else 0
    placed: dict[str, Placed] = {}
    for number, column in enumerate(order):
        top = (height - (len(column) * (HEIGHT + GAP_Y) - GAP_Y)) // 2
        for row, box in enumerate(column):
            x, y = _MARGIN + number * (WIDTH + GAP_X), _MARGIN + top + row * (HEIGHT + GAP_Y)
            placed[box.id] = Placed(box, x, y)
    width = len(order) * (WIDTH + GAP_X) - GAP_X + 2 * _MARGIN if order else 0
    paths = tuple(_path(placed[one], placed[other]) for one, other in pairs)
    return Drawing(tuple(placed.values()), paths, width, height + 2 * _MARGIN)


def fitted(text: str, length: int) -> tuple[str, ...]:
    """A text in one or two lines of so many characters, cut with an ellipsis where it is longer."""
    if len(text) <= length:
        return (text,)
    cut = text.rfind(" ", 0, length + 1)
    first, rest = (text[:cut], text[cut + 1 :]) if cut > 0 else (text[:length], text[length:])
    return first, rest if len(rest) <= length else rest[: length - 1] + "…"


def _ordered(columns: list[list[Box]], pairs: Sequence[tuple[str, str]]) -> list[list[Box]]:
    joined: dict[str, list[str]] = {}
    for one, other in pairs:
        joined.setdefault(one, []).append(other)
        joined.setdefault(other, []).append(one)
    for sweep in range(_SWEEPS):
        for number in range(len(columns)) if sweep % 2 == 0 else reversed(range(len(columns))):
            heights = {box.id: _share(row, column) for column in columns for row, box in enumerate(column)}
            here = {box.id for box in columns[number]}
            columns[number] = sorted(columns[number], key=lambda box: (_middle(box, joined, heights, here), box.id))
    return columns


def _share(row: int, column: Sequence[Box]) -> float:
    return (row + 0.5) / len(column)


def _middle(box: Box, joined: Mapping[str, Sequence[str]], heights: Mapping[str, float], here: set[str]) -> float:
    around = [heights[other] for other in joined.get(box.id, ()) if other not in here]
    return round(sum(around) / len(around), 6) if around else heights[box.id]


def _path(one: Placed, other: Placed) -> str:
    if one.x > other.x:
        one, other = other, one
    x1, y1, x2, y2 = one.x + WIDTH, one.y + HEIGHT // 2, other.x, other.y + HEIGHT // 2
    if x2 <= x1:  # in one column: round the side
        return f"M{x1} {y1}C{x1 + 30} {y1} {x1 + 30} {y2} {x1} {y2}"
    bend = (x2 - x1) // 2
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
