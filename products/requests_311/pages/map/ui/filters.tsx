/**
 * The filters: what, where, status, who. Each option says how many requests choosing it would give.
 *
 * Belongs here: lists of options. Does not belong here: days (`when.tsx`).
 */
import { useId, useState } from "preact/hooks";
import type { Dimension } from "../engine/filters";
import { toggled, useCell } from "../state";
import { compact, councilName, number, text } from "../text";
import { isCouncil, isGroup, nameOf, statusesOf, useShown } from "./context";

interface Option {
    readonly id: number;
    readonly name: string;
    readonly count: number;
    readonly hint?: string;
}

function Options({ options, dimension, most }: { options: readonly Option[]; dimension: Dimension; most: number }) {
    const { model, manifest, state } = useShown();
    const choice = state.filters[dimension];
    return (
        <ul class="options" data-dimension={dimension}>
            {options.map(({ id, name, count, hint }) => (
                <li key={id} data-code={manifest[dimension][id].code} data-count={count}>
                    <label class={count ? "option" : "option is-empty"}>
                        <input type="checkbox" checked={choice?.includes(id) ?? false} onChange={() => model.filter({ [dimension]: toggled(choice, id) })} />
                        <span class="option-name">
                            {name}
                            {hint && <small>{hint}</small>}
                        </span>
                        <span class="option-count" title={number(count)}>{compact(count)}</span>
                        <span class="option-bar" style={{ inlineSize: `${most ? (100 * count) / most : 0}%` }} />
                    </label>
                </li>
            ))}
        </ul>
    );
}

function Group({ title, dimension, open, children }: { title: string; dimension: Dimension; open?: boolean; children: preact.ComponentChildren }) {
    const { model, manifest, state } = useShown();
    const choice = state.filters[dimension];
    const said = choice === null ? text.any : choice.length === 1 ? nameOf(manifest, dimension, choice[0]) : text.anyOf(choice.length);
    return (
        <details class="group" open={open ?? choice !== null}>
            <summary>
                <span class="group-title">{title}</span>
                <span class={choice ? "group-said is-on" : "group-said"}>{said}</span>
            </summary>
            <fieldset>
                <legend class="sr-only">{title}</legend>
                {children}
                {choice && (
                    <button type="button" class="quiet" onClick={() => model.filter({ [dimension]: null })}>
                        {text.any} ({title.toLowerCase()})
                    </button>
                )}
            </fieldset>
        </details>
    );
}

const SHORT = 8;

function Plain({ title, dimension, open, hints }: { title: string; dimension: "types" | "districts" | "sources" | "departments"; open?: boolean; hints?: Record<string, string> }) {
    const { model, manifest, state } = useShown();
    const counted = useCell(model.counted);
    const [all, setAll] = useState(false);
    const counts = counted?.counts[dimension];
    const choice = state.filters[dimension];
    const options = manifest[dimension].map((entry, id) => ({ id, name: nameOf(manifest, dimension, id), count: counts?.[id] ?? 0, hint: hints?.[entry.code] }));
    if (dimension !== "districts") options.sort((a, b) => b.count - a.count || a.id - b.id);
    const shown = all ? options : options.filter((option, i) => i < SHORT || choice?.includes(option.id));
    return (
        <Group title={title} dimension={dimension} open={open}>
            <Options options={shown} dimension={dimension} most={Math.max(...options.map((option) => option.count))} />
            {options.length > SHORT && (
                <button type="button" class="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
                    {all ? text.showFewer : text.showAll(options.length - shown.length)}
                </button>
            )}
        </Group>
    );
}

function Status() {
    const { model, manifest, state } = useShown();
    const counted = useCell(model.counted);
    const counts = counted?.counts.statuses;
    const name = useId();
    const options = manifest.statuses.map((_, id) => ({ id, name: nameOf(manifest, "statuses", id), count: counts?.[id] ?? 0 }));
    const sum = (ids: readonly number[]) => ids.reduce((total, id) => total + (counts?.[id] ?? 0), 0);
    const groups = [
        { title: text.any, ids: null, on: state.filters.statuses === null, count: sum(manifest.statuses.map((_, id) => id)) },
        ...(["open", "closed"] as const).map((group) => ({
            title: text[group], ids: statusesOf(manifest, group), on: isGroup(manifest, state.filters, group), count: sum(statusesOf(manifest, group)),
        })),
    ];
    return (
        <>
            <fieldset class="segments" aria-label={text.state}>
                {groups.map(({ title, ids, on, count }) => (
                    <label key={title} class={on ? "is-on" : ""}>
                        <input type="radio" name={name} checked={on} onChange={() => model.filter({ statuses: ids })} />
                        <span>{title}</span>
                        <small>{compact(count)}</small>
                    </label>
                ))}
            </fieldset>
            <Group title={text.state} dimension="statuses" open={false}>
                <Options options={options} dimension="statuses" most={Math.max(...options.map((option) => option.count))} />
            </Group>
        </>
    );
}

function Councils() {
    const { page, model, manifest, state } = useShown();
    const counted = useCell(model.counted);
    const [typed, setTyped] = useState("");
    const counts = counted?.counts.councils;
    const choice = state.filters.councils;
    const most = Math.max(...(counts ?? [0]));
    const wanted = typed.trim().toLowerCase();
    const regions = new Map<string, Option[]>();
    manifest.councils.forEach((council, id) => {
        const name = councilName(council.name);
        const region = isCouncil(manifest, id) ? councilName(council.region ?? text.otherPlaces) : text.otherPlaces;
        if (wanted && !name.toLowerCase().includes(wanted) && !region.toLowerCase().includes(wanted)) return;
        regions.set(region, [...(regions.get(region) ?? []), { id, name, count: counts?.[id] ?? 0 }]);
    });
    const names = [...regions.keys()].sort((a, b) => Number(a === text.otherPlaces) - Number(b === text.otherPlaces) || a.localeCompare(b));
    const whole = (options: readonly Option[]) => options.every(({ id }) => choice?.includes(id));
    const flip = (options: readonly Option[]) => {
        const ids = options.map(({ id }) => id);
        const kept = (choice ?? []).filter((id) => !ids.includes(id));
        const next = whole(options) ? kept : [...kept, ...ids].sort((a, b) => a - b);
        model.filter({ councils: next.length ? next : null });
        if (next.length) page.map.value?.fit(next, "councils");
    };
    return (
        <Group title={text.where} dimension="councils">
            <input class="field" type="search" aria-label={text.findCouncil} placeholder={text.findCouncil} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
            {names.length === 0 && <p class="hint">{text.noCouncil}</p>}
            {names.map((region) => {
                const options = regions.get(region) ?? [];
                return (
                    <details class="region" key={region} open={wanted !== "" || options.some(({ id }) => choice?.includes(id))}>
                        <summary>
                            <span>{region}</span>
                            <small>{compact(options.reduce((sum, { count }) => sum + count, 0))}</small>
                        </summary>
                        {region !== text.otherPlaces && (
                            <label class="option is-all">
                                <input type="checkbox" checked={whole(options)} onChange={() => flip(options)} />
                                <span class="option-name">{text.region(region)}</span>
                            </label>
                        )}
                        <Options options={[...options].sort((a, b) => a.name.localeCompare(b.name))} dimension="councils" most={most} />
                    </details>
                );
            })}
        </Group>
    );
}

export function FilterLists() {
    return (
        <>
            <Status />
            <Plain title={text.what} dimension="types" open />
            <Councils />
            <Plain title={text.district} dimension="districts" />
            <Plain title={text.whose} dimension="sources" hints={text.sourceHints} />
            <Plain title={text.who} dimension="departments" />
        </>
    );
}
