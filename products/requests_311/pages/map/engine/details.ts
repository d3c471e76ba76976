/**
 * The public columns of single requests, read out of a month's Parquet file by row group.
 *
 * Belongs here: reading by ranges, and the whole file where a server gives no ranges. Does not belong here: choosing rows.
 */
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import type { Manifest } from "./format";
import type { Store } from "./store";

export type Details = Record<string, unknown>;

export interface DetailsFile {
    readonly file: AsyncBuffer;
    readonly metadata: FileMetaData;
}

/** A file read by ranges; a server that knows none sends it whole, and then it is kept until this is let go. */
function ranged(store: Store, name: string, bytes: number, signal?: AbortSignal): AsyncBuffer {
    let whole: Promise<ArrayBuffer> | null = null;
    return {
        byteLength: bytes,
        async slice(start: number, end?: number): Promise<ArrayBuffer> {
            const stop = end ?? bytes;
            if (!whole) {
                const answer = await store.get(name, { headers: { Range: `bytes=${start}-${stop - 1}` }, signal });
                if (answer.status === 206) return answer.arrayBuffer();
                whole = answer.arrayBuffer();
            }
            return (await whole).slice(start, stop);
        },
    };
}

export class DetailsReader {
    private readonly files = new Map<number, Promise<DetailsFile>>();

    constructor(private readonly store: Store, private readonly manifest: Manifest) {}

    /** A month's file with its footer read. With `whole` it is fetched at once, for who reads most of it. */
    async open(month: number, whole = false, signal?: AbortSignal): Promise<DetailsFile> {
        if (!whole) {
            const held = this.files.get(month);
            if (held) return held;
        }
        const entry = this.manifest.months[month];
        const coming = (async () => {
            let file: AsyncBuffer;
            if (whole) {
                const bytes = await (await this.store.get(entry.details_file, { signal })).arrayBuffer();
                file = { byteLength: bytes.byteLength, slice: (start, end) => bytes.slice(start, end) };
            } else file = ranged(this.store, entry.details_file, entry.details_bytes, signal);
            return { file, metadata: await parquetMetadataAsync(file) };
        })();
        if (!whole) {
            if (this.files.size > 4) this.files.delete(this.files.keys().next().value as number);
            this.files.set(month, coming);
            coming.catch(() => this.files.delete(month));
        }
        return coming;
    }

    /** Details of some rows of a month, in the order asked for. `columns` limits what is read. */
    async rows(month: number, wanted: ArrayLike<number>, columns?: string[], opened?: DetailsFile): Promise<Details[]> {
        const { file, metadata } = opened ?? (await this.open(month));
        const found = new Map<number, Details>();
        const asked = new Set<number>(Array.from(wanted));
        let start = 0;
        for (const group of metadata.row_groups) {
            const end = start + Number(group.num_rows);
            const first = start;
            let some = false;
            for (const row of asked) if (row >= first && row < end) some = true;
            if (some) {
                const read = await parquetReadObjects({ file, metadata, columns, rowStart: start, rowEnd: end });
                for (const row of asked) if (row >= first && row < end) found.set(row, read[row - first]);
            }
            start = end;
        }
        return Array.from(wanted, (row) => found.get(row) ?? {});
    }
}
