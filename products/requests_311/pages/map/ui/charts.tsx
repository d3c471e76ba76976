/**
 * The charts of what is filtered now.
 *
 * Belongs here: which numbers are charted. Does not belong here: how a chart is drawn (`plot.tsx`).
 */
import type { Wait } from "../engine/waits";
import { useCell } from "../state";
import { compact, duration, monthText, number, percent, text } from "../text";
import { isCouncil, nameOf, useShown } from "./context";
import { type Bar, Bars, Columns, Figure, type Range, Ranges } from "./plot";
import { FEW } from "./values";

const MOST = 12;

/** Names with their counts, most first, those without any left out. */
function ranked(counts: Float64Array, name: (id: number) => string, keep: (id: number) => boolean = () => true) {
    return [...counts.keys()].filter((id) => counts[id] > 0 && keep(id)).sort((a, b) => counts[b] - counts[a]).map((id) => ({ id, name: name(id), count: counts[id] }));
}

function toRange(name: string, wait: Wait): Range {
    return { name, low: wait.p25, middle: wait.median, high: wait.p75, said: `${duration(wait.median)} · ${text.charts.waitOpen(percent(wait.censored / wait.count))}` };
}

function waitRows(entries: readonly { readonly name: string; readonly wait: Wait }[]): string[][] {
    return entries.map(({ name, wait }) => [name, number(wait.count), duration(wait.p25), duration(wait.median), wait.p75 === null ? "–" : duration(wait.p75), percent(wait.censored / wait.count)]);
}
const WAIT_HEAD = ["", text.charts.value, "25%", "50%", "75%", text.compare.open];

export function Charts() {
    const { model, manifest } = useShown();
    const counted = useCell(model.counted);
    const waits = useCell(model.waits);
    if (!counted) return null;
    const { counts } = counted;
    const months = manifest.months.flatMap((month, i) => (counts.monthsChosen[i] ? [{ month, value: counts.monthsChosen[i] }] : []));
    const byType = ranked(counts.typesChosen, (id) => nameOf(manifest, "types", id));
    const byCouncil = ranked(counts.councilsChosen, (id) => nameOf(manifest, "councils", id), (id) => isCouncil(manifest, id));
    const byStatus = ranked(counts.statusesChosen, (id) => nameOf(manifest, "statuses", id));
    const list = (title: string, found: readonly { readonly name: string; readonly count: number }[]) => (
        <Figure title={title} table={{ head: ["", text.charts.value, text.charts.share], rows: found.map(({ name, count }) => [name, number(count), percent(count / counts.total)]) }}>
            <Bars title={title} bars={found.slice(0, MOST).map(({ name, count }): Bar => ({ name, values: [count], said: [`${compact(count)} · ${percent(count / counts.total)}`] }))} />
        </Figure>
    );
    const slow = (entries: readonly (readonly [string, Wait])[]) => entries.filter(([, wait]) => wait.count >= FEW).map(([name, wait]) => ({ name, wait }));
    const typeWaits = waits ? slow(manifest.types.map((_, id) => [nameOf(manifest, "types", id), waits.types[id]] as const)).sort((a, b) => b.wait.count - a.wait.count) : [];
    const councilWaits = waits
        ? slow(waits.councils.flatMap((wait, id) => (isCouncil(manifest, id) ? [[nameOf(manifest, "councils", id), wait] as const] : []))).sort((a, b) => (b.wait.median ?? Infinity) - (a.wait.median ?? Infinity))
        : [];
    return (
        <div class="charts">
            <Figure title={text.charts.month} table={{ head: ["", text.charts.value], rows: months.map(({ month, value }) => [monthText(month.first_day), number(value)]) }}>
                <Columns
                    title={text.charts.month} ceiling={compact}
                    series={[months.map(({ month, value }) => ({ name: monthText(month.first_day), short: monthText(month.first_day).replace(" ", " ’").replace("’20", "’"), value, said: number(value) }))]}
                />
            </Figure>
            {list(text.charts.type, byType)}
            {list(text.charts.status, byStatus)}
            {list(text.charts.council, byCouncil)}
            {waits && (
                <>
                    <Figure title={text.charts.waitType} note={text.charts.waitNote} table={{ head: WAIT_HEAD, rows: waitRows(typeWaits) }}>
                        <Ranges title={text.charts.waitType} ranges={typeWaits.map(({ name, wait }) => toRange(name, wait))} />
                    </Figure>
                    <Figure title={text.charts.waitCouncil} table={{ head: WAIT_HEAD, rows: waitRows(councilWaits) }}>
                        <Ranges title={text.charts.waitCouncil} ranges={councilWaits.slice(0, MOST).map(({ name, wait }) => toRange(name, wait))} />
                    </Figure>
                </>
            )}
        </div>
    );
}
