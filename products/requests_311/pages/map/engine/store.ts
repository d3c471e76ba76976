/**
 * Fetching the files, once each, with a bound on what is kept.
 *
 * Belongs here: addresses, retries of nothing (a person presses "try again"), the cache of opened months. Does not belong here:
 * what the files mean.
 */
import { type CubeColumns, CUBE, columns, type Manifest, type RowColumns, ROWS, unpack, type WaitColumns, WAITS } from "./format";

/** Opened months take about 14 bytes per request; this keeps two years of a large city. */
const KEEP_BYTES = 64 * 1024 * 1024;

/** A file that could not be had: no network, or the server's answer. */
export class Unreachable extends Error {}

export class Store {
    private readonly rows = new Map<number, Promise<RowColumns>>();
    private readonly opened = new Map<number, RowColumns>();

    constructor(private readonly base: string, private manifest: Manifest | null = null) {}

    url(file: string): string {
        return new URL(file, this.base).href;
    }

    async get(file: string, init?: RequestInit): Promise<Response> {
        let answer: Response;
        try {
            answer = await fetch(this.url(file), init);
        } catch (error) {
            if (init?.signal?.aborted) throw error;
            throw new Unreachable(`${file}: no answer`);
        }
        if (!answer.ok) throw new Unreachable(`${file}: ${answer.status}`);
        return answer;
    }

    async json<T>(file: string, init?: RequestInit): Promise<T> {
        return (await this.get(file, init)).json() as Promise<T>;
    }

    async bin(file: string): Promise<ArrayBuffer> {
        return unpack(await (await this.get(file)).arrayBuffer());
    }

    /** The manifest; asked for anew each time, since it alone says what has changed. */
    async openManifest(): Promise<Manifest> {
        this.manifest = await this.json<Manifest>("manifest.json", { cache: "no-cache" });
        if (this.manifest.format !== 1) throw new Unreachable(`manifest.json: format ${this.manifest.format}`);
        return this.manifest;
    }

    async cube(index: number): Promise<CubeColumns> {
        const entry = this.known().cubes[index];
        return columns<CubeColumns>(await this.bin(entry.file), CUBE, entry.cells);
    }

    async waits(index: number): Promise<WaitColumns> {
        const entry = this.known().waits[index];
        return columns<WaitColumns>(await this.bin(entry.file), WAITS, entry.cells);
    }

    /** Rows of a month that are there already. */
    ready(month: number): RowColumns | undefined {
        return this.opened.get(month);
    }

    /** Rows of a month, from memory or fetched. The months used longest ago are let go. */
    month(month: number): Promise<RowColumns> {
        const held = this.rows.get(month);
        if (held) {
            this.rows.delete(month);
            this.rows.set(month, held);
            return held;
        }
        const entry = this.known().months[month];
        const coming = this.bin(entry.rows_file).then((raw) => {
            const opened = columns<RowColumns>(raw, ROWS, entry.rows);
            this.opened.set(month, opened);
            this.letGo(month);
            return opened;
        });
        this.rows.set(month, coming);
        coming.catch(() => this.rows.delete(month));
        return coming;
    }

    private letGo(newest: number): void {
        const { months } = this.known();
        let bytes = 0;
        for (const month of this.opened.keys()) bytes += months[month].rows * 14;
        for (const month of this.rows.keys()) {
            if (bytes <= KEEP_BYTES) return;
            if (month === newest || !this.opened.has(month)) continue;
            this.rows.delete(month);
            this.opened.delete(month);
            bytes -= months[month].rows * 14;
        }
    }

    private known(): Manifest {
        if (!this.manifest) throw new Error("the manifest has not been read");
        return this.manifest;
    }
}
