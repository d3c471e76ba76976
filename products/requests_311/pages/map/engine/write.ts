/**
 * Requests as CSV, GeoJSON or Parquet.
 *
 * Belongs here: the three forms, written piece by piece. Does not belong here: which requests (`exporting.ts`).
 */
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { Details } from "./details";

export type Form = "csv" | "geojson" | "parquet";

export interface Writing {
    add(rows: readonly Details[]): void;
    finish(): Blob;
}

/** The columns of a table whose columns may be lists, in order. */
export function topColumns(schema: readonly SchemaElement[]): SchemaElement[] {
    const found: SchemaElement[] = [];
    let at = 1;
    const skip = (): void => {
        const children = schema[at++].num_children ?? 0;
        for (let i = 0; i < children; i++) skip();
    };
    while (at < schema.length) {
        found.push(schema[at]);
        skip();
    }
    return found;
}

function isDate(column: SchemaElement): boolean {
    return column.converted_type === "DATE" || column.logical_type?.type === "DATE";
}

/** A value as plain text: days as 2024-05-01, moments in UTC, lists with semicolons between. */
function plain(value: unknown, column: SchemaElement): string | number | boolean | null {
    if (value === null || value === undefined) return null;
    if (value instanceof Date) {
        const iso = value.toISOString();
        return isDate(column) ? iso.slice(0, 10) : iso.replace(".000Z", "Z");
    }
    if (typeof value === "bigint") return Number(value);
    if (typeof value === "number" || typeof value === "boolean") return value;
    if (Array.isArray(value)) return value.join(";");
    return String(value);
}

/** One CSV cell. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function cell(value: string | number | boolean | null): string {
    if (value === null) return "";
    if (typeof value !== "string") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csv(schema: readonly SchemaElement[]): Writing {
    const top = topColumns(schema);
    const pieces: BlobPart[] = [`${top.map((column) => cell(column.name)).join(",")}\r\n`];
    return {
        add(rows) {
            const lines = rows.map((row) => top.map((column) => cell(plain(row[column.name], column))).join(","));
            pieces.push(`${lines.join("\r\n")}\r\n`);
        },
        finish: () => new Blob(pieces, { type: "text/csv" }),
    };
}

function geojson(schema: readonly SchemaElement[]): Writing {
    const top = topColumns(schema);
    const pieces: BlobPart[] = ['{"type":"FeatureCollection","features":[\n'];
    let first = true;
    return {
        add(rows) {
            const features = rows.map((row) => {
                const { longitude, latitude } = row;
                const properties = Object.fromEntries(
                    top
                        .filter((column) => column.name !== "longitude" && column.name !== "latitude")
                        .map((column) => [column.name, Array.isArray(row[column.name]) ? row[column.name] : plain(row[column.name], column)]),
                );
                const geometry =
                    typeof longitude === "number" && typeof latitude === "number" ? { type: "Point", coordinates: [longitude, latitude] } : null;
                return JSON.stringify({ type: "Feature", geometry, properties });
            });
            pieces.push((first ? "" : ",\n") + features.join(",\n"));
            first = false;
        },
        finish: () => new Blob([...pieces, "\n]}\n"], { type: "application/geo+json" }),
    };
}

function parquet(schema: readonly SchemaElement[]): Writing {
    const top = topColumns(schema);
    const writer = new ByteWriter();
    // The same columns and types as the file they were read from.
    const out = new ParquetWriter({ writer, schema: structuredClone(schema) as SchemaElement[] });
    return {
        add(rows) {
            const columnData = top.map((column) => ({ name: column.name, data: rows.map((row) => row[column.name] ?? null) }));
            void out.write({ columnData, rowGroupSize: 100_000 });
        },
        finish() {
            void out.finish();
            return new Blob([writer.getBuffer()], { type: "application/vnd.apache.parquet" });
        },
    };
}

/** Begin a file of this form with the columns of `schema`. */
export function begin(form: Form, schema: readonly SchemaElement[]): Writing {
    return { csv, geojson, parquet }[form](schema);
}
