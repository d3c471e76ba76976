/**
 * The map with what lies over it: colors by the chosen metric, points and heat when asked for, what is under the pointer.
 *
 * Belongs here: bringing model and map together. Does not belong here: speaking to MapLibre (`map/citymap.ts`).
 */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { compile, type Filters, Vocabulary } from "../engine/filters";
import { dayNumber, type Manifest } from "../engine/format";
import type { Row } from "../engine/engine";
import { type AreaLook, CityMap, type Touch } from "../map/citymap";
import { colorOf, OTHER_COLOR, steps, type Steps, TYPE_COLORS } from "../map/colors";
import { type LayerName, toggled, useCell } from "../state";
import { dayText, decimal, duration, number, text } from "../text";
import { nameOf, useShown } from "./context";
import { Legend, Switches } from "./legend";
import { areaValues, FEW, rateOf } from "./values";

/** From here on single points tell more than areas; up to here they would be fog. */
const POINTS_ZOOM = 13;
const MOST_POINTS = 2_000_000;
const HEAT_SIDE = 160;
/** Milliseconds that a pointer rests before the request under it is looked for. */
const REST = 60;

/** What is drawn: what was asked for, and points where somebody has zoomed in far enough. */
function drawn(layer: LayerName, zoom: number): LayerName {
    return layer === "areas" && zoom >= POINTS_ZOOM ? "points" : layer;
}

/** The types that have a color of their own: those most frequent now. */
export function coloredTypes(counts: Float64Array): number[] {
    return [...counts.keys()].filter((id) => counts[id] > 0).sort((a, b) => counts[b] - counts[a]).slice(0, TYPE_COLORS.length);
}

function kindColors(manifest: Manifest, types: readonly number[]): Uint8Array {
    const colors = new Uint8Array(manifest.kinds.length * 4);
    manifest.kinds.forEach(([type], kind) => {
        const hex = TYPE_COLORS[types.indexOf(type)] ?? OTHER_COLOR;
        colors.set([1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)), kind * 4);
        colors[kind * 4 + 3] = 225;
    });
    return colors;
}

export function MapView({ boundaries, basemap }: { boundaries: unknown; basemap: string }) {
    const { page, model, manifest, state } = useShown();
    const { client, onProgress } = page.controller;
    const counted = useCell(model.counted);
    const waits = useCell(model.waits);
    const dark = useCell(page.dark);
    const city = useCell(page.map);
    const selected = useCell(model.selected);
    const place = useRef<HTMLDivElement>(null);
    const [touch, setTouch] = useState<Touch | null>(null);
    const [point, setPoint] = useState<Row | null>(null);
    const resting = useRef(0);
    const [zoom, setZoom] = useState(state.spot?.zoom ?? 9);
    const [scale, setScale] = useState<Steps>({ bounds: [], colors: [] });
    const [types, setTypes] = useState<readonly number[]>([]);
    const words = useRef(new Vocabulary(manifest, dayNumber(manifest.last_day)));
    const loaded = useRef({ from: Infinity, to: -Infinity, firstDay: 0 });
    const layer = drawn(state.layer, zoom);

    useEffect(() => {
        const made = new CityMap({
            container: place.current as HTMLElement, manifest, boundaries, dark: page.dark.value, basemap, spot: state.spot,
            moved(spot) {
                setZoom(spot.zoom);
                model.set({ spot });
            },
            hovered(at) {
                setTouch(at);
                setPoint(null);
                window.clearTimeout(resting.current);
                if (at) resting.current = window.setTimeout(() => void rest(at), REST);
            },
            tapped: (at) => void tap(at),
        });
        made.ready.then(() => (page.map.value = made), (error: Error) => (model.problem.value = error.message));
        const resized = new ResizeObserver(() => made.map.resize());
        resized.observe(place.current as HTMLElement);
        return () => {
            resized.disconnect();
            page.map.value = null;
            made.map.remove();
        };
    }, []);

    // A pointer at rest over a point is told what it is.
    const rest = async (at: Touch) => {
        const now = model.state.value;
        if (drawn(now.layer, page.map.value?.map.getZoom() ?? 0) === "points") setPoint(await client.call("near", now.filters, at.longitude, at.latitude, at.reach / 2));
    };

    // Points are tapped before areas: what is small is meant when it is hit.
    const tap = async (at: Touch) => {
        const now = model.state.value;
        if (drawn(now.layer, page.map.value?.map.getZoom() ?? 0) === "points") {
            const row = await client.call("near", now.filters, at.longitude, at.latitude, at.reach);
            if (row) {
                model.selected.value = row;
                return;
            }
        }
        if (model.selected.value) model.selected.value = null;
        else if (at.area !== null) model.filter({ [now.areas]: toggled(now.filters[now.areas], at.area) });
    };

    useEffect(() => void city?.setDark(dark), [city, dark]);
    useEffect(() => void city?.mark(selected?.longitude != null ? [selected.longitude, selected.latitude as number] : null), [city, selected]);

    // A link, or going back, may say another place.
    useEffect(() => {
        if (!city || !state.spot) return;
        const { lng, lat } = city.map.getCenter();
        const far = Math.abs(lng - state.spot.longitude) + Math.abs(lat - state.spot.latitude) > 1e-4 || Math.abs(city.map.getZoom() - state.spot.zoom) > 0.01;
        if (far && !city.map.isMoving()) city.go(state.spot);
    }, [city, state.spot]);

    // Colors of the areas: with every answer, in the same frame as the lists.
    useLayoutEffect(() => {
        if (!city || !counted) return;
        city.setAreas(state.areas);
        const values = areaValues(manifest, state.areas, state.metric, counted.counts, waits);
        const real = values.filter((value, id): value is number => value !== null && !["none", "unknown"].includes(manifest[state.areas][id].code));
        const next = steps(real, state.metric, dark);
        const choice = state.filters[state.areas];
        const looks = new Map<number, AreaLook>();
        values.forEach((value, id) => {
            const chosen = choice?.includes(id) ?? false;
            const color = value === 0 ? city.none : colorOf(value, next, city.none);
            looks.set(id, { color, chosen, dim: choice !== null && !chosen });
        });
        city.setLooks(looks);
        setScale(next);
        // Lists and number are in the page before this runs, so now everything shows the new answer.
        performance.measure("civicops:shown", { start: model.changedAt, end: performance.now() });
    }, [city, counted, waits, state.metric, state.areas, dark]);

    useEffect(() => city?.setLayer(layer), [city, layer]);

    // Points: fetched when they are first wanted, and when days are wanted that are not among them.
    useEffect(() => {
        if (!city || layer !== "points") return;
        let current = true;
        const { from, to } = state.filters;
        const began = performance.now();
        if (from >= loaded.current.from && to <= loaded.current.to) return;
        onProgress.set("points", (done, total) => (model.pointsNote.value = done < total ? text.pointsLoading(done, total) : ""));
        client.call("points", state.filters, MOST_POINTS).then(
            (points) => {
                if (!current) return;
                loaded.current = { from: points.left ? Infinity : from, to, firstDay: points.firstDay };
                city.points.setPoints(points.data, points.count);
                city.map.once("render", () => performance.measure("civicops:drawn", { start: began, end: performance.now() }));
                filterPoints(city, state.filters);
                model.pointsNote.value = points.left ? text.pointsLeft(dayText(points.oldestDay)) : "";
            },
            (error: Error) => (model.problem.value = error.message),
        );
        return () => {
            current = false;
        };
    }, [city, layer, state.filters.from, state.filters.to]);

    const filterPoints = (map: CityMap, filters: Filters) => {
        const began = performance.now();
        const compiled = compile(words.current, filters);
        const passing = (bits: Uint8Array) => bits.map((failed) => (failed === 0 ? 1 : 0));
        const { firstDay } = loaded.current;
        map.points.setFilter({
            kinds: passing(compiled.kind), places: passing(compiled.place), statuses: passing(compiled.status),
            firstDay: filters.from - firstDay, lastDay: filters.to - firstDay,
        });
        performance.measure("civicops:points", { start: began, end: performance.now() });
    };
    useEffect(() => {
        if (city && layer === "points") filterPoints(city, state.filters);
    }, [city, layer, state.filters]);
    useEffect(() => {
        if (!city || !counted) return;
        const next = coloredTypes(counted.counts.typesChosen);
        if (next.join() === types.join() && city.points.count) return;
        setTypes(next);
        city.points.setColors(kindColors(manifest, next));
    }, [city, counted, layer]);

    useEffect(() => {
        if (!city || layer !== "heat") return;
        let current = true;
        const box = city.box();
        const [wide, high] = [(box.east - box.west) / 4, (box.north - box.south) / 4];
        const around = { west: box.west - wide, east: box.east + wide, south: box.south - high, north: box.north + high };
        client.call("density", state.filters, around, HEAT_SIDE, MOST_POINTS).then(
            (boxes) => {
                if (current) city.setHeat(boxes);
            },
            (error: Error) => (model.problem.value = error.message),
        );
        return () => {
            current = false;
        };
    }, [city, layer, state.filters, state.spot]);

    return (
        <div class="map">
            <div class="map-canvas" ref={place} data-ready={city ? "yes" : "no"} />
            {touch && touch.area !== null && layer === "areas" && <Tip touch={touch} />}
            {touch && point && layer === "points" && <PointTip touch={touch} row={point} />}
            {!page.embedded && <div class="bar"><Switches /></div>}
            <Legend scale={scale} layer={layer} types={types} />
        </div>
    );
}

/** What is under the pointer. */
function Tip({ touch }: { touch: Touch }) {
    const { model, manifest, state } = useShown();
    const counted = useCell(model.counted);
    const waits = useCell(model.waits);
    const id = touch.area as number;
    if (!counted) return null;
    const count = counted.counts[state.areas][id];
    const rate = state.areas === "councils" ? rateOf(manifest, id, count) : null;
    const wait = state.metric === "wait" ? waits?.[state.areas][id] : undefined;
    return (
        <div class="tip" style={{ insetInlineStart: `${touch.x}px`, insetBlockStart: `${touch.y}px` }} aria-hidden="true">
            <strong>{nameOf(manifest, state.areas, id)}</strong>
            <span>{number(count)} {text.requests(count)}</span>
            {rate !== null && <span>{text.perThousand(decimal(rate))}</span>}
            {wait && <span>{wait.count < FEW ? text.charts.few : text.halfWithin(duration(wait.median))}</span>}
            <small>{text.tap(state.filters[state.areas]?.includes(id) ?? false)}</small>
        </div>
    );
}


/** The request under the pointer, in short. */
function PointTip({ touch, row }: { touch: Touch; row: Row }) {
    const { manifest } = useShown();
    return (
        <div class="tip" style={{ insetInlineStart: `${touch.x}px`, insetBlockStart: `${touch.y}px` }} aria-hidden="true">
            <strong>{nameOf(manifest, "types", manifest.kinds[row.kind][0])}</strong>
            <span>{text.list.reported(dayText(row.day))}</span>
            <span>{manifest.statuses[row.status].name}</span>
            <small>{text.tapPoint}</small>
        </div>
    );
}
