/**
 * The state as the part of the address behind '#', and back: a link restores everything, and the back button works.
 *
 * Belongs here: writing, reading, and the browser's history. Does not belong here: what the state means.
 *
 * Codes, not positions, stand in a link: it still means the same after the next release.
 */
import type { Choice, Dimension, Filters } from "./engine/filters";
import { dayNumber, isoDay, type Manifest, type Named } from "./engine/format";
import { type Areas, defaultState, type LayerName, type Metric, type Model, type State, type Tab } from "./state";

const NAMES: readonly (readonly [Dimension, string])[] = [
    ["types", "type"], ["councils", "council"], ["districts", "district"],
    ["statuses", "status"], ["sources", "source"], ["departments", "department"],
];
const METRICS: readonly Metric[] = ["count", "rate", "wait"];
const AREAS: readonly Areas[] = ["councils", "districts"];
const LAYERS: readonly LayerName[] = ["areas", "points", "heat"];
const TABS: readonly Tab[] = ["filters", "charts", "compare", "list"];

/** The state as text; what is as it is at first is left out. */
export function write(manifest: Manifest, state: State): string {
    const basis = defaultState(manifest);
    const parts: string[] = [];
    const put = (name: string, value: string | number) => parts.push(`${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%2F", "/")}`);
    const { filters } = state;
    if (filters.from !== basis.filters.from || filters.to !== basis.filters.to) {
        put("from", isoDay(filters.from));
        put("to", isoDay(filters.to));
    }
    for (const [dimension, name] of NAMES) {
        const choice = filters[dimension];
        if (choice) put(name, choice.map((id) => manifest[dimension][id].code).join(","));
    }
    if (state.metric !== basis.metric) put("color", state.metric);
    if (state.areas !== basis.areas) put("areas", state.areas);
    if (state.layer !== basis.layer) put("show", state.layer);
    if (state.tab !== basis.tab) put("tab", state.tab);
    const { kind, first, second, from, to } = state.compare;
    const code = (id: number | null) => (id === null ? "" : manifest.councils[id].code);
    if (kind === "councils") put("compare", `councils,${code(first)},${code(second)}`);
    else if (from !== null && to !== null) put("compare", `periods,${isoDay(from)},${isoDay(to)}`);
    if (state.spot) put("at", `${state.spot.zoom.toFixed(2)}/${state.spot.latitude.toFixed(5)}/${state.spot.longitude.toFixed(5)}`);
    return parts.length ? `#${parts.join("&")}` : "";
}

/** The state of a link, and what in it is not in the data. Everything that cannot be read is left as it is at first. */
export function read(manifest: Manifest, hash: string): { readonly state: State; readonly unknown: readonly string[] } {
    const basis = defaultState(manifest);
    const unknown: string[] = [];
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const day = (name: string, otherwise: number): number => {
        const value = given.get(name);
        if (value === null) return otherwise;
        const found = /^\d{4}-\d{2}-\d{2}$/.test(value) ? dayNumber(value) : Number.NaN;
        if (Number.isNaN(found)) unknown.push(value);
        return Number.isNaN(found) ? otherwise : found;
    };
    const ids = (list: readonly Named[], value: string): Choice => {
        const found = value.split(",").filter(Boolean).flatMap((code) => {
            const id = list.findIndex((entry) => entry.code === code);
            if (id < 0) unknown.push(code);
            return id < 0 ? [] : [id];
        });
        return found.length ? [...new Set(found)].sort((a, b) => a - b) : null;
    };
    const one = <T extends string>(name: string, allowed: readonly T[], otherwise: T): T => {
        const value = given.get(name);
        if (value === null) return otherwise;
        if ((allowed as readonly string[]).includes(value)) return value as T;
        unknown.push(value);
        return otherwise;
    };
    const days = [day("from", basis.filters.from), day("to", basis.filters.to)].sort((a, b) => a - b);
    const choices = Object.fromEntries(NAMES.map(([dimension, name]) => [dimension, ids(manifest[dimension], given.get(name) ?? "")]));
    const filters = { ...basis.filters, ...choices, from: days[0], to: days[1] } as Filters;
    let { compare, spot } = basis;
    const [kind, first = "", second = ""] = (given.get("compare") ?? "").split(",");
    if (kind === "councils")
        compare = { ...compare, kind, first: ids(manifest.councils, first)?.[0] ?? null, second: ids(manifest.councils, second)?.[0] ?? null };
    if (kind === "periods" && first && second) compare = { ...compare, from: dayNumber(first), to: dayNumber(second) };
    const at = (given.get("at") ?? "").split("/").map(Number);
    if (at.length === 3 && at.every(Number.isFinite)) spot = { zoom: at[0], latitude: Math.max(-85, Math.min(85, at[1])), longitude: at[2] };
    return {
        state: {
            filters, compare, spot,
            metric: one("color", METRICS, basis.metric), areas: one("areas", AREAS, basis.areas),
            layer: one("show", LAYERS, basis.layer), tab: one("tab", TABS, basis.tab),
        },
        unknown,
    };
}

const PAUSE = 350;

/** Keep address and state the same. Changes of filter and view become steps to go back; moves of the map do not. */
export function keepLink(model: Model): void {
    let timer = 0;
    let pushed = model.state.value;
    const settle = () => {
        window.clearTimeout(timer);
        timer = 0;
        const state = model.state.value;
        const hash = write(model.manifest, state);
        if (hash === location.hash) return;
        const address = hash || location.pathname + location.search;
        if (onlyMoved(pushed, state)) history.replaceState(null, "", address);
        else history.pushState(null, "", address);
        pushed = state;
    };
    model.state.subscribe(() => {
        window.clearTimeout(timer);
        timer = window.setTimeout(settle, PAUSE);
    });
    // Without this, going away within the pause would lose the last step.
    window.addEventListener("pagehide", () => timer && settle());
    window.addEventListener("popstate", () => {
        window.clearTimeout(timer);
        const { state, unknown } = read(model.manifest, location.hash);
        pushed = state;
        model.unknown.value = unknown;
        model.state.value = state;
    });
}

function onlyMoved(before: State, after: State): boolean {
    return (Object.keys(after) as (keyof State)[]).every((name) => name === "spot" || before[name] === after[name]);
}
