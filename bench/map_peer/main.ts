/**
 * The approach of the existing site, done as it does it, to be measured beside ours.
 *
 * Belongs here: a year into DuckDB-WASM, SELECT *, every row to an object, the objects to GeoJSON, GeoJSON to a circle layer, filters
 * by the map's own setFilter; and, since that site shows no counts, the counts that ours shows, by SQL on the same table.
 * Does not belong here: anything to make it faster or slower than that.
 *
 * The package carries no Parquet extension and would fetch it from elsewhere, so the year comes as Arrow IPC, which favors it.
 */
import * as duckdb from "@duckdb/duckdb-wasm";
import worker from "@duckdb/duckdb-wasm/dist/duckdb-browser-eh.worker.js?url";
import wasm from "@duckdb/duckdb-wasm/dist/duckdb-eh.wasm?url";
import { type GeoJSONSource, Map as MapLibreMap, setWorkerUrl } from "maplibre-gl";
import mapWorker from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

setWorkerUrl(new URL(mapWorker, import.meta.url).href);

const DIMENSIONS = ["request_type_code", "council_code", "district_code", "status_code", "source_code", "department_code"];
let connection: duckdb.AsyncDuckDBConnection;
let map: MapLibreMap;

const idle = () => new Promise<void>((resolve) => void map.once("idle", () => resolve()));

/** Load a year until its points are drawn; seconds of each step. */
async function load(address: string): Promise<Record<string, number>> {
    const took: Record<string, number> = {};
    let before = performance.now();
    const step = (name: string) => {
        took[name] = (performance.now() - before) / 1000;
        before = performance.now();
    };
    map = new MapLibreMap({
        container: "map", center: [-118.4, 34.05], zoom: 10,
        style: { version: 8, sources: { points: { type: "geojson", data: { type: "FeatureCollection", features: [] } } }, layers: [
            { id: "points", type: "circle", source: "points", paint: { "circle-radius": 2, "circle-color": "#0072b2", "circle-opacity": 0.8 } },
        ] },
    });
    const database = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), new Worker(worker));
    await database.instantiate(wasm);
    connection = await database.connect();
    step("start");
    const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
    await connection.insertArrowFromIPCStream(bytes, { name: "requests", create: true });
    step("read");
    const table = await connection.query("SELECT * FROM requests WHERE longitude IS NOT NULL");
    const names = table.schema.fields.map((field) => field.name);
    const rows: Record<string, unknown>[] = [];
    for (let i = 0; i < table.numRows; i++) {
        const values = table.get(i)?.toArray() ?? [];
        rows.push(Object.fromEntries(names.map((name, at) => [name, values[at]])));
    }
    step("rows");
    const features = rows.map((row) => ({
        type: "Feature" as const,
        properties: Object.fromEntries([...DIMENSIONS, "request_id"].map((name) => [name, row[name]])),
        geometry: { type: "Point" as const, coordinates: [row.longitude as number, row.latitude as number] },
    }));
    step("geojson");
    (map.getSource("points") as GeoJSONSource).setData({ type: "FeatureCollection", features });
    await idle();
    step("drawn");
    return took;
}

/** One change of the type filter: the points by the map's filter, the counts by SQL; seconds of each. */
async function filter(type: string): Promise<{ readonly points: number; readonly counts: number }> {
    let before = performance.now();
    map.setFilter("points", ["==", ["get", "request_type_code"], type]);
    await idle();
    const points = (performance.now() - before) / 1000;
    before = performance.now();
    for (const name of DIMENSIONS)
        await connection.query(`SELECT ${name}, count(*) FROM requests ${name === "request_type_code" ? "" : `WHERE request_type_code = '${type}'`} GROUP BY 1`);
    await connection.query(`SELECT date_trunc('month', created_on), count(*) FROM requests WHERE request_type_code = '${type}' GROUP BY 1`);
    return { points, counts: (performance.now() - before) / 1000 };
}

Object.assign(window, { peer: { load, filter } });
