/**
 * Where the reader is: typed (out of our own ZIP codes, cities and neighborhoods), found by the browser when asked, or a click on the map.
 *
 * Belongs here: the box. Does not belong here: distances (`../search.ts`). What is typed or found leaves the browser for nobody.
 */
import { useId, useMemo, useState } from "preact/hooks";
import { type Somewhere, suggest } from "../search";
import type { View } from "../state";
import { fill, TEXTS } from "../text";

interface Props {
    readonly known: readonly Somewhere[];
    readonly view: View;
    readonly change: (what: Partial<View>) => void;
}

export function Where({ known, view, change }: Props) {
    const text = TEXTS[view.language];
    const id = useId();
    const [typed, setTyped] = useState<string | null>(null);
    const [at, setAt] = useState(0);
    const [said, setSaid] = useState("");
    const hits = useMemo(() => (typed ? suggest(known, typed) : []), [known, typed]);
    const isOpen = typed !== null && typed.trim() !== "";

    const choose = (hit: Somewhere | undefined): void => {
        if (!hit) return;
        change({ near: { at: hit.at, label: hit.label }, place: "" });
        setTyped(null);
        setSaid("");
    };
    const keys = (event: KeyboardEvent): void => {
        if (event.key === "Escape") setTyped(null);
        else if (event.key === "Enter") choose(hits[at]);
        else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && hits.length) {
            event.preventDefault();
            setAt((at + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % hits.length);
        }
    };
    const locate = (): void => {
        setSaid(text.where.locating);
        const failed = (): void => setSaid(text.where.denied);
        if (!navigator.geolocation) return failed();
        navigator.geolocation.getCurrentPosition(
            ({ coords }) => {
                setSaid("");
                change({ near: { at: [coords.longitude, coords.latitude], label: "", isOwn: true }, place: "" });
            },
            failed,
            { timeout: 15_000, maximumAge: 300_000 },
        );
    };
    const label = view.near ? (view.near.isOwn ? text.where.own : view.near.label || text.where.mapPoint) : "";
    return (
        <div class="find-where">
            <label for={`${id}-box`}>{text.where.label}</label>
            <div class="find-combo">
                <input
                    id={`${id}-box`} class="find-field" type="text" role="combobox" autocomplete="off" spellcheck={false} placeholder={text.where.placeholder}
                    aria-expanded={isOpen} aria-controls={`${id}-list`} aria-autocomplete="list" aria-activedescendant={isOpen && hits.length ? `${id}-${at}` : undefined}
                    value={typed ?? label}
                    onInput={(event) => { setTyped(event.currentTarget.value); setAt(0); }}
                    onFocus={(event) => event.currentTarget.select()} onKeyDown={keys} onBlur={() => setTimeout(() => setTyped(null), 200)}
                />
                {view.near && typed === null && <button type="button" class="find-x" aria-label={text.where.clear} title={text.where.clear} onClick={() => change({ near: null, within: 0 })}>×</button>}
                <ul id={`${id}-list`} role="listbox" aria-label={text.where.label} hidden={!isOpen}>
                    {hits.map((hit, index) => (
                        <li key={`${hit.kind} ${hit.label}`} id={`${id}-${index}`} role="option" aria-selected={index === at} onPointerDown={(event) => event.preventDefault()} onClick={() => choose(hit)}>
                            {hit.label} <small>{text.where.kinds[hit.kind]}</small>
                        </li>
                    ))}
                    {isOpen && hits.length === 0 && <li role="option" aria-selected={false} aria-disabled="true">{text.where.none}</li>}
                </ul>
            </div>
            <button type="button" class="find-button is-plain" onClick={locate}>{text.where.locate}</button>
            <p class="find-quiet" role="status">{isOpen ? fill(text.where.found, hits.length) : said}</p>
        </div>
    );
}
