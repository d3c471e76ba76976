/**
 * The map itself: MapLibre with our layers, told what to show, telling what was touched.
 *
 * Belongs here: everything that speaks to MapLibre. Does not belong here: counting, and what a touch leads to (`ui/mapview.tsx`).
 */
import { AttributionControl, type GeoJSONSource, Map as MapLibreMap, type MapMouseEvent, NavigationControl, ScaleControl, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import type { Box } from "../engine/engine";
import type { Manifest } from "../engine/format";
import type { Areas, LayerName, Spot } from "../state";
import { text } from "../text";
import { type Look, look } from "./colors";
import { PointLayer } from "./points";
import { type Shapes, shapes } from "./shapes";
import { fillColor, style, tilesStyle } from "./style";

// A worker of its own origin: allowed by a strict content security policy, which forbids blob:.
setWorkerUrl(new URL(workerUrl, import.meta.url).href);

export interface AreaLook {
    readonly color: string;
    readonly chosen: boolean;
    readonly dim: boolean;
}
export interface Touch {
    readonly x: number;
    readonly y: number;
    readonly longitude: number;
    readonly latitude: number;
    readonly area: number | null;
    /** Degrees of longitude that twelve pixels span: how near is near. */
    readonly reach: number;
}
export interface Settings {
    readonly container: HTMLElement;
    readonly manifest: Manifest;
    readonly boundaries: unknown;
    readonly dark: boolean;
    /** A PMTiles file or a style; empty for none. */
    readonly basemap: string;
    readonly spot: Spot | null;
    readonly moved: (spot: Spot, byHand: boolean) => void;
    readonly hovered: (touch: Touch | null) => void;
    readonly tapped: (touch: Touch) => void;
}

export class CityMap {
    readonly map: MapLibreMap;
    readonly points: PointLayer;
    /** Settled when layers may be changed. */
    ready: Promise<void>;
    private readonly shapes: Readonly<Record<Areas, Shapes>>;
    private areas: Areas = "councils";
    private look: Look;
    private looks = new Map<number, AreaLook>();
    private hover: number | null = null;
    private layer: LayerName = "areas";
    private heat: Float32Array = new Float32Array(0);
    private spot: readonly [number, number] | null = null;
    /** False while a style is being loaded: what is asked for meanwhile is kept, and shown when it is there. */
    private styled = false;

    constructor(private readonly settings: Settings) {
        const { container, manifest, boundaries, dark, spot } = settings;
        this.look = look(dark);
        this.shapes = { councils: shapes(manifest, boundaries, "councils"), districts: shapes(manifest, boundaries, "districts") };
        this.points = new PointLayer(manifest.bounds);
        const [west, south, east, north] = this.cityBox();
        const slack = Math.max(east - west, north - south);
        this.map = new MapLibreMap({
            container,
            style: style(this.look, null),
            ...(spot ? { center: [spot.longitude, spot.latitude], zoom: spot.zoom } : { bounds: [west, south, east, north], fitBoundsOptions: { padding: edges(container) } }),
            maxBounds: [west - slack, south - slack, east + slack, north + slack],
            minZoom: 7, maxZoom: 18,
            attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, rollEnabled: false,
            canvasContextAttributes: { preserveDrawingBuffer: true }, // so that the map can be saved as a picture
            locale: { "Map.Title": text.map },
        });
        this.map.touchZoomRotate.disableRotation();
        this.map.keyboard.disableRotation();
        this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
        this.map.addControl(new ScaleControl({ unit: "imperial" }), "bottom-right");
        if (settings.basemap) this.map.addControl(new AttributionControl({ compact: true }), "bottom-right");
        // Filled after the event, not in it: MapLibre swallows what its listeners throw.
        this.ready = new Promise<void>((resolve) => void this.map.once("style.load", () => resolve())).then(() => this.filled());
        if (settings.basemap) this.ready = this.ready.then(() => this.restyle());
        this.listen();
    }

    private cityBox(): readonly [number, number, number, number] {
        const boxes = [...this.shapes.councils.boxes.values(), ...this.shapes.districts.boxes.values()];
        if (!boxes.length) return this.settings.manifest.bounds;
        const ends = (at: number) => boxes.map((box) => box[at]);
        return [Math.min(...ends(0)), Math.min(...ends(1)), Math.max(...ends(2)), Math.max(...ends(3))];
    }

    private listen(): void {
        const { map, settings } = this;
        map.on("moveend", (event) => {
            const { lng, lat } = map.getCenter();
            settings.moved({ longitude: lng, latitude: lat, zoom: map.getZoom() }, "originalEvent" in event && Boolean(event.originalEvent));
        });
        const touch = (event: MapMouseEvent): Touch => {
            const [found] = !this.styled ? [] : map.queryRenderedFeatures(event.point, { layers: ["fill"] });
            const { lng, lat } = event.lngLat;
            const reach = Math.abs(map.unproject([event.point.x + 12, event.point.y]).lng - lng);
            return { x: event.point.x, y: event.point.y, longitude: lng, latitude: lat, area: (found?.id as number | undefined) ?? null, reach };
        };
        map.on("mousemove", (event) => {
            const at = touch(event);
            this.setHover(at.area);
            map.getCanvas().style.cursor = at.area === null ? "" : "pointer";
            settings.hovered(at);
        });
        map.on("mouseout", () => {
            this.setHover(null);
            settings.hovered(null);
        });
        map.on("movestart", () => settings.hovered(null));
        map.on("click", (event) => settings.tapped(touch(event)));
    }

    private setHover(area: number | null): void {
        if (area === this.hover || !this.styled) return;
        if (this.hover !== null) this.map.setFeatureState({ source: "areas", id: this.hover }, { hover: false });
        if (area !== null) this.map.setFeatureState({ source: "areas", id: area }, { hover: true });
        this.hover = area;
    }

    private source(name: string): GeoJSONSource {
        return this.map.getSource(name) as GeoJSONSource;
    }

    /** Put into a fresh style all that was shown. */
    private filled(): void {
        this.styled = true;
        if (!this.map.getLayer("points")) this.map.addLayer(this.points, "spot-halo");
        this.source("areas").setData(this.shapes[this.areas].areas);
        this.source("labels").setData(this.shapes[this.areas].labels);
        for (const [id, state] of this.looks) this.map.setFeatureState({ source: "areas", id }, { ...state });
        this.setLayer(this.layer);
        this.setHeat(this.heat);
        this.mark(this.spot);
    }

    async setDark(dark: boolean): Promise<void> {
        if (dark === this.look.dark) return;
        this.look = look(dark);
        await this.restyle();
    }

    private async restyle(): Promise<void> {
        const { basemap } = this.settings;
        let base: StyleSpecification | null = null;
        if (basemap.endsWith(".pmtiles")) {
            const [{ Protocol }, { addProtocol }] = await Promise.all([import("pmtiles"), import("maplibre-gl")]);
            addProtocol("pmtiles", new Protocol().tile);
            base = tilesStyle(new URL(basemap, document.baseURI).href, this.look);
        } else if (basemap) base = (await (await fetch(basemap)).json()) as StyleSpecification;
        const done = new Promise<void>((resolve) => void this.map.once("style.load", () => resolve()));
        this.styled = false;
        this.hover = null;
        this.map.setStyle(style(this.look, base), { diff: false });
        await done;
        this.filled();
    }

    get none(): string {
        return this.look.none;
    }

    setAreas(areas: Areas): void {
        if (areas === this.areas) return;
        if (this.styled) this.setHover(null);
        this.areas = areas;
        this.looks.clear();
        if (!this.styled) return;
        this.map.removeFeatureState({ source: "areas" });
        this.source("areas").setData(this.shapes[areas].areas);
        this.source("labels").setData(this.shapes[areas].labels);
    }

    /** Colors of the areas; only those that changed are touched. */
    setLooks(looks: ReadonlyMap<number, AreaLook>): void {
        for (const [id, state] of looks) {
            const before = this.looks.get(id);
            if (before && before.color === state.color && before.chosen === state.chosen && before.dim === state.dim) continue;
            if (this.styled) this.map.setFeatureState({ source: "areas", id }, { ...state });
            this.looks.set(id, state);
        }
    }

    /** Which layer leads; areas fade to outlines under points and heat. */
    setLayer(layer: LayerName): void {
        this.layer = layer;
        if (!this.styled) return;
        this.map.setPaintProperty("fill", "fill-color", fillColor(this.look, layer));
        this.map.setLayoutProperty("heat", "visibility", layer === "heat" ? "visible" : "none");
        this.points.visible = layer === "points";
        this.map.triggerRepaint();
    }

    /** Longitude, latitude and count of each box of a grid. */
    setHeat(boxes: Float32Array): void {
        this.heat = boxes;
        if (!this.styled) return;
        const counts: number[] = [];
        for (let i = 2; i < boxes.length; i += 3) counts.push(boxes[i]);
        // The densest boxes are full brightness, so that one hot box does not leave the rest dark.
        const top = counts.length ? [...counts].sort((a, b) => a - b)[Math.floor(counts.length * 0.995)] : 1;
        const features = counts.map((count, i) => ({
            type: "Feature" as const, properties: { weight: Math.min(1, count / top) },
            geometry: { type: "Point" as const, coordinates: [boxes[i * 3], boxes[i * 3 + 1]] },
        }));
        this.source("heat").setData({ type: "FeatureCollection", features });
    }

    /** Mark one spot, or none. */
    mark(spot: readonly [number, number] | null): void {
        this.spot = spot;
        if (!this.styled) return;
        const features = spot ? [{ type: "Feature" as const, properties: {}, geometry: { type: "Point" as const, coordinates: [...spot] } }] : [];
        this.source("spot").setData({ type: "FeatureCollection", features });
    }

    box(): Box {
        const bounds = this.map.getBounds();
        return { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() };
    }

    go(spot: Spot): void {
        this.map.easeTo({ center: [spot.longitude, spot.latitude], zoom: spot.zoom, duration: quick() ? 0 : 500 });
    }

    /** Show areas whole, or the city. */
    fit(ids: readonly number[], areas: Areas): void {
        const boxes = ids.flatMap((id) => this.shapes[areas].boxes.get(id) ?? []);
        const each = (at: number) => boxes.filter((_, i) => i % 4 === at);
        const [west, south, east, north] = boxes.length ? [Math.min(...each(0)), Math.min(...each(1)), Math.max(...each(2)), Math.max(...each(3))] : this.cityBox();
        this.map.fitBounds([west, south, east, north], { padding: edges(this.settings.container), maxZoom: 14.5, duration: quick() ? 0 : 500 });
    }
}

function quick(): boolean {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Room for what lies over the map: the legend above on a phone, the bar of switches elsewhere. */
function edges(container: HTMLElement): { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number } {
    return container.clientWidth < 560 ? { top: 16, bottom: 24, left: 12, right: 12 } : { top: 76, bottom: 24, left: 28, right: 28 };
}
