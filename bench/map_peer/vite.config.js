// How the peer is bundled: with the same bundler as ours.
import { defineConfig } from "vite";

export default defineConfig({ base: "./", worker: { format: "es" }, build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 9000 } });
