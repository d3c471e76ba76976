/**
 * What a person has chosen, and tables that say of each kind, place and status which choices it fails.
 *
 * Belongs here: the filters as a value, and compiling them. Does not belong here: how they are shown or written into a link.
 *
 * A request is described by three small numbers: its kind (type, department, source), its place (council, district) and its
 * status. A table per number holds one bit for each filter that it fails. Three loads then say all there is to know of a
 * request: no bit, it counts everywhere; one bit, it counts in that filter's own list (what choosing it would give); more, nowhere.
 */
import type { Manifest } from "./format";

/** Ids of the vocabularies in the manifest; `null` means all of them. */
export type Choice = readonly number[] | null;

export interface Filters {
    /** First and last day, both included, in days since 1970-01-01. */
    readonly from: number;
    readonly to: number;
    readonly types: Choice;
    readonly councils: Choice;
    readonly districts: Choice;
    readonly statuses: Choice;
    readonly sources: Choice;
    readonly departments: Choice;
}
export type Dimension = Exclude<keyof Filters, "from" | "to">;
export const DIMENSIONS: readonly Dimension[] = ["types", "councils", "districts", "statuses", "sources", "departments"];

export const BIT = { types: 1, departments: 2, sources: 4, councils: 8, districts: 16, statuses: 32, date: 64 } as const;

/** How a month lies to the chosen days; of a part, the first and last day in it (0 = first of the month). */
export type MonthPart = "out" | "whole" | { readonly first: number; readonly last: number };

export interface Compiled {
    readonly kind: Uint8Array;
    readonly place: Uint8Array;
    readonly status: Uint8Array;
    /** Failed bits of kind and status together, at kind * number of statuses + status. */
    readonly kindStatus: Uint8Array;
    readonly months: readonly MonthPart[];
}

/** Facts about the vocabularies that the counting needs as flat arrays. */
export class Vocabulary {
    readonly typeOf: Uint8Array;
    readonly departmentOf: Uint8Array;
    readonly sourceOf: Uint8Array;
    readonly councilOf: Uint16Array;
    readonly districtOf: Uint16Array;
    readonly statuses: number;
    readonly lastDay: number;

    constructor(readonly manifest: Manifest, lastDay: number) {
        this.typeOf = Uint8Array.from(manifest.kinds, (kind) => kind[0]);
        this.departmentOf = Uint8Array.from(manifest.kinds, (kind) => kind[1]);
        this.sourceOf = Uint8Array.from(manifest.kinds, (kind) => kind[2]);
        this.councilOf = Uint16Array.from(manifest.places, (place) => place[0]);
        this.districtOf = Uint16Array.from(manifest.places, (place) => place[1]);
        this.statuses = manifest.statuses.length;
        this.lastDay = lastDay;
    }
}

function failing(size: number, choice: Choice, bit: number): Uint8Array {
    const table = new Uint8Array(size).fill(choice === null ? 0 : bit);
    for (const id of choice ?? []) table[id] = 0;
    return table;
}

/** Tables of failed bits for these filters. */
export function compile(words: Vocabulary, filters: Filters): Compiled {
    const { manifest } = words;
    const types = failing(manifest.types.length, filters.types, BIT.types);
    const departments = failing(manifest.departments.length, filters.departments, BIT.departments);
    const sources = failing(manifest.sources.length, filters.sources, BIT.sources);
    const councils = failing(manifest.councils.length, filters.councils, BIT.councils);
    const districts = failing(manifest.districts.length, filters.districts, BIT.districts);
    const status = failing(words.statuses, filters.statuses, BIT.statuses);
    const kind = Uint8Array.from(manifest.kinds, ([type, department, source]) => types[type] | departments[department] | sources[source]);
    const place = Uint8Array.from(manifest.places, ([council, district]) => councils[council] | districts[district]);
    const kindStatus = new Uint8Array(kind.length * words.statuses);
    for (let k = 0; k < kind.length; k++)
        for (let s = 0; s < words.statuses; s++) kindStatus[k * words.statuses + s] = kind[k] | status[s];
    return { kind, place, status, kindStatus, months: parts(words, filters) };
}

/** How each month of the manifest lies to the chosen days. A month is whole when no day that has come is left out. */
export function parts(words: Vocabulary, filters: Filters): MonthPart[] {
    return words.manifest.months.map(({ first_day: first, days }) => {
        const last = Math.min(first + days - 1, Math.max(words.lastDay, first));
        if (filters.to < first || filters.from > first + days - 1) return "out";
        if (filters.from <= first && filters.to >= last) return "whole";
        return { first: Math.max(0, filters.from - first), last: Math.min(days - 1, filters.to - first) };
    });
}

/** Whether it is exactly one filter that fails. */
export function isOne(bits: number): boolean {
    return bits !== 0 && (bits & (bits - 1)) === 0;
}
