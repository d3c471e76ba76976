/**
 * What the page is showing: filters, view, and the answers that have come in.
 *
 * Belongs here: the state as one value, and telling who listens that it changed. Does not belong here: the link (`link.ts`).
 */
import { useEffect, useState } from "preact/hooks";
import { DIMENSIONS, type Filters } from "./engine/filters";
import { dayNumber, type Manifest } from "./engine/format";
import type { Counted, Row } from "./engine/engine";
import type { Waits } from "./engine/waits";

export type Metric = "count" | "rate" | "wait";
export type Areas = "councils" | "districts";
export type LayerName = "areas" | "points" | "heat";
export type Tab = "filters" | "charts" | "compare" | "list";

export interface Compare {
    readonly kind: "councils" | "periods";
    readonly first: number | null;
    readonly second: number | null;
    /** The other period; null: a year earlier. */
    readonly from: number | null;
    readonly to: number | null;
}
export interface Spot {
    readonly longitude: number;
    readonly latitude: number;
    readonly zoom: number;
}
export interface State {
    readonly filters: Filters;
    readonly metric: Metric;
    readonly areas: Areas;
    readonly layer: LayerName;
    readonly tab: Tab;
    readonly compare: Compare;
    /** Where the map is; null: the whole city. */
    readonly spot: Spot | null;
}

/** The newest calendar year so far; with the one before it while the year is young, so that there is something to see. */
export function defaultFilters(manifest: Manifest): Filters {
    const last = dayNumber(manifest.last_day);
    const year = Number(manifest.last_day.slice(0, 4));
    const first = dayNumber(`${year}-01-01`);
    const from = last - first < 60 ? dayNumber(`${year - 1}-01-01`) : first;
    return {
        from: Math.max(from, dayNumber(manifest.first_day)), to: last,
        types: null, councils: null, districts: null, statuses: null, sources: null, departments: null,
    };
}

export function defaultState(manifest: Manifest): State {
    return {
        filters: defaultFilters(manifest), metric: "count", areas: "councils", layer: "areas", tab: "filters",
        compare: { kind: "periods", first: null, second: null, from: null, to: null }, spot: null,
    };
}

/** How many filters are on, days not counted. */
export function active(filters: Filters): number {
    return DIMENSIONS.filter((name) => filters[name] !== null).length;
}

/** With or without one more id; nothing left means all. */
export function toggled(choice: readonly number[] | null, id: number): readonly number[] | null {
    const kept = new Set(choice ?? []);
    if (!kept.delete(id)) kept.add(id);
    return kept.size ? [...kept].sort((a, b) => a - b) : null;
}

/** A value that tells when it changes. */
export class Cell<T> {
    private readonly listeners = new Set<(value: T) => void>();

    constructor(private current: T) {}

    get value(): T {
        return this.current;
    }

    set value(value: T) {
        if (value === this.current) return;
        this.current = value;
        for (const listener of this.listeners) listener(value);
    }

    subscribe(listener: (value: T) => void): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }
}

/** The value of a cell in a component, drawn anew when it changes. */
export function useCell<T>(cell: Cell<T>): T {
    const [, draw] = useState(0);
    useEffect(() => cell.subscribe(() => draw((count) => count + 1)), [cell]);
    return cell.value;
}

export interface Progress {
    readonly loaded: number;
    readonly total: number;
    readonly oldest: number;
}

/** All cells of the page. */
export class Model {
    readonly state: Cell<State>;
    readonly counted = new Cell<Counted | null>(null);
    readonly waits = new Cell<Waits | null>(null);
    readonly years = new Cell<Progress | null>(null);
    readonly problem = new Cell<string | null>(null);
    readonly selected = new Cell<Row | null>(null);
    readonly pointsNote = new Cell<string>("");
    readonly unknown = new Cell<readonly string[]>([]);
    /** When the filters that `counted` answers were chosen, for measuring; milliseconds of the page. */
    changedAt = 0;

    constructor(readonly manifest: Manifest, state: State) {
        this.state = new Cell(state);
    }

    set(change: Partial<State>): void {
        this.state.value = { ...this.state.value, ...change };
    }

    filter(change: Partial<Filters>): void {
        this.set({ filters: { ...this.state.value.filters, ...change } });
    }
}
