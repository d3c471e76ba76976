/**
 * Finding a place: councils, and the data's own addresses. A geocoder is asked as well where one was set.
 *
 * Belongs here: the box and its results. Does not belong here: how addresses are read (`engine/addresses.ts`).
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useCell } from "../state";
import { compact, councilName, text } from "../text";
import { isCouncil, usePage } from "./context";

interface Hit {
    readonly name: string;
    readonly hint: string;
    readonly go: () => void;
}

export function Search() {
    const page = usePage();
    const { model, controller, map, geocoder } = page;
    const city = useCell(map);
    const [typed, setTyped] = useState("");
    const [hits, setHits] = useState<readonly Hit[] | null>(null);
    const [at, setAt] = useState(-1);
    const id = useId();
    const input = useRef<HTMLInputElement>(null);

    const show = (longitude: number, latitude: number, zoom: number) => {
        city?.go({ longitude, latitude, zoom });
        city?.mark([longitude, latitude]);
    };

    useEffect(() => {
        const wanted = typed.trim();
        if (!wanted) return setHits(null);
        let current = true;
        const timer = setTimeout(async () => {
            const found: Hit[] = [];
            model.manifest.councils.forEach((council, council_id) => {
                const name = councilName(council.name);
                if (found.length < 4 && isCouncil(model.manifest, council_id) && name.toLowerCase().includes(wanted.toLowerCase()))
                    found.push({
                        name, hint: text.search.council,
                        go: () => {
                            model.set({ areas: "councils", filters: { ...model.state.value.filters, councils: [council_id] } });
                            city?.fit([council_id], "councils");
                        },
                    });
            });
            try {
                for (const place of await controller.client.call("find", wanted))
                    found.push({
                        name: place.label, hint: text.search.requests(compact(place.count)),
                        go: () => show(place.longitude, place.latitude, place.kind === "zip" ? 13.2 : place.kind === "street" ? 14 : 16),
                    });
                if (geocoder && found.length < 8) found.push(...(await ask(geocoder, wanted, show)));
            } catch {
                // Councils can be found without the addresses.
            }
            if (current) {
                setHits(found);
                setAt(found.length ? 0 : -1);
            }
        }, 120);
        return () => {
            current = false;
            clearTimeout(timer);
        };
    }, [typed]);

    const choose = (hit: Hit | undefined) => {
        if (!hit) return;
        hit.go();
        setTyped("");
        setHits(null);
        input.current?.blur();
    };
    const keys = (event: KeyboardEvent) => {
        if (!hits) return;
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setAt((at + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % Math.max(1, hits.length));
        } else if (event.key === "Enter") choose(hits[at]);
        else if (event.key === "Escape") setHits(null);
    };
    return (
        <div class="search" role="search">
            <input
                ref={input} class="field" type="text" inputMode="search" role="combobox" autocomplete="off" spellcheck={false}
                aria-label={text.search.label} placeholder={text.search.placeholder} aria-expanded={hits !== null} aria-controls={id}
                aria-autocomplete="list" aria-activedescendant={hits && at >= 0 ? `${id}-${at}` : undefined}
                value={typed} onInput={(event) => setTyped(event.currentTarget.value)} onKeyDown={keys}
                onFocus={() => void controller.client.call("openSearch").catch(() => undefined)} onBlur={() => setTimeout(() => setHits(null), 200)}
            />
            <ul class="hits" id={id} role="listbox" aria-label={text.search.label} hidden={!hits}>
                {hits?.map((hit, i) => (
                    <li key={`${hit.name}${i}`} id={`${id}-${i}`} role="option" aria-selected={i === at} class={i === at ? "is-on" : ""} onPointerDown={(event) => event.preventDefault()} onClick={() => choose(hit)}>
                        <span>{hit.name}</span>
                        <small>{hit.hint}</small>
                    </li>
                ))}
                {hits?.length === 0 && <li class="hint" role="option" aria-selected={false} aria-disabled>{text.search.none}</li>}
            </ul>
            <p class="sr-only" role="status">{hits ? text.search.results(hits.length) : ""}</p>
        </div>
    );
}

/** Ask a geocoder that answers in GeoJSON, as Photon, Pelias and Nominatim do; `{q}` in its address stands for the query. */
async function ask(address: string, query: string, show: (longitude: number, latitude: number, zoom: number) => void): Promise<Hit[]> {
    const answer = await fetch(address.replace("{q}", encodeURIComponent(query)));
    if (!answer.ok) return [];
    const { features } = (await answer.json()) as GeoJSON.FeatureCollection<GeoJSON.Point>;
    return features.slice(0, 4).map(({ geometry, properties }) => ({
        name: String(properties?.display_name ?? properties?.label ?? properties?.name ?? query), hint: "",
        go: () => show(geometry.coordinates[0], geometry.coordinates[1], 16),
    }));
}
