/**
 * Outlines of councils and districts out of the TopoJSON file, as what the map needs.
 *
 * Belongs here: shapes, where their labels stand, their bounds. Does not belong here: colors.
 */
import type { Feature, FeatureCollection, MultiPolygon, Point, Polygon, Position } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import type { Manifest } from "../engine/format";
import type { Areas } from "../state";
import { councilName } from "../text";

type Shape = Feature<Polygon | MultiPolygon, { id: number; name: string }>;

export interface Shapes {
    readonly areas: FeatureCollection<Polygon | MultiPolygon>;
    readonly labels: FeatureCollection<Point>;
    /** West, south, east, north of each area, by its id. */
    readonly boxes: ReadonlyMap<number, readonly [number, number, number, number]>;
}

/** Area (signed) and middle of a ring. */
function middle(ring: Position[]): { readonly area: number; readonly at: Position } {
    let area = 0;
    let x = 0;
    let y = 0;
    const [ox, oy] = ring[0];
    for (let i = 0; i + 1 < ring.length; i++) {
        const cross = (ring[i][0] - ox) * (ring[i + 1][1] - oy) - (ring[i + 1][0] - ox) * (ring[i][1] - oy);
        area += cross;
        x += (ring[i][0] + ring[i + 1][0] - 2 * ox) * cross;
        y += (ring[i][1] + ring[i + 1][1] - 2 * oy) * cross;
    }
    return { area: Math.abs(area), at: area ? [ox + x / (3 * area), oy + y / (3 * area)] : ring[0] };
}

/** Shapes of the areas of one sort, each with its index in the manifest as id. */
export function shapes(manifest: Manifest, topology: unknown, areas: Areas): Shapes {
    const topo = topology as Topology<Record<string, GeometryCollection<{ code: string; name: string }>>>;
    const index = new Map(manifest[areas].map((entry, id) => [entry.code, id]));
    const found: Shape[] = [];
    const labels: Feature<Point>[] = [];
    const boxes = new Map<number, readonly [number, number, number, number]>();
    for (const shape of feature(topo, topo.objects[areas]).features) {
        const id = index.get(shape.properties.code);
        if (id === undefined) continue; // an area of the map in which no request lies
        const geometry = shape.geometry as Polygon | MultiPolygon;
        const name = areas === "councils" ? councilName(shape.properties.name) : shape.properties.name;
        found.push({ type: "Feature", id, geometry, properties: { id, name } });
        const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
        const largest = parts.map((part) => middle(part[0])).sort((a, b) => b.area - a.area)[0];
        labels.push({
            type: "Feature", id, properties: { id, name, rank: -largest.area },
            geometry: { type: "Point", coordinates: largest.at },
        });
        const points = parts.flatMap((part) => part[0]);
        const xs = points.map((point) => point[0]);
        const ys = points.map((point) => point[1]);
        boxes.set(id, [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]);
    }
    return { areas: { type: "FeatureCollection", features: found }, labels: { type: "FeatureCollection", features: labels }, boxes };
}
