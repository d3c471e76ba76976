/**
 * What is done request by request: the days at the ends of a date range, points for the map, density, choosing rows.
 *
 * Belongs here: passes over the rows of a month. Does not belong here: reading them (`store.ts`) or drawing them.
 */
import type { RowColumns } from "./format";
import { type Compiled, type MonthPart, type Vocabulary } from "./filters";
import type { Sums } from "./cube";

/** First and last day of the month that are chosen; null when none is. */
function days(part: MonthPart): readonly [number, number] | null {
    if (part === "out") return null;
    return part === "whole" ? [0, 255] : [part.first, part.last];
}

/** Add the chosen days of a month of which only some days are chosen. */
export function addRows(words: Vocabulary, rows: RowColumns, month: number, compiled: Compiled, sums: Sums): void {
    const span = days(compiled.months[month]);
    if (!span) return;
    const [first, last] = span;
    for (let i = 0; i < rows.day.length; i++) {
        if (rows.day[i] < first || rows.day[i] > last) continue;
        const sort = rows.kind[i] * words.statuses + rows.status[i];
        const place = rows.place[i];
        const passes = compiled.kindStatus[sort] === 0;
        if (compiled.place[place] === 0) {
            sums.kindStatus[sort]++;
            if (passes) sums.monthChosen[month]++;
        }
        if (passes) sums.place[place]++;
    }
}

/** A frame in quantised coordinates, ends included. */
export interface Frame {
    readonly west: number;
    readonly south: number;
    readonly east: number;
    readonly north: number;
}

/** Indices of the rows that pass every filter, newest day first; with a frame, only those with a point in it. */
export function chosen(rows: RowColumns, withPoint: number, compiled: Compiled, month: number, frame: Frame | null): Uint32Array {
    const span = days(compiled.months[month]);
    if (!span) return new Uint32Array(0);
    const [first, last] = span;
    const found: number[] = [];
    const end = frame ? withPoint : rows.day.length;
    for (let i = 0; i < end; i++) {
        if (rows.day[i] < first || rows.day[i] > last) continue;
        if (compiled.kind[rows.kind[i]] | compiled.place[rows.place[i]] | compiled.status[rows.status[i]]) continue;
        if (frame && (rows.x[i] < frame.west || rows.x[i] > frame.east || rows.y[i] < frame.south || rows.y[i] > frame.north)) continue;
        found.push(i);
    }
    return Uint32Array.from(found);
}

/** Row nearest to a spot among those that pass, and its squared distance; null when none lies within `reach`. */
export function nearest(
    rows: RowColumns, withPoint: number, compiled: Compiled, month: number,
    spot: { readonly x: number; readonly y: number; readonly reachX: number; readonly reachY: number },
): { readonly row: number; readonly distance: number } | null {
    const frame = { west: spot.x - spot.reachX, east: spot.x + spot.reachX, south: spot.y - spot.reachY, north: spot.y + spot.reachY };
    let best = -1;
    let distance = Infinity;
    for (const row of chosen(rows, withPoint, compiled, month, frame)) {
        const away = ((rows.x[row] - spot.x) / spot.reachX) ** 2 + ((rows.y[row] - spot.y) / spot.reachY) ** 2;
        if (away < distance) {
            best = row;
            distance = away;
        }
    }
    return best < 0 ? null : { row: best, distance };
}

/** Add the points that pass to a grid of `side` x `side` boxes over the frame. */
export function addDensity(rows: RowColumns, withPoint: number, compiled: Compiled, month: number, frame: Frame, side: number, grid: Uint32Array): void {
    const span = days(compiled.months[month]);
    if (!span) return;
    const [first, last] = span;
    const perX = side / (frame.east - frame.west + 1);
    const perY = side / (frame.north - frame.south + 1);
    for (let i = 0; i < withPoint; i++) {
        const x = rows.x[i];
        const y = rows.y[i];
        if (x < frame.west || x > frame.east || y < frame.south || y > frame.north) continue;
        if (rows.day[i] < first || rows.day[i] > last) continue;
        if (compiled.kind[rows.kind[i]] | compiled.place[rows.place[i]] | compiled.status[rows.status[i]]) continue;
        grid[((y - frame.south) * perY | 0) * side + ((x - frame.west) * perX | 0)]++;
    }
}

/** Bytes per point in what `packPoints` makes. */
export const POINT_BYTES = 12;

/** Write the points of a month for the graphics card: x, y, kind, place, day (from `firstDay`) as 16 bits, then status. */
export function packPoints(rows: RowColumns, withPoint: number, monthFirstDay: number, firstDay: number, into: Uint16Array, at: number): void {
    const shift = monthFirstDay - firstDay;
    let offset = at * (POINT_BYTES / 2);
    for (let i = 0; i < withPoint; i++) {
        into[offset++] = rows.x[i];
        into[offset++] = rows.y[i];
        into[offset++] = rows.kind[i];
        into[offset++] = rows.place[i];
        into[offset++] = rows.day[i] + shift;
        into[offset++] = rows.status[i];
    }
}
