/**
 * Which places are shown, in which order, and how each is right now.
 *
 * Belongs here: choosing and sorting, on values. Does not belong here: drawing, words.
 */
import type { Ground, Place, Places, Point } from "./data";
import { dayAt, dayOf, type Holidays, momentOf, nextOpen, opensOn, type Schedule, type State, status, statusOnly, timesOn, weekdayOf } from "./hours/opening";
import type { View } from "./state";

export interface Found {
    readonly place: Place;
    /** Meters from where the reader is, if that is said. */
    readonly away: number | null;
    readonly state: Now["state"];
}
export interface Now {
    readonly state: State | "closed_now" | "closed_for_good";
    /** When that changes. */
    readonly until: number | null;
    /** When it opens next, for a place that is closed. */
    readonly opens: number | null;
}

const RADIUS = 6_371_008.8;
export const MILE = 1609.344;

/** Meters between two points, on a sphere of the Earth's mean radius (haversine formula). */
export function distance(a: Point, b: Point): number {
    const rad = Math.PI / 180;
    const [dx, dy] = [((b[0] - a[0]) * rad) / 2, ((b[1] - a[1]) * rad) / 2];
    const h = Math.sin(dy) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(dx) ** 2;
    return 2 * RADIUS * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** How a place is at a moment. One that is closed for now or for good is never open, whatever its hours say. */
export function nowOf(place: Place, moment: number, holidays: Holidays): Now {
    if (place.status === "closed") return { state: "closed_for_good", until: null, opens: null };
    if (place.status === "temporarily_closed") return { state: "closed_now", until: null, opens: null };
    if (!place.hours) return { state: "unknown", until: null, opens: null };
    const { state, until } = status(place.hours, moment, holidays);
    return { state, until, opens: state === "open" ? null : nextOpen(place.hours, moment, holidays) };
}

/** The state alone, for all places at once: when it changes is asked of those that are drawn. */
export function stateOf(place: Place, moment: number, holidays: Holidays): Now["state"] {
    if (place.status) return place.status === "closed" ? "closed_for_good" : "closed_now";
    return place.hours ? statusOnly(place.hours, moment, holidays) : "unknown";
}

/** The day that a view asks for, as a number, or null for none. `now` is a moment; days are those of the place. */
export function dayAsked(when: string, now: number, zone: string): number | null {
    const today = dayAt(now, zone);
    if (when === "today") return today;
    if (when === "tomorrow") return today + 1;
    if (/^[0-6]$/.test(when)) return today + ((Number(when) - weekdayOf(today) + 7) % 7);
    return /^\d{4}-/.test(when) ? dayOf(when) : null;
}

/** Lower case and without accents, so that 'pena' finds 'Peña'. */
export const folded = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

const haystacks = new WeakMap<Place, string>();
function haystack(place: Place): string {
    let found = haystacks.get(place);
    if (found === undefined) {
        const { name, organization, address1, city, zip, description, foodTypes, notes } = place;
        found = folded([name, organization, address1, city, zip, description, foodTypes, notes].filter(Boolean).join(" "));
        haystacks.set(place, found);
    }
    return found;
}

export function opens(schedule: Schedule | undefined, day: number, holidays: Holidays): boolean {
    return schedule !== undefined && opensOn(schedule, day, holidays).length > 0;
}

/** Kinds of places that people look for food in: what is chosen when nobody chose. */
export function usual(places: Places): ReadonlySet<string> {
    return new Set(places.categories.filter(([, , isFor]) => isFor).map(([code]) => code));
}

/** All places that a view asks for, nearest first where it says from where, else open ones first. */
export function find(places: Places, view: View, now: number): Found[] {
    const kinds = view.categories.length ? new Set(view.categories) : usual(places);
    const words = folded(view.text).split(/\s+/).filter(Boolean);
    const found: Found[] = [];
    for (const place of places.places) {
        // A link to a place shows that place, whatever else it asks for.
        if (place.id !== view.place && !matches(place, view, kinds, words, places, now)) continue;
        const away = view.near && place.at ? distance(view.near.at, place.at) : null;
        if (place.id !== view.place && view.near && view.within && (away === null || away > view.within * MILE)) continue;
        const state = stateOf(place, now, places.holidays);
        if (place.id !== view.place && view.when === "now" && state !== "open") continue;
        found.push({ place, away, state });
    }
    const last = Number.MAX_SAFE_INTEGER;
    // By distance where it is said from where; else by when one can go there.
    const order = new Map(found.map((one) => [one, view.near ? (one.away ?? last) : soon(one, now, places.holidays)]));
    const { compare } = new Intl.Collator(view.language);
    found.sort((a, b) => {
        if (a.place.id === view.place || b.place.id === view.place) return a.place.id === view.place ? -1 : 1;
        return (order.get(a) as number) - (order.get(b) as number) || RANKS[a.state] - RANKS[b.state] || compare(a.place.name, b.place.name);
    });
    return found;
}

const RANKS = { open: 0, appointment: 1, closed: 2, unknown: 3, closed_now: 4, closed_for_good: 5 } as const;
const WEEK = 7;

/** When one can go there: 0 now, else in how many days it opens next, within a week; after that what is not known or closed. */
function soon({ place, state }: Found, now: number, holidays: Holidays): number {
    if (state === "open") return 0;
    if (place.status || !place.hours) return WEEK + 1 + RANKS[state];
    const today = dayAt(now, place.hours.zone);
    for (let ahead = 0; ahead < WEEK; ahead++) {
        for (const [[begins], asked] of timesOn(place.hours, today + ahead, holidays)) {
            if (!asked && momentOf(today + ahead, begins, place.hours.zone) > now) return ahead + 0.5 + begins / 4000;
        }
    }
    return WEEK + 1;
}

function matches(place: Place, view: View, kinds: ReadonlySet<string>, words: readonly string[], places: Places, now: number): boolean {
    if (place.status === "closed" && !view.showClosed) return false;
    if (!(place.categories ?? []).some((code) => kinds.has(code))) return false;
    if (view.walkin && place.walkin !== true) return false;
    if (view.free && (place.eligibility || place.eligibilityNotes)) return false;
    if (view.spoken && !(place.languages ?? []).some((name) => folded(name) === folded(view.spoken))) return false;
    if (words.length && !words.every((word) => haystack(place).includes(word))) return false;
    const day = dayAsked(view.when, now, place.hours?.zone ?? places.zone);
    return day === null || (!place.status && opens(place.hours, day, places.holidays));
}

/** Languages that any place names, most named first. */
export function languages(places: Places): string[] {
    const counts = new Map<string, number>();
    for (const { languages: names } of places.places) for (const name of names ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
}

export interface Somewhere {
    readonly label: string;
    readonly kind: "zip" | "city" | "area";
    readonly at: Point;
}

/** Places to start from, out of our own data: ZIP codes and cities of listings in the middle of these, and neighborhoods. */
export function somewheres(places: Places, grounds: readonly Ground[]): Somewhere[] {
    const groups = new Map<string, { kind: "zip" | "city"; label: string; points: Point[] }>();
    const add = (kind: "zip" | "city", label: string | undefined, at: Point | undefined): void => {
        if (!label || !at) return;
        const group = groups.get(`${kind} ${label}`) ?? { kind, label, points: [] };
        group.points.push(at);
        groups.set(`${kind} ${label}`, group);
    };
    for (const { zip, city, at } of places.places) {
        add("zip", zip, at);
        add("city", city, at);
    }
    const middle = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
    const own = [...groups.values()].map(({ kind, label, points }): Somewhere => ({ kind, label, at: [middle(points.map(([x]) => x)), middle(points.map(([, y]) => y))] }));
    return [...own, ...grounds.map(({ name, at }): Somewhere => ({ kind: "area", label: name, at }))];
}

/** The first few that a typed text may mean: those that begin so before those that hold it. */
export function suggest(all: readonly Somewhere[], typed: string, most = 8): Somewhere[] {
    const wanted = folded(typed.trim());
    if (!wanted) return [];
    const rank = (one: Somewhere): number => {
        const label = folded(one.label);
        return label === wanted ? 0 : label.startsWith(wanted) ? 1 : label.split(/[\s-]+/).some((word) => word.startsWith(wanted)) ? 2 : 3;
    };
    return all.filter((one) => rank(one) < 3).sort((a, b) => rank(a) - rank(b) || a.label.localeCompare(b.label)).slice(0, most);
}
