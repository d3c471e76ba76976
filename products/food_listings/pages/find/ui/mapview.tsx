/**
 * The map beside the list, with what its colors mean.
 *
 * Belongs here: bringing places and map together, loading the map when it is first seen. Does not belong here: speaking to MapLibre
 * (`../map/foodmap.ts`).
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Ground } from "../data";
import type { FoodMap } from "../map/foodmap";
import type { Found } from "../search";
import type { View } from "../state";
import { TEXTS } from "../text";

interface Props {
    readonly found: readonly Found[];
    readonly grounds: readonly Ground[];
    readonly view: View;
    readonly change: (what: Partial<View>) => void;
    readonly pick: (id: string) => void;
}

function isDark(): boolean {
    const { theme } = document.documentElement.dataset;
    return theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
}

export function MapView({ found, grounds, view, change, pick }: Props) {
    const text = TEXTS[view.language];
    const box = useRef<HTMLDivElement>(null);
    const [map, setMap] = useState<FoodMap | null>(null);
    const [failed, setFailed] = useState(false);
    // The map lives longer than one drawing of the page: it asks for what is current.
    const told = useRef({ pick, change });
    told.current = { pick, change };

    useEffect(() => {
        let made: FoodMap | null = null;
        let gone = false;
        import("../map/foodmap").then(({ FoodMap: Made }) => {
            if (gone || !box.current) return;
            made = new Made({
                container: box.current, grounds, dark: isDark(),
                words: { "Map.Title": text.mapLabel, "NavigationControl.ZoomIn": text.zoomIn, "NavigationControl.ZoomOut": text.zoomOut },
                picked: (id) => told.current.pick(id),
                pointed: (at) => told.current.change({ near: { at, label: "" }, place: "" }),
            });
            setMap(made);
        }).catch(() => setFailed(true));
        return () => {
            gone = true;
            made?.remove();
        };
    }, [view.language]);
    useEffect(() => {
        if (!map) return undefined;
        const dark = (): void => map.setDark(isDark());
        const theme = new MutationObserver(dark);
        theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
        const query = matchMedia("(prefers-color-scheme: dark)");
        query.addEventListener("change", dark);
        return () => {
            theme.disconnect();
            query.removeEventListener("change", dark);
        };
    }, [map]);
    useEffect(() => map?.setGrounds(grounds), [map, grounds]);
    useEffect(() => map?.set(found, view.place, view.near?.at ?? null, view.within), [map, found, view.place, view.near, view.within]);
    return (
        <div class="find-map">
            {failed ? <p class="find-wait">{text.mapFailed}</p> : <div class="find-canvas" ref={box} />}
            <ul class="find-legend">
                {(["open", "appointment", "closed", "unknown"] as const).map((state) => <li key={state}><i class={`is-${state}`} />{text.legend[state]}</li>)}
                {view.near && <li><i class="is-you" />{text.legend.you}</li>}
            </ul>
            <p class="find-sr">{text.mapHint}</p>
        </div>
    );
}
