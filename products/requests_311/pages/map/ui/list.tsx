/**
 * The requests in view as a list, for everyone, and for screen readers above all.
 *
 * Belongs here: the list and its paging. Does not belong here: one request in full (`details.tsx`).
 */
import { useEffect, useState } from "preact/hooks";
import type { Row } from "../engine/engine";
import { useCell } from "../state";
import { dayText, text } from "../text";
import { nameOf, useShown } from "./context";
import { addressText } from "./values";

const STEP = 25;

interface Item {
    readonly row: Row;
    readonly address: string;
}

export function RequestList() {
    const { page, model, manifest, state } = useShown();
    const city = useCell(page.map);
    const counted = useCell(model.counted);
    const [items, setItems] = useState<readonly Item[]>([]);
    const [wanted, setWanted] = useState(STEP);
    const [more, setMore] = useState(false);
    const [busy, setBusy] = useState(true);
    const [everywhere, setEverywhere] = useState(false);
    const { client } = page.controller;

    useEffect(() => setWanted(STEP), [state.filters, state.spot, everywhere]);
    useEffect(() => {
        let current = true;
        setBusy(true);
        const load = async () => {
            const box = everywhere ? null : (city?.box() ?? null);
            const found = await client.call("list", state.filters, box, 0, wanted);
            const read = await client.call("read", found.rows, ["address", "zip_code"]);
            if (!current) return;
            setItems(found.rows.map((row, i) => ({ row, address: addressText(read[i]) })));
            setMore(found.more);
            setBusy(false);
        };
        const timer = setTimeout(() => void load().catch((error: Error) => (model.problem.value = error.message)), 150);
        return () => {
            current = false;
            clearTimeout(timer);
        };
    }, [state.filters, state.spot, wanted, everywhere, city, counted?.complete]);

    return (
        <section class="list" aria-label={text.list.title} aria-busy={busy}>
            <h2>{text.list.title}</h2>
            <p class="hint">{text.list.hint}</p>
            <label class="check">
                <input type="checkbox" checked={everywhere} onChange={(event) => setEverywhere(event.currentTarget.checked)} />
                <span>{text.list.everywhere}</span>
            </label>
            {busy && !items.length && <p role="status">{text.list.loading}</p>}
            {!busy && !items.length && <p role="status">{text.list.none}</p>}
            <ol>
                {items.map(({ row, address }) => {
                    const [type] = manifest.kinds[row.kind];
                    const [council] = manifest.places[row.place];
                    const { group, name } = manifest.statuses[row.status];
                    return (
                        <li key={`${row.month}/${row.row}`}>
                            <button
                                type="button" class="item"
                                onClick={() => {
                                    model.selected.value = row;
                                    if (row.longitude !== null && row.latitude !== null) city?.go({ longitude: row.longitude, latitude: row.latitude, zoom: Math.max(15, city.map.getZoom()) });
                                }}
                            >
                                <strong>{nameOf(manifest, "types", type)}</strong>
                                <span class={`pill is-${group}`}>{name}</span>
                                <span>{manifest.types[type].is_sensitive ? nameOf(manifest, "councils", council) : address || nameOf(manifest, "councils", council)}</span>
                                <small>{text.list.reported(dayText(row.day))}</small>
                            </button>
                        </li>
                    );
                })}
            </ol>
            {more && <button type="button" class="button is-wide" onClick={() => setWanted(wanted + STEP)}>{text.list.more}</button>}
        </section>
    );
}
