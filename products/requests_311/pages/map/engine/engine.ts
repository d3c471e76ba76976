/**
 * Everything the page asks of the data, in one object that lives in a worker.
 *
 * Belongs here: which files are needed for an answer, and in which order they are loaded. Does not belong here: the passes themselves
 * (`cube.ts`, `rows.ts`, `waits.ts`) and anything that is drawn.
 */
import { addBlock, type Block, type Counts, newSums, toBlock, toCounts } from "./cube";
import { Addresses, type Place } from "./addresses";
import type { Details, DetailsReader } from "./details";
import type { Exported } from "./exporting";
import { compile, type Compiled, type Filters, Vocabulary } from "./filters";
import { dayNumber, isoDay, type Manifest } from "./format";
import { addDensity, addRows, chosen, type Frame, nearest, packPoints, POINT_BYTES } from "./rows";
import { Store } from "./store";
import { countWaits, type WaitBlock, type Waits } from "./waits";
import type { Form } from "./write";

/** What the engine tells without being asked. */
export type Told =
    | { readonly kind: "years"; readonly loaded: number; readonly total: number; readonly oldest: number }
    | { readonly kind: "more" }
    | { readonly kind: "failed"; readonly message: string }
    | { readonly kind: "progress"; readonly task: string; readonly done: number; readonly total: number };

export interface Opened {
    readonly manifest: Manifest;
    readonly boundaries: unknown;
}

export interface Counted {
    readonly counts: Counts;
    /** Whether every file that the answer needs was there; if not, it is an answer for what was. */
    readonly complete: boolean;
    /** Milliseconds of the pass. */
    readonly took: number;
}

export interface Points {
    readonly data: ArrayBuffer;
    readonly count: number;
    /** Day 0 of the points' day numbers. */
    readonly firstDay: number;
    /** Points left out because there are more than can be drawn. */
    readonly left: number;
    readonly oldestDay: number;
}

export interface Row {
    readonly month: number;
    readonly row: number;
    readonly day: number;
    readonly kind: number;
    readonly place: number;
    readonly status: number;
    readonly hours: number | null;
    readonly longitude: number | null;
    readonly latitude: number | null;
}

export interface Box {
    readonly west: number;
    readonly south: number;
    readonly east: number;
    readonly north: number;
}

export class Engine {
    private readonly store: Store;
    private manifest!: Manifest;
    private words!: Vocabulary;
    private reader: Promise<DetailsReader> | null = null;
    private addresses!: Addresses;
    private readonly blocks: Block[] = [];
    private readonly coming = new Map<number, Promise<void>>();
    private waitBlocks = new Map<number, Promise<WaitBlock>>();
    private readonly cancelled = new Map<number, AbortController>();

    constructor(base: string, private readonly tell: (told: Told) => void) {
        this.store = new Store(base);
    }

    /** Manifest, outlines and the newest year; the older years follow by themselves. */
    async open(): Promise<Opened> {
        this.manifest = await this.store.openManifest();
        this.words = new Vocabulary(this.manifest, dayNumber(this.manifest.last_day));
        this.addresses = new Addresses(this.store, this.manifest);
        const boundaries = this.store.json(this.manifest.boundaries_file);
        await this.years(1);
        void this.years(Infinity).catch((error: Error) => this.tell({ kind: "failed", message: error.message }));
        return { manifest: this.manifest, boundaries: await boundaries };
    }

    /** Load the missing years, newest first, up to so many of them. Asked for twice at once, each is still loaded once. */
    async years(limit = Infinity): Promise<void> {
        const order = this.manifest.cubes.map((_, index) => index).sort((a, b) => this.manifest.cubes[b].year - this.manifest.cubes[a].year);
        for (const index of order.slice(0, limit)) await this.year(index, order.length);
    }

    private year(index: number, total: number): Promise<void> {
        const { year } = this.manifest.cubes[index];
        const held = this.coming.get(year);
        if (held) return held;
        const coming = this.store.cube(index).then((cells) => {
            this.blocks.push(toBlock(this.words, year, cells, this.monthsOf(year)));
            this.tell({ kind: "years", loaded: this.blocks.length, total, oldest: year });
        });
        this.coming.set(year, coming);
        coming.catch(() => this.coming.delete(year));
        return coming;
    }

    /** Place in the manifest's list of month 1..12 of a year. */
    private monthsOf(year: number): number[] {
        const found: number[] = [];
        this.manifest.months.forEach(({ month }, index) => {
            if (month.startsWith(`${year}-`)) found[Number(month.slice(5))] = index;
        });
        return found;
    }

    /** Months that have days under these filters, newest first. */
    private touched(compiled: Compiled): number[] {
        const found: number[] = [];
        for (let month = compiled.months.length - 1; month >= 0; month--) if (compiled.months[month] !== "out") found.push(month);
        return found;
    }

    count(filters: Filters): Counted {
        const began = performance.now();
        const compiled = compile(this.words, filters);
        const sums = newSums(this.words);
        let complete = true;
        for (const block of this.blocks) addBlock(block, compiled, sums);
        const there = new Set(this.blocks.map((block) => block.year));
        compiled.months.forEach((part, month) => {
            if (part === "out") return;
            if (part === "whole") {
                complete &&= there.has(Number(this.manifest.months[month].month.slice(0, 4)));
                return;
            }
            const rows = this.store.ready(month);
            if (rows) addRows(this.words, rows, month, compiled, sums);
            else {
                complete = false;
                this.store.month(month).then(() => this.tell({ kind: "more" }), (error: Error) => this.tell({ kind: "failed", message: error.message }));
            }
        });
        return { counts: toCounts(this.words, compiled, sums), complete, took: performance.now() - began };
    }

    /** The same, waiting for what it needs. */
    async countWhole(filters: Filters): Promise<Counted> {
        const compiled = compile(this.words, filters);
        await this.years();
        await Promise.all(this.touched(compiled).map((month) => (compiled.months[month] === "whole" ? null : this.store.month(month))));
        return this.count(filters);
    }

    async waits(filters: Filters): Promise<Waits> {
        const compiled = compile(this.words, filters);
        const years = new Set(this.touched(compiled).map((month) => Number(this.manifest.months[month].month.slice(0, 4))));
        const blocks = await Promise.all(
            this.manifest.waits.flatMap(({ year }, index) => (years.has(year) ? [this.waitBlock(year, index)] : [])),
        );
        return countWaits(this.words, blocks, compiled, filters);
    }

    private waitBlock(year: number, index: number): Promise<WaitBlock> {
        let held = this.waitBlocks.get(year);
        if (!held) {
            const months = this.monthsOf(year);
            held = this.store.waits(index).then((cells) => ({ ...cells, year, monthIndex: Uint16Array.from(cells.month, (month) => months[month]) }));
            held.catch(() => this.waitBlocks.delete(year));
            this.waitBlocks.set(year, held);
        }
        return held;
    }

    /** Points of all requests made in the chosen months, whatever else is chosen: the graphics card filters them. */
    async points(filters: Filters, limit: number): Promise<Points> {
        const months: number[] = [];
        let count = 0;
        let left = 0;
        for (const month of this.touched(compile(this.words, filters))) {
            const { with_point } = this.manifest.months[month];
            if (count + with_point > limit && months.length) left += with_point;
            else {
                months.push(month);
                count += with_point;
            }
        }
        const oldest = months[months.length - 1];
        const firstDay = months.length ? this.manifest.months[oldest].first_day : 0;
        const data = new Uint16Array(count * (POINT_BYTES / 2));
        let at = 0;
        let done = 0;
        for (let i = 0; i < months.length; i += 4) {
            const some = months.slice(i, i + 4);
            const opened = await Promise.all(some.map((month) => this.store.month(month)));
            opened.forEach((rows, j) => {
                const { with_point, first_day } = this.manifest.months[some[j]];
                packPoints(rows, with_point, first_day, firstDay, data, at);
                at += with_point;
            });
            done += some.length;
            this.tell({ kind: "progress", task: "points", done, total: months.length });
        }
        return { data: data.buffer, count, firstDay, left, oldestDay: firstDay };
    }

    private frame(box: Box): Frame {
        const [west, south, east, north] = this.manifest.bounds;
        const x = (longitude: number) => ((longitude - west) / (east - west)) * 65_535;
        const y = (latitude: number) => ((latitude - south) / (north - south)) * 65_535;
        return { west: Math.max(0, x(box.west)), east: Math.min(65_535, x(box.east)), south: Math.max(0, y(box.south)), north: Math.min(65_535, y(box.north)) };
    }

    private spot(x: number, y: number): readonly [number, number] {
        const [west, south, east, north] = this.manifest.bounds;
        return [west + (x / 65_535) * (east - west), south + (y / 65_535) * (north - south)];
    }

    /** Requests per box of a grid over `box`, as longitude, latitude and count of each box that is not empty. */
    async density(filters: Filters, box: Box, side: number, limit: number): Promise<Float32Array> {
        const compiled = compile(this.words, filters);
        const frame = this.frame(box);
        const grid = new Uint32Array(side * side);
        let read = 0;
        for (const month of this.touched(compiled)) {
            const { with_point } = this.manifest.months[month];
            if (read > 0 && read + with_point > limit) break;
            read += with_point;
            addDensity(await this.store.month(month), with_point, compiled, month, frame, side, grid);
        }
        const found: number[] = [];
        const stepX = (frame.east - frame.west + 1) / side;
        const stepY = (frame.north - frame.south + 1) / side;
        grid.forEach((count, i) => {
            if (count) found.push(...this.spot(frame.west + ((i % side) + 0.5) * stepX, frame.south + (Math.floor(i / side) + 0.5) * stepY), count);
        });
        return Float32Array.from(found);
    }

    private row(month: number, row: number, rows: Awaited<ReturnType<Store["month"]>>): Row {
        const entry = this.manifest.months[month];
        const point = row < entry.with_point ? this.spot(rows.x[row], rows.y[row]) : null;
        return {
            month, row, day: entry.first_day + rows.day[row], kind: rows.kind[row], place: rows.place[row], status: rows.status[row],
            hours: Number.isNaN(rows.hours[row]) ? null : rows.hours[row], longitude: point?.[0] ?? null, latitude: point?.[1] ?? null,
        };
    }

    /** Requests that pass, newest first: `limit` of them after the first `skip`. With a box, only those with a point in it. */
    async list(filters: Filters, box: Box | null, skip: number, limit: number): Promise<{ readonly rows: Row[]; readonly more: boolean }> {
        const compiled = compile(this.words, filters);
        const frame = box ? this.frame(box) : null;
        const found: Row[] = [];
        let passed = 0;
        for (const month of this.touched(compiled)) {
            const rows = await this.store.month(month);
            const picked = chosen(rows, this.manifest.months[month].with_point, compiled, month, frame);
            if (passed + picked.length <= skip) {
                passed += picked.length;
                continue;
            }
            const sorted = Array.from(picked).sort((a, b) => rows.day[b] - rows.day[a] || a - b);
            for (const row of sorted) {
                if (passed++ < skip) continue;
                if (found.length === limit) return { rows: found, more: true };
                found.push(this.row(month, row, rows));
            }
        }
        return { rows: found, more: false };
    }

    /** The request nearest to a spot among months already opened, within so many degrees; null when there is none. */
    near(filters: Filters, longitude: number, latitude: number, reach: number): Row | null {
        const compiled = compile(this.words, filters);
        const [west, south, east, north] = this.manifest.bounds;
        const spot = {
            x: ((longitude - west) / (east - west)) * 65_535, y: ((latitude - south) / (north - south)) * 65_535,
            reachX: (reach / (east - west)) * 65_535, reachY: ((reach * Math.cos((latitude * Math.PI) / 180)) / (north - south)) * 65_535,
        };
        let best: Row | null = null;
        let distance = Infinity;
        for (const month of this.touched(compiled)) {
            const rows = this.store.ready(month);
            const found = rows && nearest(rows, this.manifest.months[month].with_point, compiled, month, spot);
            if (rows && found && found.distance < distance) {
                distance = found.distance;
                best = this.row(month, found.row, rows);
            }
        }
        return best;
    }

    /** Reading Parquet is code of its own, fetched when it is first needed. */
    private details(): Promise<DetailsReader> {
        this.reader ??= import("./details").then(({ DetailsReader }) => new DetailsReader(this.store, this.manifest));
        return this.reader;
    }

    /** Public columns of the rows named, in their order. */
    async read(rows: readonly { readonly month: number; readonly row: number }[], columns: string[]): Promise<Details[]> {
        const byMonth = new Map<number, number[]>();
        for (const { month, row } of rows) byMonth.set(month, [...(byMonth.get(month) ?? []), row]);
        const found = new Map<string, Details>();
        const reader = await this.details();
        await Promise.all(
            [...byMonth].map(async ([month, wanted]) => {
                const read = await reader.rows(month, wanted, columns);
                wanted.forEach((row, i) => found.set(`${month}/${row}`, read[i]));
            }),
        );
        return rows.map(({ month, row }) => found.get(`${month}/${row}`) ?? {});
    }

    /** Everything that passes, as a file. `task` names it for `cancel` and in what is told of its progress. */
    async export(task: number, filters: Filters, form: Form): Promise<Exported> {
        const stop = new AbortController();
        this.cancelled.set(task, stop);
        const compiled = compile(this.words, filters);
        const name = `311-requests_${isoDay(filters.from)}_${isoDay(filters.to)}.${form === "geojson" ? "geojson" : form}`;
        try {
            const [{ exportRows }, details] = await Promise.all([import("./exporting"), this.details()]);
            return await exportRows({
                store: this.store, details, manifest: this.manifest, compiled, months: this.touched(compiled).reverse(),
                form, name, signal: stop.signal, progress: (done, total) => this.tell({ kind: "progress", task: `export ${task}`, done, total }),
            });
        } finally {
            this.cancelled.delete(task);
        }
    }

    cancel(task: number): void {
        this.cancelled.get(task)?.abort();
    }

    async openSearch(): Promise<void> {
        await this.addresses.open();
    }

    find(text: string): Promise<Place[]> {
        return this.addresses.find(text);
    }
}
