/**
 * A small made-up city as map files, served over HTTP, for the tests.
 *
 * Belongs here: writing files the way their description says, once more and apart from the code that reads them. Does not belong
 * here: assertions.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";
import { dayNumber, type Manifest } from "./format";

export interface Request {
    readonly month: number;
    readonly day: number;
    readonly type: number;
    readonly department: number;
    readonly source: number;
    readonly council: number;
    readonly district: number;
    readonly status: number;
    readonly x: number | null;
    readonly y: number | null;
}

const WIDTH = { u8: 1, u16: 2, u32: 4, f32: 4 } as const;

/** Columns as a `.bin` file. */
export function bin(columns: readonly (readonly [keyof typeof WIDTH, readonly number[]])[]): Buffer {
    const parts = columns.map(([kind, values]) => {
        const bytes = Buffer.alloc((values.length * WIDTH[kind] + 3) & ~3);
        values.forEach((value, i) => {
            if (kind === "u8") bytes.writeUInt8(value, i);
            else if (kind === "u16") bytes.writeUInt16LE(value, i * 2);
            else if (kind === "u32") bytes.writeUInt32LE(value, i * 4);
            else bytes.writeFloatLE(value, i * 4);
        });
        return bytes;
    });
    const raw = Buffer.concat(parts);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(raw.length);
    return Buffer.concat([Buffer.from("CVM1"), size, deflateSync(raw)]);
}

/** The same numbers for the same seed. */
export function dice(seed: number): (sides: number) => number {
    let state = seed;
    return (sides) => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((state / 2 ** 32) * sides);
    };
}

const MONTHS = ["2023-11", "2023-12", "2024-01", "2024-02", "2024-03"];
export const LAST_DAY = "2024-03-20";
const named = (word: string, count: number) => Array.from({ length: count }, (_, i) => ({ code: `${word}${i}`, name: `${word} ${i}` }));

export interface City {
    readonly requests: readonly Request[];
    readonly manifest: Manifest;
    readonly files: ReadonlyMap<string, Buffer>;
}

/** Requests by chance, and their files. */
export function makeCity(count: number, seed = 1): City {
    const roll = dice(seed);
    const requests = Array.from({ length: count }, (): Request => {
        const month = roll(MONTHS.length);
        const point = roll(10) > 0;
        return {
            month, day: roll(month === 4 ? 20 : 29), type: roll(4), department: roll(3), source: roll(4), council: roll(5), district: roll(3),
            status: roll(4), x: point ? roll(65_536) : null, y: point ? roll(65_536) : null,
        };
    });
    const distinct = (of: (request: Request) => number[]) => [...new Set(requests.map((request) => of(request).join()))].sort().map((text) => text.split(",").map(Number));
    const kinds = distinct(({ type, department, source }) => [type, department, source]) as [number, number, number][];
    const places = distinct(({ council, district }) => [council, district]) as [number, number][];
    const kindOf = (request: Request) => kinds.findIndex((kind) => kind.join() === [request.type, request.department, request.source].join());
    const placeOf = (request: Request) => places.findIndex((place) => place.join() === [request.council, request.district].join());
    const files = new Map<string, Buffer>();
    const months = MONTHS.map((month, index) => {
        const mine = requests.filter((request) => request.month === index).sort((a, b) => Number(a.x === null) - Number(b.x === null) || a.day - b.day);
        files.set(`rows-${month}.bin`, bin([
            ["u16", mine.map(({ x }) => x ?? 0)], ["u16", mine.map(({ y }) => y ?? 0)], ["u8", mine.map(({ day }) => day)],
            ["u16", mine.map(kindOf)], ["u16", mine.map(placeOf)], ["u8", mine.map(({ status }) => status)], ["f32", mine.map(() => Number.NaN)],
        ]));
        const days = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).getUTCDate();
        return {
            month, days, first_day: dayNumber(`${month}-01`), rows: mine.length, with_point: mine.filter(({ x }) => x !== null).length,
            rows_file: `rows-${month}.bin`, rows_bytes: 0, details_file: "", details_bytes: 0,
        };
    });
    const cubes = ["2023", "2024"].map((year) => {
        const cells = new Map<string, number>();
        for (const request of requests) {
            if (!MONTHS[request.month].startsWith(year)) continue;
            const key = [Number(MONTHS[request.month].slice(5)), placeOf(request), kindOf(request), request.status].map((id) => String(id).padStart(5, "0")).join();
            cells.set(key, (cells.get(key) ?? 0) + 1);
        }
        const sorted = [...cells].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, n]) => [...key.split(",").map(Number), n]);
        const column = (at: number) => sorted.map((cell) => cell[at]);
        files.set(`cube-${year}.bin`, bin([["u8", column(0)], ["u16", column(1)], ["u16", column(2)], ["u8", column(3)], ["u32", column(4)]]));
        return { year: Number(year), cells: sorted.length, file: `cube-${year}.bin`, bytes: 0 };
    });
    const manifest: Manifest = {
        format: 1, product: "made_up", versions: {}, timezone: "UTC", newest_created_on: LAST_DAY, newest_updated_at: null,
        first_day: "2023-11-01", last_day: LAST_DAY, total_rows: count, rows_without_point: 0, bounds: [-118, 33, -117, 34], notes: [],
        types: named("type", 4), departments: named("department", 3), sources: named("source", 4), districts: named("district", 3), councils: named("council", 5),
        statuses: named("status", 4).map((status, i) => ({ ...status, group: i < 2 ? "open" : "closed" })),
        kinds, places, months, cubes, waits: [], wait_edges_hours: [1, 2, 4, 8], boundaries_file: "boundaries.json",
    };
    files.set("manifest.json", Buffer.from(JSON.stringify(manifest)));
    files.set("boundaries.json", Buffer.from("{}"));
    return { requests, manifest, files };
}

/** Serve files on loopback; ask `stop` afterwards. */
export async function serve(files: ReadonlyMap<string, Buffer>): Promise<{ readonly url: string; readonly stop: () => void }> {
    const server: Server = createServer((request, answer) => {
        const file = files.get((request.url ?? "").slice(1));
        answer.writeHead(file ? 200 : 404).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, stop: () => server.close() };
}
