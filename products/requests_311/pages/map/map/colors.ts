/**
 * Colors of the map, from the tokens of USWDS, and the steps of a choropleth.
 *
 * Belongs here: which value gets which color. Does not belong here: drawing.
 */
import type { Metric } from "../state";

export interface Look {
    readonly dark: boolean;
    readonly land: string;
    readonly water: string;
    readonly line: string;
    readonly district: string;
    readonly label: string;
    readonly halo: string;
    readonly none: string;
    readonly chosen: string;
}

// indigo-cool, mint-cool and orange-warm of the system colors, light to dark.
const RAMPS: Readonly<Record<Metric, readonly string[]>> = {
    count: ["#e1e6f9", "#bbc8f5", "#96abee", "#6b8ee8", "#496fd8", "#374274"],
    rate: ["#e0f7f6", "#9bd4cf", "#6fbab3", "#40a099", "#2a7f7a", "#1a4f4c"],
    wait: ["#fbe8dc", "#fbcdb1", "#f4a06f", "#e0713a", "#b8501f", "#783312"],
};
const DARK_RAMPS: Readonly<Record<Metric, readonly string[]>> = {
    count: ["#2a3352", "#35447c", "#3f57a6", "#496fd8", "#7d9cf0", "#c6d3fb"],
    rate: ["#1b3937", "#22524f", "#2a7f7a", "#40a099", "#7bc5be", "#c9eeea"],
    wait: ["#43291b", "#6a3a1f", "#99481f", "#cf6730", "#f09a66", "#fcd6be"],
};

export function look(dark: boolean): Look {
    return dark
        ? { dark, land: "#191c29", water: "#11131d", line: "#5d6690", district: "#f2cf7a", label: "#f1f3fb", halo: "#11131d", none: "#23283a", chosen: "#ffbe2e" }
        : { dark, land: "#f5f6fa", water: "#eceef6", line: "#8189ad", district: "#6b4f00", label: "#1f2540", halo: "#ffffff", none: "#eceef2", chosen: "#e5a000" };
}

export interface Steps {
    /** Lower bounds of the classes after the first. */
    readonly bounds: readonly number[];
    readonly colors: readonly string[];
}

/** Two leading digits, so that a legend can be read. */
function nice(value: number): number {
    if (value <= 10) return Math.round(value * 10) / 10;
    const scale = 10 ** (Math.floor(Math.log10(value)) - 1);
    return Math.round(value / scale) * scale;
}

/** Classes with about equally many areas each, at bounds that can be read. */
export function steps(values: readonly number[], metric: Metric, dark: boolean): Steps {
    const ramp = (dark ? DARK_RAMPS : RAMPS)[metric];
    const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
    const bounds: number[] = [];
    for (let i = 1; i < ramp.length; i++) {
        const bound = nice(sorted[Math.floor((i * sorted.length) / ramp.length)] ?? 0);
        if (bound > (bounds[bounds.length - 1] ?? 0)) bounds.push(bound);
    }
    // Fewer classes keep the ends of the ramp apart.
    const colors = [...bounds, 0].map((_, i) => ramp[bounds.length ? Math.round((i * (ramp.length - 1)) / bounds.length) : 2]);
    return { bounds, colors };
}

export function colorOf(value: number | null, { bounds, colors }: Steps, none: string): string {
    if (value === null || Number.isNaN(value)) return none;
    let at = 0;
    while (at < bounds.length && value >= bounds[at]) at++;
    return colors[at];
}

/** Colors of points by type; told apart by people who see few colors too (Okabe and Ito), light and dark. */
export const TYPE_COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5cc9"] as const;
export const OTHER_COLOR = "#8a90a6";
