/**
 * The page: header, panel, map, and what is shown while it loads or when it cannot.
 *
 * Belongs here: the order of things. Does not belong here: the things.
 */
import { useEffect, useState } from "preact/hooks";
import { Controller } from "../controller";
import type { CityMap } from "../map/citymap";
import { Cell, type Tab, useCell } from "../state";
import { text } from "../text";
import { Charts } from "./charts";
import { CompareView } from "./compare";
import { type Page, PageContext, useShown } from "./context";
import { DetailsCard } from "./details";
import { type DialogName, Dialogs } from "./dialogs";
import { FilterLists } from "./filters";
import { RequestList } from "./list";
import { MapView } from "./mapview";
import { Search } from "./search";
import { Notices, Summary } from "./summary";
import { When } from "./when";

export interface Options {
    /** Folder of the map's files, with a slash at its end. */
    readonly files: string;
    readonly basemap: string;
    readonly geocoder: string;
    readonly embedded: boolean;
    readonly dark: Cell<boolean>;
}

type Phase = { readonly name: "loading" } | { readonly name: "failed"; readonly reason: string } | { readonly name: "ready"; readonly page: Page; readonly boundaries: unknown };

export function App({ options }: { options: Options }) {
    const [phase, setPhase] = useState<Phase>({ name: "loading" });
    const [attempt, setAttempt] = useState(0);
    const dark = useCell(options.dark);
    useEffect(() => {
        setPhase({ name: "loading" });
        const controller = new Controller(options.files);
        controller.open().then(
            ({ model, opened }) => {
                const page: Page = { model, controller, map: new Cell<CityMap | null>(null), dark: options.dark, geocoder: options.geocoder, embedded: options.embedded };
                setPhase({ name: "ready", page, boundaries: opened.boundaries });
            },
            (error: Error) => setPhase({ name: "failed", reason: error.message }),
        );
    }, [attempt]);
    const look = `m311 ${dark ? "is-dark" : "is-light"} ${options.embedded ? "is-embedded" : ""}`;
    if (phase.name === "ready")
        return (
            <div class={look}>
                <PageContext.Provider value={phase.page}>
                    <Ready boundaries={phase.boundaries} basemap={options.basemap} />
                </PageContext.Provider>
            </div>
        );
    return (
        <div class={look}>
            <div class="waiting" role={phase.name === "failed" ? "alert" : "status"}>
                {phase.name === "failed" ? (
                    <>
                        <h2>{text.failedTitle}</h2>
                        <p>{text.failedHint}</p>
                        <p class="hint">{phase.reason}</p>
                        <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>{text.retry}</button>
                    </>
                ) : (
                    <>
                        <progress aria-label={text.loading} />
                        <h2>{text.loading}</h2>
                        <p>{text.loadingHint}</p>
                    </>
                )}
            </div>
        </div>
    );
}

function Ready({ boundaries, basemap }: { boundaries: unknown; basemap: string }) {
    const { page, model, state } = useShown();
    const [dialog, setDialog] = useState<DialogName | null>(null);
    const [sheet, setSheet] = useState<"low" | "half" | "full">("half");
    const dark = useCell(page.dark);
    const tabs = Object.keys(text.tabs) as Tab[];
    const show = (tab: Tab) => {
        model.set({ tab });
        if (sheet === "low") setSheet("half");
    };
    const arrows = (event: KeyboardEvent) => {
        const step = { ArrowRight: 1, ArrowLeft: tabs.length - 1 }[event.key];
        if (step === undefined) return;
        const next = tabs[(tabs.indexOf(state.tab) + step) % tabs.length];
        show(next);
        document.getElementById(`m311-tab-${next}`)?.focus();
    };
    const view = { filters: <><When /><FilterLists /></>, charts: <Charts />, compare: <CompareView />, list: <RequestList /> }[state.tab];
    return (
        <>
            <header class="top">
                <div class="brand">
                    <h1>{text.title}</h1>
                    <p>{text.subtitle}</p>
                </div>
                <Search />
                <nav class="actions" aria-label={text.title}>
                    {page.embedded ? (
                        <a class="button is-plain" href={location.pathname + location.hash} target="_blank" rel="noopener">{text.openFull}</a>
                    ) : (
                        <>
                            <button type="button" class="tool" onClick={() => setDialog("about")}><Icon name="about" /><span>{text.about.button}</span></button>
                            <button type="button" class="tool" onClick={() => setDialog("download")}><Icon name="download" /><span>{text.download.button}</span></button>
                            <button type="button" class="tool is-main" onClick={() => setDialog("share")}><Icon name="share" /><span>{text.share.button}</span></button>
                        </>
                    )}
                    <button type="button" class="tool is-icon" aria-label={dark ? text.theme.toLight : text.theme.toDark} title={dark ? text.theme.toLight : text.theme.toDark} onClick={() => (page.dark.value = !dark)}><Icon name={dark ? "sun" : "moon"} /></button>
                </nav>
            </header>
            <div class={`body is-${sheet}`}>
                <section class="panel" aria-label={text.tabs.filters}>
                    <button
                        type="button" class="grip" aria-label={sheet === "full" ? text.sheet.down : text.sheet.up}
                        onClick={() => setSheet(sheet === "low" ? "half" : sheet === "half" ? "full" : "low")}
                    ><span aria-hidden="true" /></button>
                    <Summary />
                    <Notices />
                    <div class="tabs" role="tablist" aria-label={text.title} onKeyDown={arrows}>
                        {tabs.map((tab) => (
                            <button type="button" key={tab} id={`m311-tab-${tab}`} role="tab" aria-selected={tab === state.tab} aria-controls="m311-view" tabIndex={tab === state.tab ? 0 : -1} onClick={() => show(tab)}>
                                {text.tabs[tab]}
                            </button>
                        ))}
                    </div>
                    <div class="view" id="m311-view" role="tabpanel" tabIndex={0} aria-labelledby={`m311-tab-${state.tab}`} key={state.tab}>{view}</div>
                </section>
                <MapView boundaries={boundaries} basemap={basemap} />
                <DetailsCard />
            </div>
            <Dialogs open={dialog} close={() => setDialog(null)} />
        </>
    );
}

const PATHS = {
    about: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm1 15h-2v-6h2zm0-8h-2V7h2z",
    download: "M11 3h2v9.2l3.3-3.3 1.4 1.4L12 16l-5.7-5.7 1.4-1.4 3.3 3.3zM4 18h16v2H4z",
    share: "M18 16a3 3 0 0 0-2.2 1l-7-4a3 3 0 0 0 0-1.9l6.9-4A3 3 0 1 0 15 5l.1.8-7 4a3 3 0 1 0 0 4.4l7 4A3 3 0 1 0 18 16z",
    moon: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
    sun: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v3h-2zm0 19h2v3h-2zM1 11h3v2H1zm19 0h3v2h-3zM4.2 2.8l2.1 2.1-1.4 1.4-2.1-2.1zm14.9 14.9 2.1 2.1-1.4 1.4-2.1-2.1zM19.8 2.8l1.4 1.4-2.1 2.1-1.4-1.4zM4.9 17.7l1.4 1.4-2.1 2.1-1.4-1.4z",
} as const;

function Icon({ name }: { name: keyof typeof PATHS }) {
    return <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path fill="currentColor" d={PATHS[name]} /></svg>;
}
