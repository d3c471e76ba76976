/**
 * Choosing days: presets, two date fields, and two handles on the histogram of the whole period.
 *
 * Belongs here: days. Does not belong here: other filters.
 */
import { useRef } from "preact/hooks";
import { dayNumber, isoDay, type Manifest } from "../engine/format";
import { useCell } from "../state";
import { dayText, monthText, number, text } from "../text";
import { useShown } from "./context";

/** First and last day of a preset. */
export function presets(manifest: Manifest): readonly { readonly name: string; readonly from: number; readonly to: number }[] {
    const first = dayNumber(manifest.first_day);
    const last = dayNumber(manifest.last_day);
    const year = Number(manifest.last_day.slice(0, 4));
    const beforeAYear = dayNumber(`${year - 1}${manifest.last_day.slice(4, 7)}-01`);
    const from = (day: number) => Math.max(first, day);
    return [
        { name: text.presets.days30, from: from(last - 29), to: last },
        { name: text.presets.year, from: from(dayNumber(`${year}-01-01`)), to: last },
        { name: text.presets.months12, from: from(beforeAYear), to: last },
        { name: text.presets.all, from: first, to: last },
    ];
}

export function When() {
    const { model, manifest, state } = useShown();
    const { from, to } = state.filters;
    const [first, last] = [dayNumber(manifest.first_day), dayNumber(manifest.last_day)];
    const typed = (name: "from" | "to") => (event: { currentTarget: HTMLInputElement }) => {
        const { value } = event.currentTarget;
        if (!value) return; // half typed
        const day = Math.min(last, Math.max(first, dayNumber(value)));
        model.filter(name === "from" ? { from: day, to: Math.max(day, to) } : { to: day, from: Math.min(day, from) });
    };
    return (
        <section class="when" aria-label={text.when}>
            <div class="presets">
                {presets(manifest).map((preset) => {
                    const on = preset.from === from && preset.to === to;
                    return (
                        <button type="button" key={preset.name} class={on ? "chip is-on" : "chip"} aria-pressed={on} onClick={() => model.filter({ from: preset.from, to: preset.to })}>
                            {preset.name}
                        </button>
                    );
                })}
            </div>
            <div class="dates">
                <label>
                    <span>{text.from}</span>
                    <input class="field" type="date" min={manifest.first_day} max={manifest.last_day} value={isoDay(from)} onChange={typed("from")} />
                </label>
                <label>
                    <span>{text.to}</span>
                    <input class="field" type="date" min={manifest.first_day} max={manifest.last_day} value={isoDay(to)} onChange={typed("to")} />
                </label>
            </div>
            <Histogram />
        </section>
    );
}

const HEIGHT = 56;

/** Requests per month under all other filters; what lies between the handles is chosen. */
export function Histogram() {
    const { model, manifest, state } = useShown();
    const counted = useCell(model.counted);
    const box = useRef<HTMLDivElement>(null);
    const { from, to } = state.filters;
    const [first, last] = [dayNumber(manifest.first_day), dayNumber(manifest.last_day)];
    const span = Math.max(1, last - first + 1);
    const counts = counted?.counts.months;
    const shown = manifest.months.map((_, i) => counts?.[i] ?? 0);
    const most = Math.max(1, ...shown);
    const place = (day: number) => (100 * (day - first)) / span;
    const dayAt = (x: number): number => {
        const rect = box.current?.getBoundingClientRect();
        return rect ? Math.round(first + ((x - rect.left) / rect.width) * span) : first;
    };
    // Dragged ends snap to months: whole months are what people mean, and they need no further file.
    const monthStart = (day: number) => manifest.months.reduce((best, { first_day: start }) => (Math.abs(start - day) < Math.abs(best - day) ? start : best), first);
    const monthEnd = (day: number) =>
        manifest.months.reduce((best, month) => {
            const end = Math.min(last, month.first_day + month.days - 1);
            return Math.abs(end - day) < Math.abs(best - day) ? end : best;
        }, last);
    const setFrom = (day: number) => model.filter({ from: Math.max(first, Math.min(day, to)) });
    const setTo = (day: number) => model.filter({ to: Math.min(last, Math.max(day, from)) });

    const drag = (end: "from" | "to" | "new") => (event: PointerEvent) => {
        const target = event.currentTarget as HTMLElement;
        target.setPointerCapture(event.pointerId);
        const began = dayAt(event.clientX);
        event.stopPropagation();
        const move = (moved: PointerEvent) => {
            const at = dayAt(moved.clientX);
            if (end === "from") setFrom(monthStart(at));
            else if (end === "to") setTo(monthEnd(at));
            else if (Math.abs(at - began) > span / 100) model.filter({ from: monthStart(Math.min(began, at)), to: Math.max(monthStart(Math.min(began, at)), monthEnd(Math.max(began, at))) });
        };
        const stop = () => {
            target.removeEventListener("pointermove", move);
            target.removeEventListener("pointerup", stop);
            target.removeEventListener("pointercancel", stop);
        };
        target.addEventListener("pointermove", move);
        target.addEventListener("pointerup", stop);
        target.addEventListener("pointercancel", stop);
    };
    const keys = (end: "from" | "to") => (event: KeyboardEvent) => {
        const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -12, PageUp: 12 }[event.key];
        const day = end === "from" ? from : to;
        if (event.key === "Home" || event.key === "End") {
            event.preventDefault();
            if (end === "from") setFrom(event.key === "Home" ? first : to);
            else setTo(event.key === "End" ? last : from);
        } else if (step !== undefined) {
            event.preventDefault();
            // A step is a month; with Shift a day.
            if (event.shiftKey) return end === "from" ? setFrom(day + Math.sign(step)) : setTo(day + Math.sign(step));
            const date = new Date(day * 86_400_000);
            if (end === "from") setFrom(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + step, 1) / 86_400_000);
            else setTo(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1 + step, 0) / 86_400_000);
        }
    };
    const handle = (end: "from" | "to") => {
        const day = end === "from" ? from : to;
        return (
            <div
                class={`handle is-${end}`} role="slider" tabIndex={0}
                aria-label={end === "from" ? text.brushStart : text.brushEnd}
                aria-valuemin={first} aria-valuemax={last} aria-valuenow={day} aria-valuetext={dayText(day)}
                style={{ insetInlineStart: `${place(end === "from" ? day : day + 1)}%` }}
                onPointerDown={drag(end)} onKeyDown={keys(end)}
            />
        );
    };
    const years = [...new Set(manifest.months.map(({ month }) => month.slice(0, 4)))];
    return (
        <div class="histogram" role="group" aria-label={text.brush}>
            <div class="histogram-plot" ref={box} onPointerDown={drag("new")}>
                <svg viewBox={`0 0 ${span} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
                    {manifest.months.map(({ first_day, days, month }, i) => {
                        const height = (HEIGHT * shown[i]) / most;
                        const inside = first_day + days > from && first_day <= to;
                        return (
                            <rect key={month} class={inside ? "is-in" : ""} x={first_day - first + 1} width={Math.max(1, days - 2)} y={HEIGHT - height} height={height}>
                                <title>{`${monthText(first_day)}: ${number(shown[i])}`}</title>
                            </rect>
                        );
                    })}
                </svg>
                <div class="histogram-range" style={{ insetInlineStart: `${place(from)}%`, inlineSize: `${place(to + 1) - place(from)}%` }} />
                {handle("from")}
                {handle("to")}
            </div>
            <div class="histogram-years" aria-hidden="true">
                {years.map((year, i) => {
                    const at = place(Math.max(first, dayNumber(`${year}-01-01`)));
                    return (i === 0 && years.length > 1 && place(dayNumber(`${years[1]}-01-01`)) < 6) ? null : <span key={year} style={{ insetInlineStart: `${at}%` }}>{years.length > 6 ? `’${year.slice(2)}` : year}</span>;
                })}
            </div>
        </div>
    );
}

