/**
 * How long requests took: Kaplan-Meier over bins of waiting time, so that open requests count as "at least so long".
 *
 * Belongs here: pooling the bins of the chosen months, types and places, and reading quantiles off. Does not belong here: words.
 * The same rules as `models/time_to_close.sql`, but over bins: within the bin where the share is reached, time is interpolated
 * geometrically.
 */
import type { WaitColumns } from "./format";
import { BIT, type Compiled, type Filters, type Vocabulary } from "./filters";

export interface WaitBlock extends WaitColumns {
    readonly year: number;
    /** Index in the manifest's months, per cell. */
    readonly monthIndex: Uint16Array;
}

/** Requests by bin: closed in it, or last seen waiting in it. */
export interface Bins {
    readonly closed: Float64Array;
    readonly censored: Float64Array;
}

export interface Wait {
    /** Requests in it, and how many of them were not closed when last seen. */
    readonly count: number;
    readonly censored: number;
    /** Hours; null when the share is not reached. */
    readonly p25: number | null;
    readonly median: number | null;
    readonly p75: number | null;
}

export interface Waits {
    readonly all: Wait;
    readonly types: readonly Wait[];
    readonly councils: readonly Wait[];
    readonly districts: readonly Wait[];
}

/** Hours within which `share` of the requests were closed; null when that share is not reached. */
export function quantile(bins: Bins, edges: readonly number[], share: number): number | null {
    let waiting = sum(bins.closed) + sum(bins.censored);
    let still = 1;
    const goal = 1 - share;
    for (let bin = 0; bin < bins.closed.length; bin++) {
        const closed = bins.closed[bin];
        if (closed > 0 && waiting > 0) {
            // Who stopped being watched inside the bin was watched for half of it (as map_files/waits.py does).
            const next = still * (1 - closed / Math.max(waiting - bins.censored[bin] / 2, closed));
            if (next <= goal + 1e-9) {
                const high = edges[Math.min(bin, edges.length - 1)];
                const low = bin > 0 ? edges[bin - 1] : edges[0] / 2;
                const part = still > next ? Math.min(1, Math.max(0, (still - goal) / (still - next))) : 1;
                return low * (high / low) ** part;
            }
            still = next;
        }
        waiting -= closed + bins.censored[bin];
    }
    return null;
}

function sum(values: Float64Array): number {
    let total = 0;
    for (const value of values) total += value;
    return total;
}

function summarise(bins: Bins, edges: readonly number[]): Wait {
    const censored = sum(bins.censored);
    return {
        count: sum(bins.closed) + censored,
        censored,
        p25: quantile(bins, edges, 0.25),
        median: quantile(bins, edges, 0.5),
        p75: quantile(bins, edges, 0.75),
    };
}

/**
 * Waits of the chosen types, places and months; a month counts whole when any of its days is chosen. Status and department do
 * not choose here: the files hold what residents asked for, however it ended.
 */
export function countWaits(words: Vocabulary, blocks: readonly WaitBlock[], compiled: Compiled, filters: Filters): Waits {
    const { manifest } = words;
    const edges = manifest.wait_edges_hours;
    const size = edges.length + 1;
    const typeFails = new Uint8Array(manifest.types.length).fill(filters.types === null ? 0 : 1);
    for (const id of filters.types ?? []) typeFails[id] = 0;
    const make = (count: number) => ({ closed: new Float64Array(size * count), censored: new Float64Array(size * count) });
    const all = make(1);
    const types = make(manifest.types.length);
    const councils = make(manifest.councils.length);
    const districts = make(manifest.districts.length);
    const add = (to: Bins, row: number, bin: number, closed: number, censored: number) => {
        to.closed[row * size + bin] += closed;
        to.censored[row * size + bin] += censored;
    };
    for (const block of blocks) {
        for (let i = 0; i < block.bin.length; i++) {
            if (compiled.months[block.monthIndex[i]] === "out") continue;
            const place = block.place[i];
            const bits = compiled.place[place];
            const fails = typeFails[block.type[i]];
            const bin = block.bin[i];
            const closed = block.closed[i];
            const censored = block.censored[i];
            if (bits === 0) add(types, block.type[i], bin, closed, censored);
            if (fails) continue;
            if (bits === 0) add(all, 0, bin, closed, censored);
            if (bits === 0 || bits === BIT.councils) add(councils, words.councilOf[place], bin, closed, censored);
            if (bits === 0 || bits === BIT.districts) add(districts, words.districtOf[place], bin, closed, censored);
        }
    }
    const each = (of: Bins, count: number) =>
        Array.from({ length: count }, (_, row) =>
            summarise({ closed: of.closed.subarray(row * size, (row + 1) * size), censored: of.censored.subarray(row * size, (row + 1) * size) }, edges),
        );
    return {
        all: summarise(all, edges),
        types: each(types, manifest.types.length),
        councils: each(councils, manifest.councils.length),
        districts: each(districts, manifest.districts.length),
    };
}
