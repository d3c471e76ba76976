/**
 * Starts the map in `<div id="app" data-files="files/">`.
 *
 * Belongs here: reading the settings of the page. Does not belong here: anything that is drawn.
 *
 * Settings are attributes of that element:
 *   data-files      folder of the map's files, relative to the page
 *   data-basemap    a .pmtiles file or the address of a MapLibre style; without it the map needs nobody else
 *   data-geocoder   address of a geocoder that answers in GeoJSON, with {q} for the query; without it none is asked
 */
import { h, render } from "preact";
import { Cell } from "./state";
import { App } from "./ui/app";
import "./map.css";

/** The portal's pages keep the choice under the same name. */
const THEME = "theme";

/** Dark as the system says, until somebody chooses; the choice is kept, and shared with the pages around. */
function darkness(): Cell<boolean> {
    const asked = matchMedia("(prefers-color-scheme: dark)");
    let kept: string | null = null;
    try {
        kept = localStorage.getItem(THEME);
    } catch {
        // Storage is closed to us in some embedded pages; the system's choice will do.
    }
    if (kept !== "dark" && kept !== "light") kept = null;
    const dark = new Cell(kept === null ? asked.matches : kept === "dark");
    let ours = false;
    asked.addEventListener("change", () => {
        if (kept !== null) return;
        ours = true;
        dark.value = asked.matches;
        ours = false;
    });
    // The page around has a switch of its own.
    new MutationObserver(() => {
        const { theme } = document.documentElement.dataset;
        if (theme === "dark" || theme === "light") dark.value = theme === "dark";
    }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    dark.subscribe((now) => {
        document.documentElement.dataset.theme = now ? "dark" : "light";
        if (ours) return;
        kept = now ? "dark" : "light";
        try {
            localStorage.setItem(THEME, kept);
        } catch {
            // As above.
        }
    });
    return dark;
}

const root = document.getElementById("app");
if (root) {
    const { files = "files/", basemap = "", geocoder = "" } = root.dataset;
    const folder = new URL(files.endsWith("/") ? files : `${files}/`, document.baseURI).href;
    // What stands above the page (a portal's header) is not ours; the map takes what is left of the window.
    const fit = () => root.style.setProperty("--m311-above", `${Math.round(root.getBoundingClientRect().top + scrollY)}px`);
    fit();
    addEventListener("resize", fit);
    root.replaceChildren();
    render(h(App, { options: { files: folder, basemap, geocoder, embedded: new URLSearchParams(location.search).has("embed"), dark: darkness() } }), root);
}
