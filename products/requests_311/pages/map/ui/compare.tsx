/**
 * Two councils, or two periods, side by side.
 *
 * Belongs here: choosing the two, and their numbers next to each other. Does not belong here: counting.
 */
import { useEffect, useState } from "preact/hooks";
import type { Counts } from "../engine/cube";
import type { Filters } from "../engine/filters";
import { dayNumber, isoDay, type Manifest } from "../engine/format";
import type { Wait } from "../engine/waits";
import { type Compare as Chosen, useCell } from "../state";
import { compact, councilName, dayText, decimal, duration, monthText, number, percent, text } from "../text";
import { isCouncil, nameOf, statusesOf, useShown } from "./context";
import { Bars, Columns, Figure } from "./plot";
import { medianOf, rateOf } from "./values";

interface Side {
    readonly name: string;
    readonly filters: Filters;
    readonly counts: Counts;
    readonly wait: Wait;
}

/** The other period: as chosen, or the same days a year earlier. */
export function otherPeriod(manifest: Manifest, filters: Filters, chosen: Chosen): { readonly from: number; readonly to: number } {
    if (chosen.from !== null && chosen.to !== null) return { from: chosen.from, to: chosen.to };
    const back = (day: number) => {
        const iso = isoDay(day);
        return dayNumber(`${Number(iso.slice(0, 4)) - 1}${iso.slice(4).replace("-02-29", "-02-28")}`);
    };
    return { from: Math.max(dayNumber(manifest.first_day), back(filters.from)), to: back(filters.to) };
}

function sides(manifest: Manifest, filters: Filters, chosen: Chosen): readonly { readonly name: string; readonly filters: Filters }[] | null {
    if (chosen.kind === "councils") {
        if (chosen.first === null || chosen.second === null) return null;
        return [chosen.first, chosen.second].map((id) => ({ name: nameOf(manifest, "councils", id), filters: { ...filters, councils: [id] } }));
    }
    const other = otherPeriod(manifest, filters, chosen);
    return [filters, { ...filters, ...other }].map((each) => ({ name: text.period(dayText(each.from), dayText(each.to)), filters: each }));
}

export function CompareView() {
    const { page, model, manifest, state } = useShown();
    const { compare, filters } = state;
    const years = useCell(model.years);
    const [shown, setShown] = useState<readonly Side[] | null>(null);
    const wanted = sides(manifest, filters, compare);
    const set = (change: Partial<Chosen>) => model.set({ compare: { ...compare, ...change } });

    useEffect(() => {
        if (!wanted) return setShown(null);
        let current = true;
        const { client } = page.controller;
        Promise.all(
            wanted.map(async (side) => {
                const [{ counts }, waits] = await Promise.all([client.call("countWhole", side.filters), client.call("waits", side.filters)]);
                return { ...side, counts, wait: waits.all };
            }),
        ).then((found) => current && setShown(found), (error: Error) => (model.problem.value = error.message));
        return () => {
            current = false;
        };
    }, [filters, compare, years?.loaded]);

    return (
        <section class="compare" aria-label={text.compare.title}>
            <fieldset class="segments" aria-label={text.compare.title}>
                {(["periods", "councils"] as const).map((kind) => (
                    <label key={kind} class={compare.kind === kind ? "is-on" : ""}>
                        <input type="radio" name="compare" checked={compare.kind === kind} onChange={() => set({ kind })} />
                        <span>{text.compare[kind]}</span>
                    </label>
                ))}
            </fieldset>
            {compare.kind === "councils" ? <ChooseCouncils chosen={compare} set={set} /> : <ChoosePeriod chosen={compare} set={set} />}
            <p class="hint">{wanted ? text.compare.hint : text.compare.chooseBoth}</p>
            {wanted && shown && <Beside sides={shown} />}
        </section>
    );
}

function ChooseCouncils({ chosen, set }: { chosen: Chosen; set: (change: Partial<Chosen>) => void }) {
    const { manifest } = useShown();
    const councils = manifest.councils.flatMap((council, id) => (isCouncil(manifest, id) ? [{ id, name: councilName(council.name) }] : [])).sort((a, b) => a.name.localeCompare(b.name));
    return (
        <div class="pair">
            {(["first", "second"] as const).map((which) => (
                <label key={which}>
                    <span class={`swatch is-${which}`}>{text.compare[which]}</span>
                    <select class="field" value={chosen[which] ?? ""} onChange={(event) => set({ [which]: event.currentTarget.value === "" ? null : Number(event.currentTarget.value) })}>
                        <option value="">{text.compare.choose}</option>
                        {councils.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
                    </select>
                </label>
            ))}
        </div>
    );
}

function ChoosePeriod({ chosen, set }: { chosen: Chosen; set: (change: Partial<Chosen>) => void }) {
    const { manifest, state } = useShown();
    const { filters } = state;
    const other = otherPeriod(manifest, filters, chosen);
    const length = filters.to - filters.from;
    const before = { from: filters.from - length - 1, to: filters.from - 1 };
    const isBefore = chosen.from === before.from && chosen.to === before.to;
    const typed = (name: "from" | "to") => (event: { currentTarget: HTMLInputElement }) => {
        if (event.currentTarget.value) set({ ...other, [name]: dayNumber(event.currentTarget.value) });
    };
    return (
        <>
            <div class="presets">
                <button type="button" class={chosen.from === null ? "chip is-on" : "chip"} aria-pressed={chosen.from === null} onClick={() => set({ from: null, to: null })}>{text.compare.yearBefore}</button>
                <button type="button" class={isBefore ? "chip is-on" : "chip"} aria-pressed={isBefore} onClick={() => set(before)}>{text.compare.before}</button>
            </div>
            <div class="dates">
                {(["from", "to"] as const).map((name) => (
                    <label key={name}>
                        <span>{text[name]}</span>
                        <input class="field" type="date" min={manifest.first_day} max={manifest.last_day} value={isoDay(other[name])} onChange={typed(name)} />
                    </label>
                ))}
            </div>
        </>
    );
}

function change(first: number, second: number): string {
    if (!second) return "";
    const share = first / second - 1;
    return Math.abs(share) < 0.005 ? text.compare.same : `${share > 0 ? "+" : "−"}${Math.round(Math.abs(share) * 100)}%`;
}

function Beside({ sides: [first, second] }: { sides: readonly Side[] }) {
    const { manifest, state } = useShown();
    const open = (side: Side) => statusesOf(manifest, "open").reduce((sum, id) => sum + side.counts.statusesChosen[id], 0) / Math.max(1, side.counts.total);
    const rate = (side: Side) => (state.compare.kind === "councils" && side.filters.councils ? rateOf(manifest, side.filters.councils[0], side.counts.total) : null);
    const rows: [string, string, string, string][] = [
        [text.compare.total, number(first.counts.total), number(second.counts.total), change(first.counts.total, second.counts.total)],
        [text.compare.open, percent(open(first)), percent(open(second)), ""],
        [text.compare.median, duration(medianOf(first.wait)), duration(medianOf(second.wait)), ""],
    ];
    const rates = [rate(first), rate(second)];
    if (rates[0] !== null && rates[1] !== null) rows.splice(1, 0, [text.compare.rate, decimal(rates[0]), decimal(rates[1]), change(rates[0], rates[1])]);
    const types = manifest.types
        .map((_, id) => ({ name: nameOf(manifest, "types", id), values: [first.counts.typesChosen[id], second.counts.typesChosen[id]] }))
        .filter(({ values }) => values[0] + values[1] > 0)
        .sort((a, b) => Math.max(...b.values) - Math.max(...a.values));
    const months = ({ counts }: Side) =>
        manifest.months.flatMap((month, i) => (counts.monthsChosen[i] ? [{ name: monthText(month.first_day), short: monthText(month.first_day).slice(0, 3), value: counts.monthsChosen[i], said: number(counts.monthsChosen[i]) }] : []));
    const names = [first.name, second.name];
    const byMonth = [months(first), months(second)];
    return (
        <>
            <table class="beside">
                <thead>
                    <tr>
                        <td />
                        <th scope="col"><span class="swatch is-first">{first.name}</span></th>
                        <th scope="col"><span class="swatch is-second">{second.name}</span></th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map(([name, a, b, changed]) => (
                        <tr key={name}>
                            <th scope="row">{name}</th>
                            <td>{a}{changed && <small>{changed}</small>}</td>
                            <td>{b}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
            <Figure title={text.compare.byMonth} table={{ head: ["", ...names], rows: byMonth[0].map((column, i) => [column.name, column.said, byMonth[1][i] ? `${byMonth[1][i].said} (${byMonth[1][i].name})` : "–"]) }}>
                <Columns title={text.compare.byMonth} series={byMonth} ceiling={compact} />
            </Figure>
            <Figure title={text.compare.byType} table={{ head: ["", ...names], rows: types.map(({ name, values }) => [name, number(values[0]), number(values[1])]) }}>
                <Bars title={text.compare.byType} bars={types.slice(0, 12).map(({ name, values }) => ({ name, values, said: values.map(compact) }))} />
            </Figure>
        </>
    );
}
