/**
 * Every word on the page, and how numbers and days are written.
 *
 * Belongs here: texts, so that a translation is one more module of this shape. Does not belong here: where they stand.
 */

const LANGUAGE = "en-US";
const whole = new Intl.NumberFormat(LANGUAGE);
const short = new Intl.NumberFormat(LANGUAGE, { notation: "compact", maximumFractionDigits: 1 });
const one = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeZone: "UTC" });
const month = new Intl.DateTimeFormat(LANGUAGE, { month: "short", year: "numeric", timeZone: "UTC" });

export const number = (value: number): string => whole.format(value);
export const compact = (value: number): string => (value < 10_000 ? whole.format(Math.round(value * 10) / 10) : short.format(value));
export const decimal = (value: number): string => one.format(value);
export const percent = (share: number): string => `${share > 0 && share < 0.01 ? "<1" : Math.round(share * 100)}%`;
/** A day, from days since 1970-01-01. */
export const dayText = (value: number): string => day.format(value * 86_400_000);
export const monthText = (value: number): string => month.format(value * 86_400_000);
export const isoText = (iso: string): string => day.format(new Date(`${iso.slice(0, 10)}T00:00:00Z`));

/** A waiting time in the unit that a person would use. */
export function duration(hours: number | null): string {
    if (hours === null) return "not yet half";
    if (hours < 1) return "under 1 hour";
    if (hours < 36) return `${Math.round(hours)} ${Math.round(hours) === 1 ? "hour" : "hours"}`;
    const days = hours / 24;
    if (days < 60) return `${days < 10 ? decimal(days) : Math.round(days)} days`;
    return days < 730 ? `${Math.round(days / 30.44)} months` : `${decimal(days / 365.25)} years`;
}

/** The same, for the few pixels under a scale. */
export function shortDuration(hours: number): string {
    if (hours < 36) return `${Math.round(hours)} h`;
    return hours < 24 * 90 ? `${hours < 240 ? decimal(hours / 24) : Math.round(hours / 24)} d` : `${decimal(hours / 24 / 30.44)} mo`;
}

const SMALL = new Set(["of", "and", "the", "at", "in", "de", "del"]);
/** "ALDER GLEN NC" as "Alder Glen"; names that are not in capitals stay as they are. */
export function councilName(name: string): string {
    const bare = name.replace(/^NC\s+/, "").replace(/\s+(NC|NDC|CC|NEIGHBORHOOD COUNCIL)$/i, "");
    if (bare !== bare.toUpperCase()) return bare;
    return bare.toLowerCase().replace(/[\p{L}']+/gu, (word, at: number) => (at > 0 && SMALL.has(word) ? word : word[0].toUpperCase() + word.slice(1)));
}

export const text = {
    title: "311 requests",
    subtitle: "What neighbors ask the city to fix",
    map: "Map of requests",
    loading: "Getting the map ready",
    loadingHint: "Only a small part of the data is fetched at first.",
    failedTitle: "The map could not be loaded",
    failedHint: "The data did not arrive. Your connection may be down, or the site may be busy.",
    retry: "Try again",
    partFailed: "Some of the data did not arrive, so the numbers are not complete.",
    tabs: { filters: "Filter", charts: "Charts", compare: "Compare", list: "List" },
    requests: (count: number) => (count === 1 ? "request" : "requests"),
    period: (from: string, to: string) => (from === to ? `on ${from}` : `${from} – ${to}`),
    counting: (years: number, total: number, oldest: number) => `Loading older years: ${years} of ${total} so far, back to ${oldest}. Numbers for earlier years are still to come.`,
    countingDays: "Counting single days; the number is not complete yet.",
    noneTitle: "Nothing matches",
    noneHint: "No request fits all of these filters. Take one away, or choose more days.",
    clear: "Clear all filters",
    remove: (what: string) => `Remove ${what}`,
    live: (count: string, period: string, complete: boolean) => `${count} requests, ${period}${complete ? "" : ", still counting"}`,
    stale: (date: string) => `The newest request here is from ${date}. Newer ones have not arrived yet.`,
    dismiss: "Close this notice",
    unknownInLink: (what: string) => `This link asks for something that is not in the data: ${what}. Everything else was applied.`,
    when: "When",
    from: "From",
    to: "To",
    presets: { days30: "Last 30 days", year: "This year", months12: "Last 12 months", all: "All years" },
    brush: "Requests by month. Choose days with the two handles.",
    brushStart: "First day",
    brushEnd: "Last day",
    what: "Type of request",
    where: "Neighborhood council",
    district: "Council district",
    state: "Status",
    whose: "Who reported it",
    who: "Department",
    any: "Any",
    open: "Open",
    closed: "Closed",
    anyOf: (count: number) => `${count} chosen`,
    findCouncil: "Find a council",
    noCouncil: "No council of that name.",
    region: (name: string) => `All of ${name}`,
    otherPlaces: "Elsewhere",
    showAll: (count: number) => `Show ${count} more`,
    showFewer: "Show fewer",
    sourceHints: {
        resident: "asked by people",
        crew: "logged by crews, often after the work",
        information: "questions answered on the phone",
        other: "duplicates and tests",
    } as Record<string, string>,
    colorBy: "Color by",
    metrics: { count: "Requests", rate: "Per 1,000 people", wait: "Time to close" },
    areas: { councils: "Councils", districts: "Districts" },
    areaBy: "Areas",
    layers: { areas: "Areas", points: "Points", heat: "Heat" },
    layer: "Show",
    legend: { count: "Requests", rate: "Requests per 1,000 residents", wait: "Half were closed within" },
    noPopulation: "population not known",
    waitHint: "Only what residents asked for, in whole months. Requests still open count as “at least this long”.",
    zoomHint: "Zoom in to see single requests",
    pointsLoading: (done: number, total: number) => `Loading points: ${done} of ${total} months`,
    pointsLeft: (oldest: string) => `More points than can be drawn: showing those since ${oldest}.`,
    heatHint: "Brighter means more requests. Places of sensitive types are rounded to about a kilometer.",
    coarse: "The exact place is not published, to protect people.",
    otherTypes: "Other types",
    tap: (selected: boolean) => (selected ? "Click to take it out of the filter" : "Click to filter by it"),
    tapPoint: "Click for details",
    perThousand: (value: string) => `${value} per 1,000 residents`,
    halfWithin: (value: string) => `Half closed within ${value}`,
    charts: {
        month: "Requests by month",
        type: "Requests by type",
        council: "Councils with most requests",
        status: "Requests by status",
        waitType: "Time to close by type",
        waitCouncil: "Time to close by council",
        waitNote:
            "Bars reach from the time within which a quarter were closed to three quarters; the dot is half. Requests that are still open count as “at least this long”, so slow ones are not left out. Only what residents asked for, in whole months; status and department do not apply here.",
        waitOpen: (share: string) => `${share} open`,
        few: "Fewer than 20 requests: too few to say.",
        save: "Save as picture",
        table: "Show as a table",
        value: "Requests",
        share: "Share",
    },
    compare: {
        title: "Compare",
        councils: "Two councils",
        periods: "Two periods",
        first: "First",
        second: "Second",
        choose: "Choose a council",
        yearBefore: "A year earlier",
        before: "The time just before",
        total: "Requests",
        rate: "Per 1,000 residents",
        open: "Still open",
        median: "Half closed within",
        byType: "By type",
        byMonth: "By month",
        same: "no change",
        hint: "All other filters stay as they are.",
        chooseBoth: "Choose two councils to see them side by side.",
    },
    list: {
        title: "Requests on the map",
        hint: "Newest first. Move the map or change a filter, and the list follows.",
        everywhere: "Include requests without a place",
        more: "Show more",
        none: "No request in this part of the map.",
        loading: "Reading the requests",
        noAddress: "No address given",
        reported: (date: string) => `Reported ${date}`,
        took: (time: string) => `took ${time}`,
    },
    details: {
        title: "Request",
        close: "Close",
        address: "Address",
        council: "Council",
        district: "District",
        reported: "Reported",
        status: "Status",
        closedAt: "Ended",
        department: "Department",
        source: "Reported by",
        number: "Number",
        loading: "Reading the details",
        failed: "The details did not arrive.",
    },
    search: {
        label: "Find an address or council",
        placeholder: "Address, street, ZIP or council",
        none: "Nothing found in the data. Try the street alone.",
        results: (count: number) => `${count} found`,
        council: "Council",
        requests: (count: string) => `${count} requests`,
        clear: "Clear the search",
    },
    share: {
        button: "Share",
        title: "Share this view",
        link: "Link",
        copy: "Copy link",
        copied: "Copied",
        hint: "Filters, view and place on the map are all in the link.",
        embed: "For your own web page",
        copyCode: "Copy code",
        picture: "Save the map as a picture",
    },
    download: {
        button: "Download",
        title: "Download these requests",
        about: (count: string) => `${count} requests, exactly as filtered now.`,
        choose: "File type",
        forms: { csv: "CSV, for spreadsheets", geojson: "GeoJSON, for maps", parquet: "Parquet, for analysis" },
        start: "Download",
        cancel: "Stop",
        progress: (done: string) => `Reading ${done}`,
        done: (count: string) => `Done: ${count} requests saved.`,
        stopped: "Stopped. Nothing was saved.",
        failed: "The download failed.",
        none: "There is nothing to download with these filters.",
    },
    about: {
        button: "What am I looking at?",
        title: "What am I looking at?",
        intro: "Each number here is a request to the city’s 311 service: by phone, app, web, or logged by a city crew. It tells where people ask, not where problems are.",
        newest: (date: string) => `Newest request: ${date}.`,
        without: (count: string) => `${count} requests have no place; they are counted, but not on the map.`,
        undated: (count: string) => `${count} requests have no usable date; they are left out.`,
        source: "Numbers come from published releases:",
    },
    theme: { toDark: "Dark colors", toLight: "Light colors" },
    close: "Close",
    sheet: { up: "Show more of the panel", down: "Show more of the map" },
    openFull: "Open the full map",
};
