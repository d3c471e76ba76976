/** The engine's answers against a plain loop over the same requests. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine, type Told } from "./engine";
import type { Choice, Dimension, Filters } from "./filters";
import { BrokenFile, columns, CUBE, dayNumber, unpack } from "./format";
import { bin, type City, dice, LAST_DAY, makeCity, type Request, serve } from "./made";

const FIELD: Record<Dimension, keyof Request> = {
    types: "type", departments: "department", sources: "source", councils: "council", districts: "district", statuses: "status",
};
const NAMES = Object.keys(FIELD) as Dimension[];

let city: City;
let engine: Engine;
let stop: () => void;
const told: Told[] = [];

beforeAll(async () => {
    city = makeCity(4_000);
    const server = await serve(city.files);
    stop = server.stop;
    engine = new Engine(server.url, (each) => told.push(each));
    await engine.open();
});
afterAll(() => stop());

const dayOf = (request: Request) => city.manifest.months[request.month].first_day + request.day;
const all = (): Filters => ({
    from: dayNumber("2023-11-01"), to: dayNumber(LAST_DAY),
    types: null, councils: null, districts: null, statuses: null, sources: null, departments: null,
});

/** Requests that pass all filters but `left`. */
function passing(filters: Filters, left: Dimension | "date" | null): Request[] {
    return city.requests.filter(
        (request) =>
            (left === "date" || (dayOf(request) >= filters.from && dayOf(request) <= filters.to)) &&
            NAMES.every((name) => name === left || filters[name] === null || (filters[name] as readonly number[]).includes(request[FIELD[name]] as number)),
    );
}
const tally = (requests: readonly Request[], of: (request: Request) => number, size: number): number[] => {
    const counts = new Array<number>(size).fill(0);
    for (const request of requests) counts[of(request)]++;
    return counts;
};

async function agrees(filters: Filters): Promise<void> {
    const { counts, complete } = await engine.countWhole(filters);
    expect(complete).toBe(true);
    const chosen = passing(filters, null);
    expect(counts.total).toBe(chosen.length);
    for (const name of NAMES) expect([...counts[name]], name).toEqual(tally(passing(filters, name), (request) => request[FIELD[name]] as number, city.manifest[name].length));
    expect([...counts.months]).toEqual(tally(passing(filters, "date"), ({ month }) => month, 5));
    expect([...counts.monthsChosen]).toEqual(tally(chosen, ({ month }) => month, 5));
    expect([...counts.typesChosen]).toEqual(tally(chosen, ({ type }) => type, 4));
    expect([...counts.councilsChosen]).toEqual(tally(chosen, ({ council }) => council, 5));
}

describe("counts", () => {
    it("are those of a plain loop without a filter", () => agrees(all()));

    it.each(NAMES)("are those of a plain loop with a filter on %s", (name) => agrees({ ...all(), [name]: [1] }));

    it("are those of a plain loop for any filters and days", async () => {
        const roll = dice(7);
        for (let round = 0; round < 150; round++) {
            const choice = (size: number): Choice => (roll(2) ? null : [...new Set([roll(size), roll(size)])].sort());
            const days = [roll(141), roll(141)].sort((a, b) => a - b);
            await agrees({
                from: all().from + days[0], to: all().from + days[1],
                types: choice(4), departments: choice(3), sources: choice(4), councils: choice(5), districts: choice(3), statuses: choice(4),
            });
        }
    });

    it("are given at once for what is there, and say that more is to come", async () => {
        const server = await serve(city.files);
        const other = new Engine(server.url, () => undefined);
        await other.open();
        const part = { ...all(), from: dayNumber("2024-02-10") };
        expect(other.count(part).complete).toBe(false);
        expect((await other.countWhole(part)).complete).toBe(true);
        expect(other.count(part).counts.total).toBe(passing(part, null).length);
        server.stop();
    });

    it("load years newest first and say so", () => {
        expect(told.filter((each) => each.kind === "years").map((each) => each.oldest)).toEqual([2024, 2023]);
    });
});

describe("single requests", () => {
    it("are listed newest first, page by page, only those in view", async () => {
        const filters = { ...all(), types: [2] };
        const box = { west: -117.8, east: -117.3, south: 33.1, north: 33.6 };
        const seen: number[] = [];
        for (let skip = 0; ; skip += 20) {
            const { rows, more } = await engine.list(filters, box, skip, 20);
            seen.push(...rows.map(({ day }) => day));
            for (const { longitude, latitude } of rows) {
                expect(longitude).toBeGreaterThanOrEqual(box.west);
                expect(latitude).toBeLessThanOrEqual(box.north);
            }
            if (!more) break;
        }
        const inside = passing(filters, null).filter(
            ({ x, y }) => x !== null && y !== null && x >= 0.2 * 65_535 && x <= 0.7 * 65_535 && y >= 0.1 * 65_535 && y <= 0.6 * 65_535,
        );
        expect(seen).toEqual(inside.map(dayOf).sort((a, b) => b - a));
    });

    it("fill a grid once each", async () => {
        const filters = { ...all(), statuses: [0, 1] };
        const boxes = await engine.density(filters, { west: -118, east: -117, south: 33, north: 34 }, 16, Infinity);
        let sum = 0;
        for (let i = 2; i < boxes.length; i += 3) sum += boxes[i];
        expect(sum).toBe(passing(filters, null).filter(({ x }) => x !== null).length);
    });

    it("become points of all the months that the days touch", async () => {
        const points = await engine.points({ ...all(), from: dayNumber("2024-02-10") }, Infinity);
        expect(points.count).toBe(city.requests.filter(({ month, x }) => month >= 3 && x !== null).length);
        expect(points.firstDay).toBe(dayNumber("2024-02-01"));
        expect(points.data.byteLength).toBe(points.count * 12);
    });
});

describe("files that are not whole", () => {
    const good = bin([["u8", [1]], ["u16", [1]], ["u16", [1]], ["u8", [1]], ["u32", [1]]]);
    const bytes = (buffer: Buffer) => new Uint8Array(buffer).buffer as ArrayBuffer;

    it("are refused", async () => {
        await expect(unpack(bytes(Buffer.from("<!doctype html>")))).rejects.toThrow(BrokenFile);
        await expect(unpack(bytes(good.subarray(0, good.length - 3)))).rejects.toThrow(BrokenFile);
        const raw = await unpack(bytes(good));
        expect(() => columns(raw, CUBE, 2)).toThrow(BrokenFile);
        expect(() => columns(raw, CUBE, 0)).toThrow(BrokenFile);
    });
});
