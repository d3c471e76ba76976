/**
 * The map's own quiet look: land, outlines, names. No basemap, no font and no picture from anywhere.
 *
 * Belongs here: layers. Does not belong here: what they show (`citymap.ts`).
 */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { LayerName } from "../state";
import type { Look } from "./colors";

const EMPTY = { type: "FeatureCollection" as const, features: [] };
// Names are drawn with fonts of the reader's own system; the style names no glyphs to fetch.
const FONT = ["Source Sans Pro Web", "system-ui", "sans-serif"];
const is = (state: string): ["boolean", ["feature-state", string], boolean] => ["boolean", ["feature-state", state], false];

/** Areas carry their color where they lead; under points and heat they are plain land. */
export function fillColor(look: Look, layer: LayerName): ExpressionSpecification | string {
    return layer === "areas" ? ["to-color", ["feature-state", "color"], look.none] : look.land;
}

export function sources(): StyleSpecification["sources"] {
    return {
        areas: { type: "geojson", data: EMPTY },
        districts: { type: "geojson", data: EMPTY },
        labels: { type: "geojson", data: EMPTY },
        heat: { type: "geojson", data: EMPTY },
        spot: { type: "geojson", data: EMPTY },
    };
}

export function layers(look: Look): LayerSpecification[] {
    return [
        {
            id: "fill", type: "fill", source: "areas",
            paint: {
                "fill-color": fillColor(look, "areas"),
                "fill-opacity": ["case", is("dim"), 0.25, 0.92],
            },
        },
        {
            id: "heat", type: "heatmap", source: "heat", layout: { visibility: "none" },
            paint: {
                "heatmap-weight": ["get", "weight"],
                "heatmap-radius": ["interpolate", ["linear"], ["zoom"], 9, 14, 13, 26, 16, 34],
                "heatmap-intensity": 0.42, // boxes lie closer than the radius reaches, so several add up
                "heatmap-opacity": 0.9,
                "heatmap-color": look.dark
                    ? ["interpolate", ["linear"], ["heatmap-density"], 0, "rgba(0,0,0,0)", 0.15, "rgba(63,87,166,.55)", 0.4, "#b8501f", 0.7, "#ffbe2e", 1, "#fff6df"]
                    : ["interpolate", ["linear"], ["heatmap-density"], 0, "rgba(255,255,255,0)", 0.12, "rgba(150,171,238,.55)", 0.35, "#496fd8", 0.65, "#b8501f", 1, "#ffbe2e"],
            },
        },
        { id: "outline", type: "line", source: "areas", paint: { "line-color": look.line, "line-width": ["interpolate", ["linear"], ["zoom"], 9, 0.6, 13, 1.4], "line-opacity": 0.75 } },
        { id: "hover", type: "line", source: "areas", paint: { "line-color": look.label, "line-width": ["case", is("hover"), 2.5, 0] } },
        { id: "chosen-edge", type: "line", source: "areas", paint: { "line-color": look.halo, "line-width": ["case", is("chosen"), 6, 0] } },
        { id: "chosen", type: "line", source: "areas", paint: { "line-color": look.chosen, "line-width": ["case", is("chosen"), 3.5, 0] } },
        { id: "spot-halo", type: "circle", source: "spot", paint: { "circle-radius": 13, "circle-color": look.chosen, "circle-opacity": 0.35 } },
        { id: "spot", type: "circle", source: "spot", paint: { "circle-radius": 7, "circle-color": look.chosen, "circle-stroke-color": look.label, "circle-stroke-width": 2 } },
        {
            id: "names", type: "symbol", source: "labels",
            layout: {
                "text-field": ["get", "name"], "text-font": FONT, "text-max-width": 7, "text-padding": 4,
                "symbol-sort-key": ["get", "rank"],
                "text-size": ["interpolate", ["linear"], ["zoom"], 9, 11, 13, 15],
            },
            paint: { "text-color": look.label, "text-halo-color": look.halo, "text-halo-width": 1.6 },
        },
    ];
}

/** The whole style; with a basemap's own style, ours is laid over it. */
export function style(look: Look, basemap: StyleSpecification | null): StyleSpecification {
    const ground: LayerSpecification[] = basemap ? [] : [{ id: "ground", type: "background", paint: { "background-color": look.water } }];
    return {
        version: 8,
        ...basemap,
        sources: { ...basemap?.sources, ...sources() },
        layers: [...(basemap?.layers ?? ground), ...layers(look)],
    };
}

/** The style of a PMTiles archive of OpenStreetMap-like layers: streets and water, quietly. */
export function tilesStyle(url: string, look: Look): StyleSpecification {
    const line = look.dark ? "#39415f" : "#d3d7e6";
    return {
        version: 8,
        sources: { base: { type: "vector", url: `pmtiles://${url}` } },
        layers: [
            { id: "ground", type: "background", paint: { "background-color": look.land } },
            { id: "water", type: "fill", source: "base", "source-layer": "water", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": look.dark ? "#10202f" : "#cfe0ef" } },
            { id: "roads", type: "line", source: "base", "source-layer": "roads", paint: { "line-color": line, "line-width": ["interpolate", ["linear"], ["zoom"], 9, 0.4, 16, 4] } },
        ],
    };
}
