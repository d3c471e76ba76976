/**
 * The number that everything is about, what it counts, and the filters that are on.
 *
 * Belongs here: the top of the panel, notices, what a screen reader is told. Does not belong here: the filters themselves.
 */
import { useEffect, useState } from "preact/hooks";
import { DIMENSIONS } from "../engine/filters";
import { dayNumber } from "../engine/format";
import { active, defaultFilters, toggled, useCell } from "../state";
import { dayText, isoText, number, text } from "../text";
import { isGroup, nameOf, statusesOf, useShown } from "./context";

export function Summary() {
    const { model, manifest, state } = useShown();
    const counted = useCell(model.counted);
    const { filters } = state;
    const total = counted?.counts.total ?? 0;
    const period = text.period(dayText(filters.from), dayText(filters.to));
    const on = active(filters);
    return (
        <section class="summary" aria-label={text.title}>
            <p class="total" data-total={counted ? total : undefined} data-complete={counted?.complete ? "yes" : "no"}>
                <strong>{counted ? number(total) : "…"}</strong> {text.requests(total)}
            </p>
            <p class="period">{period}</p>
            <Chips />
            {counted?.complete && total === 0 && (
                <div class="empty" role="note">
                    <strong>{text.noneTitle}</strong>
                    <p>{text.noneHint}</p>
                    <button type="button" class="button" onClick={() => model.filter(defaultFilters(manifest))}>{text.clear}</button>
                </div>
            )}
            {on > 1 && total > 0 && (
                <button type="button" class="quiet" onClick={() => model.filter({ ...defaultFilters(manifest), from: filters.from, to: filters.to })}>{text.clear}</button>
            )}
            <Loading />
            <Live />
        </section>
    );
}

function Chips() {
    const { model, manifest, state } = useShown();
    const { filters } = state;
    const chips: { readonly key: string; readonly name: string; readonly off: () => void }[] = [];
    for (const dimension of DIMENSIONS) {
        const choice = filters[dimension];
        if (!choice) continue;
        if (dimension === "statuses" && (isGroup(manifest, filters, "open") || isGroup(manifest, filters, "closed"))) {
            const group = isGroup(manifest, filters, "open") ? "open" : "closed";
            if (statusesOf(manifest, group).length > 1) {
                chips.push({ key: group, name: text[group], off: () => model.filter({ statuses: null }) });
                continue;
            }
        }
        if (choice.length > 4) chips.push({ key: dimension, name: `${text.anyOf(choice.length)}: ${LABEL[dimension]}`, off: () => model.filter({ [dimension]: null }) });
        else for (const id of choice) chips.push({ key: `${dimension} ${id}`, name: nameOf(manifest, dimension, id), off: () => model.filter({ [dimension]: toggled(choice, id) }) });
    }
    if (!chips.length) return null;
    return (
        <ul class="chips">
            {chips.map(({ key, name, off }) => (
                <li key={key}>
                    <button type="button" class="chip is-on" onClick={off} aria-label={text.remove(name)}>
                        {name} <span aria-hidden="true">×</span>
                    </button>
                </li>
            ))}
        </ul>
    );
}

const LABEL = {
    types: text.what, councils: text.where, districts: text.district,
    statuses: text.state, sources: text.whose, departments: text.who,
} as const;

function Loading() {
    const { model } = useShown();
    const years = useCell(model.years);
    const counted = useCell(model.counted);
    if (years && years.loaded < years.total)
        return (
            <div class="loading-more">
                <progress value={years.loaded} max={years.total} aria-label={text.counting(years.loaded, years.total, years.oldest)} />
                <small>{text.counting(years.loaded, years.total, years.oldest)}</small>
            </div>
        );
    return counted && !counted.complete ? <small class="loading-more">{text.countingDays}</small> : null;
}

/** Says the new number when it has stood still for a moment, so that dragging does not talk without end. */
function Live() {
    const { model, state } = useShown();
    const counted = useCell(model.counted);
    const [said, say] = useState("");
    useEffect(() => {
        if (!counted) return;
        const period = text.period(dayText(state.filters.from), dayText(state.filters.to));
        const timer = setTimeout(() => say(text.live(number(counted.counts.total), period, counted.complete)), 600);
        return () => clearTimeout(timer);
    }, [counted]);
    return <p class="sr-only" role="status">{said}</p>;
}

const STALE_DAYS = 10;

/** Data that is old, a link that asked for too much, files that did not come. */
export function Notices() {
    const { page, model, manifest } = useShown();
    const problem = useCell(model.problem);
    const unknown = useCell(model.unknown);
    const [dismissed, dismiss] = useState(false);
    const newest = manifest.newest_created_on ?? manifest.last_day;
    const stale = Date.now() / 86_400_000 - dayNumber(newest) > STALE_DAYS;
    return (
        <>
            {problem && (
                <div class="notice is-error" role="alert">
                    <span>{text.partFailed}</span>
                    <button type="button" class="button" onClick={() => page.controller.retry()}>{text.retry}</button>
                </div>
            )}
            {unknown.length > 0 && (
                <div class="notice" role="note">
                    <span>{text.unknownInLink(unknown.join(", "))}</span>
                    <button type="button" class="icon" aria-label={text.dismiss} onClick={() => (model.unknown.value = [])}>×</button>
                </div>
            )}
            {stale && !dismissed && (
                <div class="notice" role="note">
                    <span>{text.stale(isoText(newest))}</span>
                    <button type="button" class="icon" aria-label={text.dismiss} onClick={() => dismiss(true)}>×</button>
                </div>
            )}
        </>
    );
}

