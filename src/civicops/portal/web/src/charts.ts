/**
 * Draws the charts of a page from the Vega-Lite files that `civicops.portal.charts` wrote.
 *
 * Belongs here: colours, fonts, drawing anew for light and dark, the table of a chart's numbers. Does not belong here: which charts
 * there are.
 *
 * Expressions are interpreted, not compiled: the content security policy allows no code made from text.
 */
import embed, { type Result, type VisualizationSpec } from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";
import { isDark, onTheme } from "./theme";

type Row = Record<string, unknown>;
type Spec = VisualizationSpec & { datasets?: Record<string, Row[]>; data?: { name?: string; values?: Row[] } };

const ROWS_SHOWN = 500;

/** Draw every chart, and again whenever light and dark change. */
export function drawAll(places: Iterable<HTMLElement>): void {
    for (const place of places) void drawOne(place);
}

async function drawOne(place: HTMLElement): Promise<void> {
    let drawn: Result | undefined;
    try {
        const answer = await fetch(new URL(place.dataset["chart"] ?? "", location.href));
        if (!answer.ok) throw new Error(`${answer.status}`);
        const spec = (await answer.json()) as Spec;
        const draw = async (): Promise<void> => {
            drawn?.finalize();
            place.replaceChildren();
            drawn = await embed(place, { ...spec, width: "container" } as VisualizationSpec, {
                actions: false,
                ast: true,
                expr: expressionInterpreter,
                defaultStyle: false,
                tooltip: { disableDefaultStyle: true },
                // Not SVG: its style attributes are refused by the content security policy.
                renderer: "canvas",
                config: look(place.clientWidth),
            });
        };
        await draw();
        onTheme(() => void draw());
        showNumbers(place, rowsOf(spec));
    } catch {
        place.replaceChildren();
        const note = document.createElement("p");
        note.textContent = "The chart could not be loaded. ";
        const again = document.createElement("button");
        again.className = "usa-button usa-button--outline";
        again.textContent = "Try again";
        again.addEventListener("click", () => void drawOne(place));
        note.append(again);
        place.append(note);
    }
}

function look(width: number): Record<string, unknown> {
    // A variable holds both colours, light and dark; what is drawn with it is the one that counts.
    const probe = document.body.appendChild(document.createElement("span"));
    const colour = (name: string): string => {
        probe.style.color = `var(${name})`;
        return getComputedStyle(probe).color;
    };
    const ink = colour("--co-ink");
    const quiet = colour("--co-quiet");
    const line = colour("--co-line");
    const accent = colour("--co-accent");
    probe.remove();
    const dark = isDark();
    return {
        background: "transparent",
        font: "Source Sans Pro Web, system-ui, sans-serif",
        axis: { labelColor: quiet, titleColor: ink, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontSize: 13, titleFontWeight: 600 },
        legend: { labelColor: ink, titleColor: ink, labelFontSize: 12, orient: "bottom", columns: width < 500 ? 1 : 3, labelLimit: 220 },
        title: { color: ink },
        view: { stroke: "transparent" },
        mark: { color: accent },
        range: { category: dark ? ["#6fc2b4", "#f2b33d", "#8ab4f8", "#f28b82", "#c58af9", "#a8dab5"] : ["#0b6e63", "#c07a00", "#2457a6", "#b5412f", "#7d4199", "#4f7a2a"] },
    };
}

function rowsOf(spec: Spec): Row[] {
    if (spec.data?.values) return spec.data.values;
    const name = spec.data?.name;
    const sets = spec.datasets ?? {};
    return (name ? sets[name] : undefined) ?? Object.values(sets)[0] ?? [];
}

function showNumbers(place: HTMLElement, rows: Row[]): void {
    const box = place.parentElement?.querySelector<HTMLElement>(".co-chart__numbers");
    const first = rows[0];
    if (!box || !first || box.querySelector("table")) return;
    const table = document.createElement("table");
    table.className = "usa-table usa-table--borderless co-table";
    const head = table.createTHead().insertRow();
    for (const name of Object.keys(first)) {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.textContent = name.replaceAll("_", " ");
        head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rows.slice(0, ROWS_SHOWN)) {
        const line = body.insertRow();
        for (const name of Object.keys(first)) line.insertCell().textContent = say(row[name]);
    }
    box.querySelector("div")?.append(table);
    if (rows.length > ROWS_SHOWN) box.append(`The first ${ROWS_SHOWN} of ${rows.length} rows.`);
    box.hidden = false;
}

function say(value: unknown): string {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
    return String(value).replace(/T00:00:00(\.0+)?Z?$/, "");
}
