/**
 * Plain charts in SVG, each with a table of its numbers and a button that saves it as a picture.
 *
 * Belongs here: bars, columns, ranges. Does not belong here: which numbers (`charts.tsx`, `compare.tsx`).
 *
 * Colors are attributes, not classes, so that a saved picture looks like the page.
 */
import { useId, useRef } from "preact/hooks";
import { useCell } from "../state";
import { text } from "../text";
import { usePage } from "./context";
import { savePicture } from "./save";

export interface Colors {
    readonly ink: string;
    readonly soft: string;
    readonly bar: string;
    readonly second: string;
    readonly paper: string;
    readonly line: string;
}
export function useColors(): Colors {
    return useCell(usePage().dark)
        ? { ink: "#f1f3fb", soft: "#b9c0dc", bar: "#7d9cf0", second: "#ffbe2e", paper: "#1d2132", line: "#39415f" }
        : { ink: "#1f2540", soft: "#565c77", bar: "#496fd8", second: "#b8501f", paper: "#ffffff", line: "#d3d7e6" };
}

export interface Table {
    readonly head: readonly string[];
    readonly rows: readonly (readonly string[])[];
}

/** A chart with its title, its table and its picture. */
export function Figure({ title, note, table, children }: { title: string; note?: string; table: Table; children: preact.ComponentChildren }) {
    const colors = useColors();
    const box = useRef<HTMLDivElement>(null);
    const id = useId();
    return (
        <figure class="figure" aria-labelledby={id}>
            <figcaption id={id}>{title}</figcaption>
            <div ref={box}>{children}</div>
            {note && <p class="hint">{note}</p>}
            <div class="figure-more">
                <details>
                    <summary>{text.charts.table}</summary>
                    <div class="scroll" tabIndex={0} role="region" aria-label={title}>
                        <table>
                            <thead><tr>{table.head.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
                            <tbody>
                                {table.rows.map((row) => (
                                    <tr key={row[0]}>{row.map((value, i) => (i ? <td key={i}>{value}</td> : <th key={i} scope="row">{value}</th>))}</tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                </details>
                <button type="button" class="quiet" onClick={() => box.current?.firstElementChild && void savePicture(box.current.firstElementChild as SVGSVGElement, title, colors.paper, colors.ink)}>
                    {text.charts.save}
                </button>
            </div>
        </figure>
    );
}

const WIDTH = 340;
const FONT = "Public Sans Web, system-ui, sans-serif";

export interface Bar {
    readonly name: string;
    readonly values: readonly number[];
    readonly said: readonly string[];
}

/** Horizontal bars, one or two per name. */
export function Bars({ bars, title }: { bars: readonly Bar[]; title: string }) {
    const colors = useColors();
    const many = bars[0]?.values.length ?? 1;
    const step = 20 + 15 * many;
    const most = Math.max(1e-9, ...bars.flatMap((bar) => bar.values));
    return (
        <svg viewBox={`0 0 ${WIDTH} ${Math.max(1, bars.length) * step}`} role="img" aria-label={title} font-family={FONT} font-size="12.5">
            {bars.map((bar, row) => (
                <g key={bar.name} transform={`translate(0 ${row * step})`}>
                    <text x="0" y="13" fill={colors.ink}>{bar.name}</text>
                    {bar.values.map((value, i) => (
                        <g key={i} transform={`translate(0 ${18 + i * 15})`}>
                            <rect width={Math.max(1.5, (value / most) * (WIDTH - 96))} height="11" rx="2" fill={i ? colors.second : colors.bar} />
                            <text x={Math.max(1.5, (value / most) * (WIDTH - 96)) + 5} y="10" fill={colors.soft} font-size="11.5">{bar.said[i]}</text>
                        </g>
                    ))}
                </g>
            ))}
        </svg>
    );
}

export interface Column {
    readonly name: string;
    readonly short: string;
    readonly value: number;
    readonly said: string;
}

/** Columns over time; two series lie side by side as lines of columns. */
export function Columns({ series, title, ceiling }: { series: readonly (readonly Column[])[]; title: string; ceiling: (value: number) => string }) {
    const colors = useColors();
    const [top, height] = [14, 110];
    const count = Math.max(1, ...series.map((columns) => columns.length));
    const most = Math.max(1, ...series.flatMap((columns) => columns.map(({ value }) => value)));
    const step = WIDTH / count;
    const every = Math.ceil(count / 7);
    return (
        <svg viewBox={`0 0 ${WIDTH} ${height + top + 18}`} role="img" aria-label={title} font-family={FONT} font-size="11">
            <line x1="0" x2={WIDTH} y1={top} y2={top} stroke={colors.line} stroke-dasharray="2 3" />
            <text x="0" y="10" fill={colors.soft}>{ceiling(most)}</text>
            {series.map((columns, s) =>
                columns.map(({ name, value, said }, i) => {
                    const tall = (value / most) * height;
                    const wide = Math.max(0.6, (step * 0.84) / series.length);
                    return (
                        <rect key={`${s}${name}`} x={i * step + step * 0.08 + s * wide} y={top + height - tall} width={wide} height={tall} fill={s ? colors.second : colors.bar}>
                            <title>{`${name}: ${said}`}</title>
                        </rect>
                    );
                }),
            )}
            <line x1="0" x2={WIDTH} y1={top + height} y2={top + height} stroke={colors.soft} />
            {(series[0] ?? []).map(({ name, short }, i) => i % every === 0 && (
                <text key={name} x={Math.min(i * step, WIDTH - 30)} y={top + height + 14} fill={colors.soft}>{short}</text>
            ))}
        </svg>
    );
}

export interface Range {
    readonly name: string;
    readonly low: number | null;
    readonly middle: number | null;
    readonly high: number | null;
    readonly said: string;
}

const TICKS: readonly (readonly [number, string])[] = [[1, "1 h"], [24, "1 day"], [24 * 7, "1 week"], [24 * 30.44, "1 month"], [24 * 365.25, "1 year"]];

/** From a quarter to three quarters, with half as a dot, on a scale of hours to years. An end that is not reached fades out. */
export function Ranges({ ranges, title }: { ranges: readonly Range[]; title: string }) {
    const colors = useColors();
    const step = 40;
    const height = Math.max(1, ranges.length) * step + 18;
    const [low, high] = [Math.log(0.5), Math.log(24 * 365.25 * 2)];
    const x = (hours: number) => (WIDTH - 8) * Math.min(1, Math.max(0, (Math.log(Math.max(hours, 0.5)) - low) / (high - low)));
    const fade = useId();
    return (
        <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={title} font-family={FONT} font-size="12.5">
            <defs>
                <linearGradient id={fade}><stop offset="0" stop-color={colors.bar} /><stop offset="1" stop-color={colors.bar} stop-opacity="0.12" /></linearGradient>
            </defs>
            {TICKS.map(([hours, name]) => (
                <g key={name}>
                    <line x1={x(hours)} x2={x(hours)} y1="0" y2={height - 16} stroke={colors.line} />
                    <text x={x(hours)} y={height - 4} text-anchor="middle" fill={colors.soft} font-size="10.5">{name}</text>
                </g>
            ))}
            {ranges.map((range, row) => {
                const from = range.low === null ? null : x(range.low);
                const to = range.high === null ? WIDTH - 8 : x(range.high);
                return (
                    <g key={range.name} transform={`translate(0 ${row * step})`}>
                        <text x="0" y="13" fill={colors.ink} stroke={colors.paper} stroke-width="3" paint-order="stroke">{range.name}</text>
                        <text x={WIDTH} y="13" text-anchor="end" fill={colors.soft} stroke={colors.paper} stroke-width="3" paint-order="stroke" font-size="11.5">{range.said}</text>
                        {from !== null && <rect x={from} y="20" width={Math.max(3, to - from)} height="9" rx="4.5" fill={range.high === null ? `url(#${fade})` : colors.bar} opacity="0.75" />}
                        {range.middle !== null && <circle cx={x(range.middle)} cy="24.5" r="6" fill={colors.second} stroke={colors.paper} stroke-width="1.5" />}
                    </g>
                );
            })}
        </svg>
    );
}
