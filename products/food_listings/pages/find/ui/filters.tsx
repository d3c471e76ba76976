/**
 * What to show: where, when, what kind.
 *
 * Belongs here: the controls. Does not belong here: what they lead to (`../search.ts`).
 */
import { useId, useMemo } from "preact/hooks";
import type { Places } from "../data";
import { dayAt, isoOf, weekdayOf } from "../hours/opening";
import { weekdayName } from "../hours/writing";
import { languages, type Somewhere, usual } from "../search";
import type { View } from "../state";
import { fill, TEXTS } from "../text";
import { Where } from "./where";

const MILES = [1, 2, 3, 5, 10, 20];

interface Props {
    readonly places: Places;
    readonly known: readonly Somewhere[];
    readonly view: View;
    readonly change: (what: Partial<View>, step?: boolean) => void;
    readonly now: number;
}

export function Filters({ places, known, view, change, now }: Props) {
    const text = TEXTS[view.language];
    const id = useId();
    const spoken = useMemo(() => languages(places), [places]);
    const today = dayAt(now, places.zone);
    const isDate = /^\d{4}-/.test(view.when);
    const later = [2, 3, 4, 5, 6].map((ahead) => weekdayOf(today + ahead));
    const chosen = [view.text, view.spoken, view.walkin, view.free, view.showClosed, view.categories.length].filter(Boolean).length;
    return (
        <form class="find-filters" role="search" aria-label={text.filters} onSubmit={(event) => event.preventDefault()}>
            <Where known={known} view={view} change={change} />
            <div class="find-row">
                <div>
                    <label for={`${id}-when`}>{text.when.label}</label>
                    <select id={`${id}-when`} class="find-field" value={isDate ? "date" : view.when} onChange={(event) => change({ when: event.currentTarget.value === "date" ? isoOf(today + 7) : event.currentTarget.value })}>
                        {(["any", "now", "today", "tomorrow"] as const).map((value) => <option key={value} value={value}>{text.when[value]}</option>)}
                        {later.map((weekday) => <option key={weekday} value={String(weekday)}>{fill(text.when.day, view.language === "es" ? weekdayName(weekday, "es").toLowerCase() : weekdayName(weekday, "en"))}</option>)}
                        {/^[0-6]$/.test(view.when) && !later.includes(Number(view.when)) && <option value={view.when}>{fill(text.when.day, weekdayName(Number(view.when), view.language))}</option>}
                        <option value="date">{text.when.date}</option>
                    </select>
                </div>
                {isDate ? (
                    <div>
                        <label for={`${id}-date`}>{text.when.dateLabel}</label>
                        <input id={`${id}-date`} class="find-field" type="date" value={view.when} min={isoOf(today)} max={isoOf(today + 366)} onChange={(event) => event.currentTarget.value && change({ when: event.currentTarget.value })} />
                    </div>
                ) : (
                    <div>
                        <label for={`${id}-within`}>{text.within.label}</label>
                        <select id={`${id}-within`} class="find-field" value={String(view.within)} disabled={!view.near} onChange={(event) => change({ within: Number(event.currentTarget.value) })}>
                            <option value="0">{text.within.all}</option>
                            {MILES.map((miles) => <option key={miles} value={String(miles)}>{miles === 1 ? text.within.mile : fill(text.within.miles, miles)}</option>)}
                        </select>
                    </div>
                )}
            </div>
            <details class="find-more" open={chosen > 0}>
                <summary>{text.kind.label}, {text.search.label.toLowerCase()}, {text.spoken.label.toLowerCase()} …{chosen > 0 && <b class="find-badge">{chosen}</b>}</summary>
                <div>
                    <label for={`${id}-text`}>{text.search.label}</label>
                    <input id={`${id}-text`} class="find-field" type="search" value={view.text} placeholder={text.search.placeholder} onInput={(event) => change({ text: event.currentTarget.value }, false)} />
                </div>
                <Kinds places={places} view={view} change={change} />
                <div class="find-row">
                    <div>
                        <label for={`${id}-spoken`}>{text.spoken.label}</label>
                        <select id={`${id}-spoken`} class="find-field" value={view.spoken} onChange={(event) => change({ spoken: event.currentTarget.value })}>
                            <option value="">{text.spoken.any}</option>
                            {spoken.map((name) => <option key={name} value={name}>{name}</option>)}
                        </select>
                    </div>
                </div>
                {(["walkin", "free", "showClosed"] as const).map((name) => (
                    <label key={name} class="find-check">
                        <input type="checkbox" checked={view[name]} onChange={(event) => change({ [name]: event.currentTarget.checked })} />
                        <span>{text[name]}</span>
                    </label>
                ))}
            </details>
        </form>
    );
}

/** Kinds of places; with none chosen, those that people look for food in. */
function Kinds({ places, view, change }: Pick<Props, "places" | "view" | "change">) {
    const text = TEXTS[view.language];
    const counts = useMemo(() => {
        const found = new Map<string, number>();
        for (const { categories } of places.places) for (const code of categories ?? []) found.set(code, (found.get(code) ?? 0) + 1);
        return found;
    }, [places]);
    const common = usual(places);
    const present = places.categories.filter(([code]) => counts.has(code));
    const chosen = new Set(view.categories);
    const toggle = (code: string): void => {
        const next = new Set(chosen);
        if (!next.delete(code)) next.add(code);
        change({ categories: present.map(([each]) => each).filter((each) => next.has(each)) });
    };
    const button = ([code, name]: readonly [string, string, boolean]) => (
        <button type="button" key={code} class="find-chip" aria-pressed={chosen.has(code)} onClick={() => toggle(code)}>
            {text.categories[code] ?? name} <small>{counts.get(code)?.toLocaleString(view.language)}</small>
        </button>
    );
    const rest = present.filter(([code]) => !common.has(code));
    return (
        <fieldset class="find-kinds">
            <legend>{text.kind.label}</legend>
            <div>{present.filter(([code]) => common.has(code)).map(button)}</div>
            {rest.length > 0 && (
                <details open={rest.some(([code]) => chosen.has(code))}>
                    <summary>{text.kind.other}</summary>
                    <div>{rest.map(button)}</div>
                </details>
            )}
        </fieldset>
    );
}
