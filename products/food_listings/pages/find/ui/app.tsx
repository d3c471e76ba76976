/**
 * The page: head, filters, list and map, and what is shown while it loads or when it cannot.
 *
 * Belongs here: the order of things, and the state of the page. Does not belong here: the things.
 */
import { options } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Ground, load, loadGrounds, type Places } from "../data";
import { find, somewheres } from "../search";
import { preferred, read, START, type View, write } from "../state";
import { fill, TEXTS } from "../text";
import { About } from "./about";
import { Card } from "./card";
import { Filters } from "./filters";
import { MapView } from "./mapview";

const AT_FIRST = 20;
const MORE = 40;
const first: View = { ...START, language: preferred(navigator.languages) };

interface Props {
    readonly folder: string;
    readonly suggest: string;
}

/** The view, kept in the address: the back button steps through it. */
function useView(): readonly [View, (change: Partial<View>, step?: boolean) => void] {
    const [view, setView] = useState<View>(() => read(location.hash, first));
    const current = useRef(view);
    useEffect(() => {
        const changed = (): void => {
            current.current = { ...read(location.hash, first), near: nearOf(current.current, location.hash) };
            setView(current.current);
        };
        addEventListener("popstate", changed);
        return () => removeEventListener("popstate", changed);
    }, []);
    const change = (what: Partial<View>, step = true): void => {
        current.current = { ...current.current, ...what };
        const address = write(current.current, first) || location.pathname + location.search;
        if (address !== location.hash) history[step ? "pushState" : "replaceState"](null, "", address);
        setView(current.current);
    };
    return [view, change];
}

/** The reader's own position is in no link: it stays until they choose another or none. */
function nearOf(before: View, hash: string): View["near"] {
    return read(hash, first).near ?? (before.near?.isOwn ? before.near : null);
}

/** The moment, every half minute anew. */
function useNow(): number {
    const [now, setNow] = useState(() => Date.now());
    useEffect(() => {
        const timer = setInterval(() => setNow(Date.now()), 30_000);
        return () => clearInterval(timer);
    }, []);
    return now;
}

export function App({ folder, suggest }: Props) {
    const [places, setPlaces] = useState<Places | null>(null);
    const [grounds, setGrounds] = useState<readonly Ground[]>([]);
    const [problem, setProblem] = useState("");
    const [attempt, setAttempt] = useState(0);
    const [view, change] = useView();
    const text = TEXTS[view.language];
    useEffect(() => {
        setProblem("");
        load(folder).then(setPlaces, (error: Error) => setProblem(error.message));
        // The page works without neighborhoods.
        loadGrounds(folder).then(setGrounds, () => undefined);
    }, [attempt]);
    useEffect(() => {
        document.title = document.title.replace(/^[^·]*/, `${text.title} `);
    }, [text]);
    return (
        <div class={`find${view.large ? " is-large" : ""}`} lang={view.language}>
            <header class="find-head">
                <div>
                    <h1>{text.title}</h1>
                    <p>{text.lead}</p>
                </div>
                <Tools view={view} change={change} />
            </header>
            {places ? (
                <Ready places={places} grounds={grounds} view={view} change={change} folder={folder} suggest={suggest} />
            ) : problem ? (
                <div class="find-wait" role="alert">
                    <h2>{text.failed}</h2>
                    <p>{text.failedHint}</p>
                    <p class="find-quiet">{problem}</p>
                    <button type="button" class="find-button" onClick={() => setAttempt(attempt + 1)}>{text.retry}</button>
                </div>
            ) : (
                <p class="find-wait" role="status">{text.loading}</p>
            )}
        </div>
    );
}

function Tools({ view, change }: { view: View; change: (what: Partial<View>) => void }) {
    const text = TEXTS[view.language];
    const [copied, setCopied] = useState(false);
    const copy = async (): Promise<void> => {
        try {
            await navigator.clipboard.writeText(location.href);
            setCopied(true);
            setTimeout(() => setCopied(false), 4_000);
        } catch {
            prompt(text.share, location.href);
        }
    };
    const other = view.language === "en" ? "es" : "en";
    return (
        <div class="find-tools">
            <button type="button" class="find-tool is-main" lang={other} title={text.languageHint} onClick={() => change({ language: other })}>{text.language}</button>
            <button type="button" class="find-tool" aria-pressed={view.large} onClick={() => change({ large: !view.large })}>{text.large}</button>
            <button type="button" class="find-tool" onClick={() => window.print()}>{text.print}</button>
            <button type="button" class="find-tool" onClick={() => void copy()}>{text.share}</button>
            <span class="find-sr" role="status">{copied ? text.shared : ""}</span>
        </div>
    );
}

interface ReadyProps extends Props {
    readonly places: Places;
    readonly grounds: readonly Ground[];
    readonly view: View;
    readonly change: (what: Partial<View>, step?: boolean) => void;
}

function Ready({ places, grounds, view, change, folder, suggest }: ReadyProps) {
    const text = TEXTS[view.language];
    const now = useNow();
    const [shown, setShown] = useState(AT_FIRST);
    const [printing, setPrinting] = useState(false);
    const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(view.place ? [view.place] : []));
    const found = useMemo(() => find(places, view, now), [places, view, now]);
    const known = useMemo(() => somewheres(places, grounds), [places, grounds]);
    const isWide = useWide();
    const cards = useRef<HTMLOListElement>(null);

    useEffect(() => setShown(AT_FIRST), [view]);
    useEffect(() => {
        if (view.place) setOpen((before) => new Set([...before, view.place]));
    }, [view.place]);
    useEffect(() => {
        // Paper has no button for more. The browser prints what is there when this returns, so all places are drawn at once.
        const before = (): void => {
            const { debounceRendering } = options;
            options.debounceRendering = (draw) => draw();
            setPrinting(true);
            options.debounceRendering = debounceRendering;
        };
        const after = (): void => setPrinting(false);
        addEventListener("beforeprint", before);
        addEventListener("afterprint", after);
        return () => {
            removeEventListener("beforeprint", before);
            removeEventListener("afterprint", after);
        };
    }, []);

    const toggle = (id: string): void => {
        const next = new Set(open);
        if (!next.delete(id)) next.add(id);
        setOpen(next);
        // A listing of a link that is closed again lets the list be as it was.
        if (!next.has(id) && view.place === id) change({ place: "" });
    };
    const pick = (id: string): void => {
        change({ place: id, show: "list" });
        setTimeout(() => {
            const card = cards.current?.querySelector<HTMLElement>(".find-card");
            card?.scrollIntoView({ block: "nearest" });
            card?.querySelector<HTMLElement>("h3")?.focus();
        }, 0);
    };
    // On a phone the map stands between the head of the list and the list.
    const map = <MapView found={found} grounds={grounds} view={view} change={change} pick={pick} />;
    const count = found.length === 1 ? text.one : fill(text.count, found.length.toLocaleString(view.language));
    return (
        <div class={`find-body is-${view.show}`}>
            <section class="find-side" aria-label={text.list}>
                <Filters places={places} known={known} view={view} change={change} now={now} />
                <div class="find-result">
                    <h2 aria-live="polite" class="find-count">
                        {count} {view.near && <small>{fill(text.countNear, view.near.isOwn ? text.where.own : view.near.label || text.where.mapPoint)}</small>}
                    </h2>
                    <div class="find-switch" role="group" aria-label={`${text.list}, ${text.map}`}>
                        {(["list", "map"] as const).map((show) => (
                            <button type="button" key={show} aria-pressed={view.show === show} onClick={() => change({ show })}>{text[show]}</button>
                        ))}
                    </div>
                </div>
                {!isWide && view.show === "map" && map}
                {found.length === 0 && (
                    <div class="find-none">
                        <p><strong>{text.none}</strong> {text.noneHint}</p>
                        <button type="button" class="find-button" onClick={() => change({ ...START, language: view.language, large: view.large, near: view.near })}>{text.reset}</button>
                    </div>
                )}
                <ol class="find-list" ref={cards}>
                    {found.slice(0, printing ? found.length : shown).map((one) => (
                        <Card key={one.place.id} found={one} places={places} view={view} now={now} suggest={suggest} isOpen={open.has(one.place.id)} toggle={toggle} />
                    ))}
                </ol>
                {found.length > shown && (
                    <button type="button" class="find-button is-wide" onClick={() => setShown(shown + MORE)}>{fill(text.more, Math.min(MORE, found.length - shown))}</button>
                )}
                <About places={places} view={view} folder={folder} suggest={suggest} />
            </section>
            {isWide && map}
        </div>
    );
}

function useWide(): boolean {
    const query = useMemo(() => matchMedia("(min-width: 60em)"), []);
    const [wide, setWide] = useState(query.matches);
    useEffect(() => {
        const changed = (): void => setWide(query.matches);
        query.addEventListener("change", changed);
        return () => query.removeEventListener("change", changed);
    }, [query]);
    return wide;
}
