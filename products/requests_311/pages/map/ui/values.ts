/**
 * The value of each area for the metric that colors the map.
 *
 * Belongs here: counts, rates and medians per area. Does not belong here: colors and words.
 */
import type { Counts } from "../engine/cube";
import type { Manifest } from "../engine/format";
import type { Wait, Waits } from "../engine/waits";
import type { Areas, Metric } from "../state";

/** Below so many requests a median says more about chance than about the place. */
export const FEW = 20;

/** Hours within which half were closed; null where there are too few, or half has not been reached. */
export function medianOf(wait: Wait | undefined): number | null {
    return wait && wait.count >= FEW ? wait.median : null;
}

/** Requests per 1,000 residents; null where nobody is known to live. */
export function rateOf(manifest: Manifest, council: number, count: number): number | null {
    const people = manifest.councils[council].population;
    return people ? (1000 * count) / people : null;
}

/** One value per area, by its index in the manifest. Districts have no population here: their rate is null. */
export function areaValues(manifest: Manifest, areas: Areas, metric: Metric, counts: Counts, waits: Waits | null): (number | null)[] {
    return manifest[areas].map((_, id) => {
        if (metric === "wait") return medianOf(waits?.[areas][id]);
        if (metric === "rate") return areas === "councils" ? rateOf(manifest, id, counts.councils[id]) : null;
        return counts[areas][id];
    });
}

/** Address of a request as one line; the city writes the ZIP code into some addresses itself. */
export function addressText(details: Readonly<Record<string, unknown>> | null): string {
    const [address, zip] = [details?.address, details?.zip_code].map((part) => (typeof part === "string" ? part : ""));
    return address && zip && !address.includes(zip) ? `${address}, ${zip}` : address || zip;
}
