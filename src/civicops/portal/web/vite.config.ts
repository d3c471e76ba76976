/**
 * What is bundled and where it goes.
 *
 * Belongs here: the list of entries (the portal's own, and `pages/<page>/main.ts` of every product) and how they are built.
 * Does not belong here: when a build is needed (`tools/web.py`).
 *
 * The root is the repository, so the names in `.vite/manifest.json` are paths in it, such as
 * `products/requests_311/pages/map/main.ts`. The base is relative: the result works from any folder of any web server.
 */
import { existsSync, globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const portal = "src/civicops/portal/web/src/portal.ts";
const pages = globSync("products/*/pages/*/{main.ts,index.html}", { cwd: root }).sort();
const entries = [...(existsSync(root + portal) ? [portal] : []), ...pages];

export default defineConfig({
    root,
    base: "./",
    publicDir: false,
    cacheDir: fileURLToPath(new URL("node_modules/.vite", import.meta.url)),
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    worker: { format: "es" },
    build: {
        outDir: process.env.CIVICOPS_WEB_OUT ?? fileURLToPath(new URL("../built", import.meta.url)),
        emptyOutDir: true,
        manifest: true,
        target: "es2022",
        assetsInlineLimit: 0, // a strict content security policy allows no data: fonts
        chunkSizeWarningLimit: 1500,
        rollupOptions: { input: entries.map((entry) => root + entry) },
    },
    test: {
        include: ["products/*/pages/**/*.test.ts", "src/civicops/portal/web/src/**/*.test.ts"],
        environment: "node",
        testTimeout: 30_000,
    },
} as Parameters<typeof defineConfig>[0]);
