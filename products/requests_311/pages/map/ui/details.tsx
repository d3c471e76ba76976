/**
 * One request, told in full.
 *
 * Belongs here: the card of a request that was tapped or chosen in the list. Does not belong here: finding it.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Row } from "../engine/engine";
import { useCell } from "../state";
import { dayText, duration, text } from "../text";
import { nameOf, useShown } from "./context";
import { addressText } from "./values";

const COLUMNS = ["request_id", "address", "zip_code", "created_at", "closed_at"];

function moment(value: unknown, zone: string): string | null {
    if (!(value instanceof Date)) return null;
    return new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(value);
}

export function DetailsCard() {
    const { model } = useShown();
    const row = useCell(model.selected);
    return row ? <Card key={`${row.month}/${row.row}`} row={row} /> : null;
}

function Card({ row }: { row: Row }) {
    const { page, model, manifest } = useShown();
    const [read, setRead] = useState<Record<string, unknown> | null>(null);
    const [failed, setFailed] = useState(false);
    const close = useRef<HTMLButtonElement>(null);
    useEffect(() => {
        page.controller.client.call("read", [row], COLUMNS).then(([found]) => setRead(found), () => setFailed(true));
        close.current?.focus({ preventScroll: true });
    }, []);
    const [type, department, source] = manifest.kinds[row.kind];
    const [council, district] = manifest.places[row.place];
    const address = addressText(read);
    const lines: readonly (readonly [string, string | null])[] = [
        [text.details.address, manifest.types[type].is_sensitive ? text.coarse : address || (read ? text.list.noAddress : text.details.loading)],
        [text.details.council, nameOf(manifest, "councils", council)],
        [text.details.district, nameOf(manifest, "districts", district)],
        [text.details.reported, moment(read?.created_at, manifest.timezone) ?? dayText(row.day)],
        [text.details.status, manifest.statuses[row.status].name + (row.hours !== null ? ` (${text.list.took(duration(row.hours))})` : "")],
        [text.details.closedAt, moment(read?.closed_at, manifest.timezone)],
        [text.details.department, nameOf(manifest, "departments", department)],
        [text.details.source, nameOf(manifest, "sources", source)],
        [text.details.number, (read?.request_id as string | undefined) ?? null],
    ];
    return (
        <aside class="details" aria-label={text.details.title} onKeyDown={(event) => event.key === "Escape" && (model.selected.value = null)}>
            <header>
                <h2>{nameOf(manifest, "types", type)}</h2>
                <button type="button" class="icon" ref={close} aria-label={text.details.close} onClick={() => (model.selected.value = null)}>×</button>
            </header>
            {failed && <p class="hint">{text.details.failed}</p>}
            <dl>
                {lines.map(([name, value]) => value && (
                    <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
                ))}
            </dl>
        </aside>
    );
}

