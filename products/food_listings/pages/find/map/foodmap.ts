/**
 * The map of the places: MapLibre with outlines of neighborhoods under points. It fetches nothing from anywhere.
 *
 * Belongs here: everything that speaks to MapLibre. Does not belong here: which places are shown. Loaded only when a map is seen.
 */
import { type GeoJSONSource, Map as MapLibreMap, NavigationControl, ScaleControl, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import type { Ground, Point } from "../data";
import type { Found } from "../search";

// A worker of its own origin: allowed by a strict content security policy, which forbids blob:.
setWorkerUrl(new URL(workerUrl, import.meta.url).href);

// Names are drawn with fonts of the reader's own system; the style names no glyphs to fetch.
const FONT = ["Source Sans Pro Web", "system-ui", "sans-serif"];
const EMPTY = { type: "FeatureCollection" as const, features: [] };
/** How a state looks: color, and a size that tells open ones apart without it. */
const LOOKS = {
    light: { water: "#e9eff0", land: "#f8faf9", line: "#b9c7c5", name: "#55655f", open: "#1b6e2b", appointment: "#8a5300", closed: "#7a8886", unknown: "#4f5f9a", edge: "#ffffff", you: "#c2185b", chosen: "#14201f", label: "#14201f", halo: "#ffffff" },
    dark: { water: "#0b1211", land: "#16201f", line: "#3f524f", name: "#a3b5b1", open: "#7fd08e", appointment: "#f2b33d", closed: "#8b9a97", unknown: "#a9b8f0", edge: "#0e1615", you: "#ff7aa8", chosen: "#ffffff", label: "#e8f0ee", halo: "#0e1615" },
};
type Look = (typeof LOOKS)["light"];

function style(look: Look): StyleSpecification {
    const byState = (open: unknown, appointment: unknown, unknown: unknown, closed: unknown) => ["match", ["get", "state"], "open", open, "appointment", appointment, "unknown", unknown, closed] as never;
    return {
        version: 8,
        sources: {
            grounds: { type: "geojson", data: EMPTY }, names: { type: "geojson", data: EMPTY },
            places: { type: "geojson", data: EMPTY }, you: { type: "geojson", data: EMPTY },
        },
        layers: [
            { id: "water", type: "background", paint: { "background-color": look.water } },
            { id: "land", type: "fill", source: "grounds", paint: { "fill-color": look.land } },
            { id: "edges", type: "line", source: "grounds", paint: { "line-color": look.line, "line-width": 1 } },
            { id: "names", type: "symbol", source: "names", minzoom: 10, layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 12, "text-max-width": 7, "text-padding": 8 }, paint: { "text-color": look.name, "text-halo-color": look.land, "text-halo-width": 1.4 } },
            { id: "you", type: "circle", source: "you", paint: { "circle-radius": 9, "circle-color": look.you, "circle-stroke-color": look.edge, "circle-stroke-width": 3 } },
            {
                id: "places", type: "circle", source: "places",
                layout: { "circle-sort-key": byState(3, 2, 1, 0) },
                paint: {
                    "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, byState(6, 5, 4, 4), 14, byState(11, 9, 8, 8)],
                    "circle-color": byState(look.open, look.appointment, look.unknown, look.closed),
                    "circle-stroke-color": ["case", ["boolean", ["get", "chosen"], false], look.chosen, look.edge],
                    "circle-stroke-width": ["case", ["boolean", ["get", "chosen"], false], 4, 1.5],
                },
            },
            { id: "titles", type: "symbol", source: "places", minzoom: 13, layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 13, "text-offset": [0, 1.1], "text-anchor": "top", "text-max-width": 9, "text-optional": true }, paint: { "text-color": look.label, "text-halo-color": look.halo, "text-halo-width": 1.6 } },
        ],
    };
}

export interface Settings {
    readonly container: HTMLElement;
    readonly grounds: readonly Ground[];
    readonly dark: boolean;
    readonly words: Readonly<Record<string, string>>;
    readonly picked: (id: string) => void;
    readonly pointed: (at: Point) => void;
}

export class FoodMap {
    private readonly map: MapLibreMap;
    private found: readonly Found[] = [];
    private chosen = "";
    private you: Point | null = null;
    private styled = false;
    private fitted = "";
    private isGone = false;

    constructor(private readonly settings: Settings) {
        this.map = new MapLibreMap({
            container: settings.container, style: style(LOOKS[settings.dark ? "dark" : "light"]), center: [-118.25, 34.05], zoom: 9, minZoom: 3, maxZoom: 18,
            attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, rollEnabled: false, locale: settings.words, cooperativeGestures: false,
        });
        this.map.touchZoomRotate.disableRotation();
        this.map.keyboard.disableRotation();
        this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
        this.map.addControl(new ScaleControl({ unit: "imperial" }), "bottom-right");
        this.map.on("style.load", () => setTimeout(() => this.fill(), 0));
        this.map.on("click", (event) => {
            const reach = 8;
            const { x, y } = event.point;
            const [hit] = this.styled ? this.map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: ["places"] }) : [];
            if (hit) settings.picked(String(hit.properties.id));
            else settings.pointed([event.lngLat.lng, event.lngLat.lat]);
        });
        this.map.on("mousemove", (event) => {
            if (this.styled) this.map.getCanvas().style.cursor = this.map.queryRenderedFeatures(event.point, { layers: ["places"] }).length ? "pointer" : "crosshair";
        });
        this.map.on("idle", () => (settings.container.dataset.ready = "yes"));
    }

    private source(name: string): GeoJSONSource {
        return this.map.getSource(name) as GeoJSONSource;
    }

    private fill(): void {
        // By now the map may be gone, or about to get another style, which calls again.
        if (this.isGone || !this.map.getSource("places")) return;
        this.styled = true;
        this.setGrounds(this.settings.grounds);
        this.draw();
    }

    setGrounds(grounds: readonly Ground[]): void {
        if (!this.styled) return;
        this.source("grounds").setData({ type: "FeatureCollection", features: grounds.map(({ name, rings }) => ({ type: "Feature", properties: { name }, geometry: { type: "MultiPolygon", coordinates: rings.map((ring) => [ring as never]) } })) });
        this.source("names").setData({ type: "FeatureCollection", features: grounds.map(({ name, at }) => ({ type: "Feature", properties: { name }, geometry: { type: "Point", coordinates: [...at] } })) });
    }

    /** Show these places. The view moves when it is asked about somewhere else, not when hours pass. */
    set(found: readonly Found[], chosen: string, you: Point | null, within: number): void {
        [this.found, this.chosen, this.you] = [found, chosen, you];
        const asked = JSON.stringify([you, within, you ? 0 : found.length]);
        if (asked !== this.fitted) {
            this.fitted = asked;
            this.fit(within);
        }
        const at = found.find(({ place }) => place.id === chosen)?.place.at;
        if (at && !this.map.getBounds().contains([...at])) this.map.easeTo({ center: [...at], zoom: Math.max(13, this.map.getZoom()) });
        if (this.styled) this.draw();
    }

    private fit(within: number): void {
        // Somewhere to start from: the nearest dozen around it; else all but the few that lie far away.
        const points = this.found.flatMap(({ place }) => (place.at ? [place.at] : []));
        const near = this.you ? [this.you, ...points.slice(0, within ? points.length : 12)] : points;
        if (!near.length) return;
        const ends = (at: 0 | 1): readonly [number, number] => {
            const sorted = near.map((point) => point[at]).sort((a, b) => a - b);
            const cut = this.you ? 0 : Math.floor(sorted.length * 0.02);
            return [sorted[cut], sorted[sorted.length - 1 - cut]];
        };
        const [west, east] = ends(0);
        const [south, north] = ends(1);
        this.map.fitBounds([west, south, east, north], { padding: 48, maxZoom: 14.5, animate: false });
    }

    private draw(): void {
        this.source("places").setData({
            type: "FeatureCollection",
            features: this.found.flatMap(({ place, state }) => place.at ? [{ type: "Feature" as const, properties: { id: place.id, name: place.name, state, chosen: place.id === this.chosen }, geometry: { type: "Point" as const, coordinates: [...place.at] } }] : []),
        });
        this.source("you").setData(this.you ? { type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [...this.you] } } : EMPTY);
    }

    setDark(dark: boolean): void {
        this.styled = false;
        this.map.setStyle(style(LOOKS[dark ? "dark" : "light"]));
    }

    resize(): void {
        this.map.resize();
    }

    remove(): void {
        this.isGone = true;
        this.styled = false;
        this.map.remove();
    }
}
