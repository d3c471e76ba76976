/**
 * Exactly what is filtered, as a file: rows are chosen by the same tables as everything else on the page.
 *
 * Belongs here: going through the months, progress, stopping. Does not belong here: the forms (`write.ts`).
 */
import { parquetReadObjects } from "hyparquet";
import type { DetailsReader } from "./details";
import type { Compiled } from "./filters";
import type { Manifest } from "./format";
import { chosen } from "./rows";
import type { Store } from "./store";
import { begin, type Form, type Writing } from "./write";

export interface Exported {
    readonly file: Blob;
    readonly name: string;
    readonly rows: number;
}

export interface Job {
    readonly store: Store;
    readonly details: DetailsReader;
    readonly manifest: Manifest;
    readonly compiled: Compiled;
    /** Months in the order of the file. */
    readonly months: readonly number[];
    readonly form: Form;
    readonly name: string;
    readonly signal: AbortSignal;
    readonly progress: (done: number, total: number) => void;
}

/** Read and write month by month; throws an AbortError soon after the signal. */
export async function exportRows(job: Job): Promise<Exported> {
    const { manifest, compiled, signal } = job;
    const total = job.months.reduce((sum, month) => sum + manifest.months[month].rows, 0);
    let writing: Writing | null = null;
    let done = 0;
    let written = 0;
    for (const month of job.months) {
        signal.throwIfAborted();
        const entry = manifest.months[month];
        const rows = await job.store.month(month);
        const picked = chosen(rows, entry.with_point, compiled, month, null);
        if (picked.length || (!writing && month === job.months[job.months.length - 1])) {
            const opened = await job.details.open(month, picked.length * 20 > entry.rows, signal);
            writing ??= begin(job.form, opened.metadata.schema);
            let start = 0;
            let next = 0;
            for (const group of opened.metadata.row_groups) {
                const end = start + Number(group.num_rows);
                const from = next;
                while (next < picked.length && picked[next] < end) next++;
                if (next > from) {
                    signal.throwIfAborted();
                    const read = await parquetReadObjects({ ...opened, rowStart: start, rowEnd: end });
                    const first = start;
                    writing.add(Array.from(picked.subarray(from, next), (row) => read[row - first]));
                    written += next - from;
                }
                start = end;
                job.progress(done + Math.min(start, entry.rows), total);
                // A breath, so that a message to stop is heard.
                await new Promise((resolve) => setTimeout(resolve));
            }
        }
        done += entry.rows;
        job.progress(done, total);
    }
    if (!writing) {
        // No month at all: a file with the columns and nothing else, which is what was asked for.
        const opened = await job.details.open(manifest.months.length - 1, false, signal);
        writing = begin(job.form, opened.metadata.schema);
    }
    return { file: writing.finish(), name: job.name, rows: written };
}
