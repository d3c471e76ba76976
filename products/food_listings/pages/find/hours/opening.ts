/**
 * When a place is open: the same rules as the product's Python module `hours`, for pages that have no server.
 *
 * Belongs here: days, moments and states. Does not belong here: words (`writing.ts`). Every function of the same name there answers the
 * same; `tests/unit/products/food_listings/test_find_hours.py` asks both thousands of times. The file imports nothing, so that Node can run
 * it as it is.
 *
 * Days are numbers of days since 1970-01-01, moments milliseconds since then, times minutes after midnight.
 */
export interface Recurrence {
    /** [weekday from Monday, nth of the month or 0 for every]. */
    readonly days?: readonly (readonly [number, number])[];
    readonly monthly?: boolean;
    readonly interval?: number;
    readonly start?: string;
    readonly monthDays?: readonly number[];
    readonly months?: readonly number[];
    readonly first?: string;
    readonly last?: string;
}
export type Times = readonly [opens: number, closes: number];
export interface Rule {
    readonly on: Recurrence;
    readonly times: Times;
    /** Only by appointment. */
    readonly asked?: boolean;
    readonly attending?: string;
    readonly notes?: string;
}
export interface ExceptionDays {
    readonly first?: string;
    readonly last?: string;
    readonly times?: readonly Times[];
    readonly reason?: string;
    readonly on?: Recurrence;
}
export interface HolidayRule {
    readonly name: string;
    readonly open?: boolean;
    readonly times?: readonly Times[];
}
export interface Schedule {
    readonly zone: string;
    readonly rules?: readonly Rule[];
    readonly exceptions?: readonly ExceptionDays[];
    readonly holidays?: readonly HolidayRule[];
    readonly anyTime?: boolean;
    readonly text?: string;
}
export type State = "open" | "appointment" | "closed" | "unknown";
export interface Status {
    readonly state: State;
    readonly until: number | null;
}
/** Names of the holidays of a day, by YYYY-MM-DD. */
export type Holidays = Readonly<Record<string, readonly string[]>>;
type Span = readonly [start: number, end: number];

const DAY_MS = 86_400_000;
const SEARCH_DAYS = [3, 16, 64, 400];

// Days ----------------------------------------------------------------------------------------------------------------

export const dayOf = (iso: string): number => Date.UTC(Number(iso.slice(0, 4)), Number(iso.slice(5, 7)) - 1, Number(iso.slice(8, 10))) / DAY_MS;
export const isoOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
/** 0 is Monday. */
export const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7;

interface Parts {
    readonly year: number;
    readonly month: number;
    readonly date: number;
    /** Days of the month. */
    readonly length: number;
}
function partsOf(day: number): Parts {
    const at = new Date(day * DAY_MS);
    const [year, month] = [at.getUTCFullYear(), at.getUTCMonth() + 1];
    return { year, month, date: at.getUTCDate(), length: new Date(Date.UTC(year, month, 0)).getUTCDate() };
}

/** Which of its weekday in its month a day is, from the front and from the end: days 1 to 7 hold every weekday for the first time. */
export function nthOfMonth(day: number): readonly [number, number] {
    const { date, length } = partsOf(day);
    return [Math.floor((date - 1) / 7) + 1, -(Math.floor((length - date) / 7) + 1)];
}

export function fallsOn(on: Recurrence, day: number): boolean {
    if ((on.first && day < dayOf(on.first)) || (on.last && day > dayOf(on.last))) return false;
    const { year, month, date, length } = partsOf(day);
    if (on.months?.length && !on.months.includes(month)) return false;
    if (on.start) {
        const start = dayOf(on.start);
        if (day < start) return false;
        if (on.interval && on.interval > 1) {
            const from = partsOf(start);
            const periods = on.monthly ? (year - from.year) * 12 + month - from.month : Math.floor((day - (start - weekdayOf(start))) / 7);
            if (periods % on.interval) return false;
        }
    }
    const days = on.days ?? [];
    const weekday = weekdayOf(day);
    if (!on.monthly) return days.some(([wanted]) => wanted === weekday);
    if (on.monthDays?.length) {
        if (!on.monthDays.includes(date) && !on.monthDays.includes(date - length - 1)) return false;
        if (!days.length) return true;
    }
    const [front, end] = nthOfMonth(day);
    return days.some(([wanted, nth]) => wanted === weekday && (nth === 0 || nth === front || nth === end));
}

/** When it opens on a day: times, and whether only by appointment. Exceptions go before holidays, holidays before rules. */
export function timesOn(schedule: Schedule, day: number, holidays: Holidays): readonly (readonly [Times, boolean])[] {
    let chosen: ExceptionDays | null = null;
    for (const one of schedule.exceptions ?? []) {
        if ((one.first && day < dayOf(one.first)) || (one.last && day > dayOf(one.last)) || (one.on && !fallsOn(one.on, day))) continue;
        if (!chosen || width(one) <= width(chosen)) chosen = one;
    }
    if (chosen) return (chosen.times ?? []).map((times) => [times, false]);
    const names = schedule.holidays?.length ? holidays[isoOf(day)] : undefined;
    if (names) {
        const special = holiday(schedule.holidays ?? [], names);
        if (special) return special.map((times) => [times, false]);
    }
    return (schedule.rules ?? []).filter(({ on }) => fallsOn(on, day)).map(({ times, asked }) => [times, asked === true]);
}

/** The narrowest exception counts; one without bound is the widest. */
function width({ first, last }: ExceptionDays): number {
    return (last ? dayOf(last) : 2_932_896) - (first ? dayOf(first) : -719_162);
}

function holiday(rules: readonly HolidayRule[], names: readonly string[]): readonly Times[] | null {
    const chosen = rules.findLast(({ name }) => names.includes(name)) ?? rules.findLast(({ name }) => name === "public");
    if (!chosen || (chosen.open && !chosen.times?.length)) return null;
    return chosen.times ?? [];
}

// Moments -------------------------------------------------------------------------------------------------------------

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, Map<number, number>>();

/** What the clock of a zone shows at a moment, as if it were UTC. */
export function wallOf(moment: number, zone: string): number {
    return moment + offset(moment, zone);
}

/** Milliseconds that the clock of a zone is ahead of UTC. Zones change at full quarters of an hour, so one answer serves a quarter. */
function offset(moment: number, zone: string): number {
    const quarter = Math.floor(moment / 900_000);
    let known = offsets.get(zone);
    if (!known) offsets.set(zone, (known = new Map()));
    let found = known.get(quarter);
    if (found === undefined) {
        found = askOffset(quarter * 900_000, zone);
        if (known.size > 50_000) known.clear();
        known.set(quarter, found);
    }
    return found;
}

function askOffset(moment: number, zone: string): number {
    let format = formats.get(zone);
    if (!format) {
        format = new Intl.DateTimeFormat("en-US", {
            timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
        });
        formats.set(zone, format);
    }
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(moment)) part[type] = Number(value);
    return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - moment;
}

/** The moment of a time on the wall. One that comes twice is its first coming; one that is skipped goes by the clock before the change. */
export function momentOf(day: number, minute: number, zone: string): number {
    const wall = day * DAY_MS + minute * 60_000;
    const before = offset(wall - DAY_MS, zone);
    const after = offset(wall + DAY_MS, zone);
    if (before === after) return wall - before;
    const early = wall - before;
    if (offset(early, zone) === before) return early;
    const late = wall - after;
    return offset(late, zone) === after ? late : early;
}

/** The day on the wall of a zone. */
export const dayAt = (moment: number, zone: string): number => Math.floor(wallOf(moment, zone) / DAY_MS);

export const isKnown = (schedule: Schedule): boolean => Boolean(schedule.rules?.length || schedule.exceptions?.length || schedule.anyTime);

function stateAt(schedule: Schedule, moment: number, holidays: Holidays): State {
    const { zone } = schedule;
    const today = dayAt(moment, zone);
    let found: State = schedule.anyTime ? "appointment" : "closed";
    for (const day of [today, today - 1, today - 2]) {
        for (const [[opens, closes], asked] of timesOn(schedule, day, holidays)) {
            if (momentOf(day, opens, zone) <= moment && moment < momentOf(day, closes, zone)) {
                if (!asked) return "open";
                found = "appointment";
            }
        }
    }
    return found;
}

/** The state at a moment, without when it changes. */
export function statusOnly(schedule: Schedule, moment: number, holidays: Holidays): State {
    if (!isKnown(schedule)) return "unknown";
    const here = stateAt(schedule, moment, holidays);
    return here === "closed" && schedule.text ? "unknown" : here;
}

/** The state at a moment and until when it lasts: null when that is more than about a year away. */
export function status(schedule: Schedule, moment: number, holidays: Holidays): Status {
    if (!isKnown(schedule)) return { state: "unknown", until: null };
    const here = stateAt(schedule, moment, holidays);
    const state = here === "closed" && schedule.text ? "unknown" : here;
    let told = moment;
    for (const { plain, asked, whole } of windows(schedule, moment, holidays)) {
        const edges = [...new Set([...plain, ...asked].flat())].sort((a, b) => a - b);
        for (const edge of edges) {
            if (edge <= told || edge >= whole) continue;
            told = edge;
            if (stateAt(schedule, edge, holidays) !== here) return { state, until: edge };
        }
    }
    return { state, until: null };
}

/** The first moment after `moment` at which it turns open. */
export const nextOpen = (schedule: Schedule, moment: number, holidays: Holidays): number | null => next(schedule, moment, holidays, 0);
/** The first moment after `moment` at which it stops being open. */
export const nextClose = (schedule: Schedule, moment: number, holidays: Holidays): number | null => next(schedule, moment, holidays, 1);

function next(schedule: Schedule, moment: number, holidays: Holidays, at: 0 | 1): number | null {
    for (const { plain, whole } of windows(schedule, moment, holidays)) {
        for (const span of plain) {
            if (span[at] > moment && span[1] < whole) return span[at];
            if (at === 0 && span[0] > moment) return span[0];
        }
    }
    return null;
}

interface Window {
    readonly plain: readonly Span[];
    readonly asked: readonly Span[];
    /** Up to this moment the spans are whole. */
    readonly whole: number;
}
function* windows(schedule: Schedule, moment: number, holidays: Holidays): Generator<Window> {
    const today = dayAt(moment, schedule.zone);
    for (const length of SEARCH_DAYS) {
        yield { ...spans(schedule, today - 2, today + length, holidays), whole: momentOf(today + length, 0, schedule.zone) };
    }
}

function spans(schedule: Schedule, first: number, last: number, holidays: Holidays): { readonly plain: Span[]; readonly asked: Span[] } {
    const plain: Span[] = [];
    const asked: Span[] = [];
    for (let day = first; day <= last; day++) {
        for (const [[opens, closes], isAsked] of timesOn(schedule, day, holidays)) {
            const span: Span = [momentOf(day, opens, schedule.zone), momentOf(day, closes, schedule.zone)];
            if (span[0] < span[1]) (isAsked ? asked : plain).push(span);
        }
    }
    return { plain: merged(plain), asked: merged(asked) };
}

function merged(given: readonly Span[]): Span[] {
    const found: Span[] = [];
    for (const [start, end] of [...given].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
        const last = found.at(-1);
        if (last && start <= last[1]) found[found.length - 1] = [last[0], Math.max(end, last[1])];
        else found.push([start, end]);
    }
    return found;
}

/** Open hours between two moments, merged and cut off at both; those by appointment are not among them. */
export function openIntervals(schedule: Schedule, start: number, end: number, holidays: Holidays): Span[] {
    const { plain } = spans(schedule, dayAt(start, schedule.zone) - 2, dayAt(end, schedule.zone) + 1, holidays);
    return plain.map(([a, b]): Span => [Math.max(a, start), Math.min(b, end)]).filter(([a, b]) => a < b);
}

/** Whether it opens on a day of its calendar, by appointment or not, or is still open from the evening before. */
export function opensOn(schedule: Schedule, day: number, holidays: Holidays): readonly (readonly [Times, boolean])[] {
    return [...timesOn(schedule, day, holidays)].sort((a, b) => a[0][0] - b[0][0]);
}
