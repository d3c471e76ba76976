/**
 * The files of the map, version 1: what the manifest holds and how a `.bin` file is opened.
 *
 * Belongs here: shapes and decoding. Does not belong here: fetching (`store.ts`) and counting (`cube.ts`, `rows.ts`, `waits.ts`).
 * The files are written by the Python half beside this folder; its docstring is the description.
 */

export interface Named {
    readonly code: string;
    readonly name: string;
}
export interface TypeEntry extends Named {
    readonly is_sensitive?: boolean;
    readonly is_information_only?: boolean;
}
export interface StatusEntry extends Named {
    readonly group: "open" | "closed" | "other";
}
export interface CouncilEntry extends Named {
    readonly region?: string | null;
    readonly population?: number | null;
    readonly area_km2?: number | null;
}
export interface MonthEntry {
    /** Such as "2019-03". */
    readonly month: string;
    /** Days since 1970-01-01 of its first day. */
    readonly first_day: number;
    readonly days: number;
    readonly rows: number;
    readonly with_point: number;
    readonly rows_file: string;
    readonly rows_bytes: number;
    readonly details_file: string;
    readonly details_bytes: number;
}
export interface CubeEntry {
    readonly year: number;
    readonly months?: readonly (string | number)[];
    readonly cells: number;
    readonly file: string;
    readonly bytes: number;
}
export interface Note {
    readonly id: string;
    readonly title: string;
    readonly text: string;
}
export interface Manifest {
    readonly format: number;
    readonly product: string;
    readonly versions: Readonly<Record<string, string>>;
    readonly timezone: string;
    readonly newest_created_on: string | null;
    readonly newest_updated_at: string | null;
    readonly first_day: string;
    readonly last_day: string;
    readonly total_rows: number;
    readonly rows_without_point: number;
    readonly undated_rows?: number;
    /** West, south, east, north of the quantised coordinates, in degrees. */
    readonly bounds: readonly [number, number, number, number];
    readonly notes: readonly Note[];
    readonly types: readonly TypeEntry[];
    readonly statuses: readonly StatusEntry[];
    readonly departments: readonly Named[];
    readonly sources: readonly Named[];
    readonly councils: readonly CouncilEntry[];
    readonly districts: readonly Named[];
    /** [type, department, source] of each kind. */
    readonly kinds: readonly (readonly [number, number, number])[];
    /** [council, district] of each place. */
    readonly places: readonly (readonly [number, number])[];
    readonly months: readonly MonthEntry[];
    readonly cubes: readonly CubeEntry[];
    readonly waits: readonly CubeEntry[];
    readonly wait_edges_hours: readonly number[];
    readonly boundaries_file: string;
    readonly addresses?: unknown;
}

/** Cells of one year: how many requests share a month, place, kind and status. Sorted in that order. */
export interface CubeColumns {
    readonly month: Uint8Array;
    readonly place: Uint16Array;
    readonly kind: Uint16Array;
    readonly status: Uint8Array;
    readonly count: Uint32Array;
}
/** One line per request of a month; those with a point first. */
export interface RowColumns {
    readonly x: Uint16Array;
    readonly y: Uint16Array;
    readonly day: Uint8Array;
    readonly kind: Uint16Array;
    readonly place: Uint16Array;
    readonly status: Uint8Array;
    readonly hours: Float32Array;
}
export interface WaitColumns {
    readonly month: Uint8Array;
    readonly place: Uint16Array;
    readonly type: Uint8Array;
    readonly bin: Uint8Array;
    readonly closed: Uint32Array;
    readonly censored: Uint32Array;
}

const MAKERS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array } as const;
type Kind = keyof typeof MAKERS;
type Layout = readonly (readonly [string, Kind])[];

export const CUBE: Layout = [["month", "u8"], ["place", "u16"], ["kind", "u16"], ["status", "u8"], ["count", "u32"]];
export const ROWS: Layout = [
    ["x", "u16"], ["y", "u16"], ["day", "u8"], ["kind", "u16"], ["place", "u16"], ["status", "u8"], ["hours", "f32"],
];
export const WAITS: Layout = [
    ["month", "u8"], ["place", "u16"], ["type", "u8"], ["bin", "u8"], ["closed", "u32"], ["censored", "u32"],
];

const MAGIC = 0x314d5643; // "CVM1", read as a little-endian number

/** A file of ours that cannot be used: cut short, of another version, or not ours at all. */
export class BrokenFile extends Error {}

/** The raw bytes of a `.bin` file. Throws BrokenFile when it is not one or not whole. */
export async function unpack(file: ArrayBuffer): Promise<ArrayBuffer> {
    const head = new DataView(file);
    if (file.byteLength < 8 || head.getUint32(0, true) !== MAGIC) throw new BrokenFile("not a file of the map");
    const stream = new Blob([new Uint8Array(file, 8)]).stream().pipeThrough(new DecompressionStream("deflate"));
    let raw: ArrayBuffer;
    try {
        raw = await new Response(stream).arrayBuffer();
    } catch {
        throw new BrokenFile("the file is damaged");
    }
    if (raw.byteLength !== head.getUint32(4, true)) throw new BrokenFile("the file is not whole");
    return raw;
}

/** Views on the columns of raw bytes; nothing is copied. Throws BrokenFile when the size is not that of so many rows. */
export function columns<T>(raw: ArrayBuffer, layout: Layout, rows: number): T {
    const found: Record<string, ArrayBufferView> = {};
    let offset = 0;
    for (const [name, kind] of layout) {
        const maker = MAKERS[kind];
        const bytes = rows * maker.BYTES_PER_ELEMENT;
        if (offset + bytes > raw.byteLength) throw new BrokenFile(`fewer than ${rows} rows`);
        found[name] = new maker(raw, offset, rows);
        offset += (bytes + 3) & ~3;
    }
    if (offset !== raw.byteLength) throw new BrokenFile(`not ${rows} rows`);
    return found as T;
}

/** Days since 1970-01-01 of an ISO day. */
export function dayNumber(iso: string): number {
    return Math.round(Date.parse(`${iso.slice(0, 10)}T00:00:00Z`) / 86_400_000);
}

/** ISO day of days since 1970-01-01. */
export function isoDay(day: number): string {
    return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
