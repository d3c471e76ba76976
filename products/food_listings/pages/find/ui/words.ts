/**
 * Moments and states in words, for a reader of a language who is in a place's day.
 *
 * Belongs here: sentences made of values. Does not belong here: the words themselves (`../text.ts`), hours of a week
 * (`../hours/writing.ts`).
 */
import type { Place } from "../data";
import { dayAt, isoOf, wallOf, weekdayOf } from "../hours/opening";
import { type Language, weekdayName, writeDate, writeTime } from "../hours/writing";
import { MILE, type Now } from "../search";
import { fill, type Text, TEXTS } from "../text";

const MINUTE = 60_000;

/** 'noon', 'tomorrow 9 am', 'Tuesday 9 am', 'January 5, 2026 9 am'. `today`: whether to say so of today. */
export function when(moment: number, now: number, zone: string, language: Language, today: boolean): string {
    const text = TEXTS[language];
    const minute = Math.floor((((wallOf(moment, zone) % 86_400_000) + 86_400_000) % 86_400_000) / MINUTE);
    const time = writeTime(minute, language);
    const [day, here] = [dayAt(moment, zone), dayAt(now, zone)];
    if (day === here) return today ? fill(text.today, time) : time;
    if (day === here + 1) return fill(text.tomorrow, time);
    const name = weekdayName(weekdayOf(day), language);
    if (day < here + 7) return fill(text.onDay, language === "es" ? name.toLowerCase() : name, time);
    return fill(text.onDay, writeDate(isoOf(day), language), time);
}

export function stateInWords(place: Place, state: Now, now: number, zone: string, language: Language): string {
    const text: Text = TEXTS[language];
    if (state.state === "open") return state.until ? fill(text.state.openUntil, when(state.until, now, zone, language, false)) : text.state.open;
    if (state.state === "closed") return state.opens ? fill(text.state.opens, when(state.opens, now, zone, language, true)) : text.state.closed;
    if (state.state === "unknown" && place.hours?.text && place.hours.rules?.length) return text.state.unknownPart;
    return text.state[state.state];
}

export const miles = (meters: number): string => {
    const found = meters / MILE;
    return found < 10 ? found.toFixed(1) : String(Math.round(found));
};

export const day = (iso: string, language: Language): string => writeDate(iso, language);
