/**
 * What the page reads: `places.json` and `grounds.json` of its folder, as `find_files/payload.py` and `find_files/grounds.py` write them.
 *
 * Belongs here: their form, and getting them. Does not belong here: choosing among places (`search.ts`).
 */
import type { Holidays, Schedule } from "./hours/opening";

export type FieldState = "confirmed" | "confirmed_none" | "unconfirmed" | "unknown";
/** State, day it was confirmed, how, and whether that is too long ago. */
export type Field = readonly [state: FieldState, confirmed?: string | null, evidence?: string | null, stale?: boolean | null];
export type Fresh = "fresh" | "aging" | "stale" | "never";
export type Point = readonly [longitude: number, latitude: number];

export interface Place {
    readonly id: string;
    readonly name: string;
    readonly organization?: string;
    readonly description?: string;
    readonly categories?: readonly string[];
    readonly categoryNotes?: string;
    readonly address1?: string;
    readonly address2?: string;
    readonly city?: string;
    readonly state?: string;
    readonly zip?: string;
    readonly at?: Point;
    readonly isPointSure?: boolean;
    readonly accessibility?: string;
    readonly phone?: string;
    readonly extension?: string;
    readonly otherPhones?: readonly string[];
    readonly email?: string;
    readonly url?: string;
    readonly facebook?: string;
    readonly instagram?: string;
    readonly twitter?: string;
    readonly hours?: Schedule;
    readonly hoursText?: string;
    readonly hoursNotes?: string;
    readonly items?: string;
    readonly services?: string;
    readonly eligibility?: string;
    readonly eligibilityNotes?: string;
    readonly foods?: readonly string[];
    readonly foodTypes?: string;
    readonly languages?: readonly string[];
    readonly notes?: string;
    readonly closureNotes?: string;
    readonly area?: string;
    readonly walkin?: boolean;
    readonly appointment?: boolean;
    readonly status?: "temporarily_closed" | "closed";
    readonly verified?: boolean;
    readonly reverifying?: boolean;
    readonly fresh: Fresh;
    readonly confirmed?: string;
    readonly approved?: string;
    readonly fields?: Readonly<Record<string, Field>>;
}
export interface Places {
    readonly format: 1;
    readonly made: string;
    readonly zone: string;
    /** Code, English name, whether people look for food there. */
    readonly categories: readonly (readonly [string, string, boolean])[];
    readonly holidays: Holidays;
    readonly places: readonly Place[];
}
export interface Ground {
    readonly code: string;
    readonly name: string;
    readonly at: Point;
    readonly rings: readonly (readonly Point[])[];
}

async function get<T>(address: string): Promise<T> {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status} ${address.split("/").at(-1)}`);
    return (await answer.json()) as T;
}

export async function load(folder: string): Promise<Places> {
    const found = await get<Places>(`${folder}places.json`);
    if (found.format !== 1) throw new Error(`format ${found.format}`);
    return found;
}

export const loadGrounds = (folder: string): Promise<readonly Ground[]> => get(`${folder}grounds.json`);
