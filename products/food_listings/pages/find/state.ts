/**
 * What is asked for, as one value, and that value as the part of the address behind '#': a link shows the same to others.
 *
 * Belongs here: writing and reading it. Does not belong here: what comes of it (`search.ts`). The reader's own position, found by the
 * browser, is never in a link.
 */
import type { Point } from "./data";
import type { Language } from "./hours/writing";

/** any time, now, or a weekday from 0 (Monday), or a day. */
export type When = "any" | "now" | "today" | "tomorrow" | `${number}` | string;
export interface Near {
    readonly at: Point;
    readonly label: string;
    /** Found by the browser: kept out of links. */
    readonly isOwn?: boolean;
}
export interface View {
    readonly language: Language;
    readonly when: When;
    readonly text: string;
    readonly categories: readonly string[];
    readonly spoken: string;
    readonly walkin: boolean;
    readonly free: boolean;
    readonly showClosed: boolean;
    readonly near: Near | null;
    /** Miles around `near`, 0 for all. */
    readonly within: number;
    readonly place: string;
    readonly show: "list" | "map";
    readonly large: boolean;
}

export const START: View = {
    language: "en", when: "any", text: "", categories: [], spoken: "", walkin: false, free: false, showClosed: false, near: null, within: 0,
    place: "", show: "list", large: false,
};

/** The view as text; what is as it is at first is left out. */
export function write(view: View, first: View = START): string {
    const given = new URLSearchParams();
    if (view.language !== first.language) given.set("lang", view.language);
    if (view.when !== "any") given.set("open", view.when);
    if (view.text) given.set("q", view.text);
    if (view.categories.length) given.set("kind", view.categories.join(","));
    if (view.spoken) given.set("spoken", view.spoken);
    if (view.walkin) given.set("walkin", "yes");
    if (view.free) given.set("free", "yes");
    if (view.showClosed) given.set("closed", "yes");
    if (view.near && !view.near.isOwn) given.set("near", `${view.near.at[1].toFixed(4)},${view.near.at[0].toFixed(4)},${view.near.label}`);
    if (view.within) given.set("within", String(view.within));
    if (view.place) given.set("listing", view.place);
    if (view.show !== "list") given.set("show", view.show);
    if (view.large) given.set("type", "large");
    const text = given.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    return text ? `#${text}` : "";
}

const WHEN = /^(now|today|tomorrow|[0-6]|\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01]))$/;

/** The view of a link. What cannot be read is as it is at first. */
export function read(hash: string, first: View = START): View {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const yes = (name: string): boolean => given.get(name) === "yes";
    const when = given.get("open") ?? "";
    const language = given.get("lang");
    const within = Number(given.get("within"));
    return {
        language: language === "en" || language === "es" ? language : first.language,
        when: WHEN.test(when) ? when : "any",
        text: given.get("q") ?? "",
        categories: (given.get("kind") ?? "").split(",").filter(Boolean),
        spoken: given.get("spoken") ?? "",
        walkin: yes("walkin"),
        free: yes("free"),
        showClosed: yes("closed"),
        near: near(given.get("near") ?? ""),
        within: Number.isFinite(within) && within > 0 && within <= 100 ? within : 0,
        place: given.get("listing") ?? "",
        show: given.get("show") === "map" ? "map" : "list",
        large: given.get("type") === "large",
    };
}

function near(text: string): Near | null {
    const found = /^(-?\d{1,2}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?),(.{0,80})$/.exec(text);
    if (!found) return null;
    const [latitude, longitude] = [Number(found[1]), Number(found[2])];
    if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return null;
    return { at: [longitude, latitude], label: found[3] };
}

/** The language the reader's browser prefers, of those we have. */
export function preferred(languages: readonly string[]): Language {
    for (const each of languages) {
        const short = each.slice(0, 2).toLowerCase();
        if (short === "en" || short === "es") return short;
    }
    return "en";
}
