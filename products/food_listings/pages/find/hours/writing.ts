/**
 * Hours in words, English and Spanish, as Python's `hours.writing` writes them; a test holds the two equal.
 *
 * Belongs here: sentences about hours. Does not belong here: the page's other words (`../text.ts`).
 */
import type { ExceptionDays, HolidayRule, Recurrence, Rule, Schedule, Times } from "./opening";

export type Language = "en" | "es";

interface Words {
    readonly days: readonly string[];
    readonly months: readonly string[];
    readonly nth: Readonly<Record<number, string>>;
    readonly joined: string;
    readonly everyDay: string;
    readonly every: string;
    readonly ofMonth: string;
    readonly otherWeek: string;
    readonly nthWeek: string;
    readonly otherMonth: string;
    readonly nthMonth: string;
    readonly counted: string;
    readonly onDays: string;
    readonly lastDay: string;
    readonly noon: string;
    readonly midnight: string;
    readonly allDay: string;
    readonly byAppointment: string;
    readonly since: string;
    readonly until: string;
    readonly span: string;
    readonly holidays: string;
    readonly closedOn: string;
    readonly openOn: string;
    readonly asUsual: string;
    readonly date: string;
}

const WORDS: Readonly<Record<Language, Words>> = {
    en: {
        days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        months: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
        nth: { 1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 5: "5th", [-1]: "last", [-2]: "2nd to last", [-3]: "3rd to last", [-4]: "4th to last", [-5]: "5th to last" },
        joined: " and ", everyDay: "Every day", every: "Every {0}", ofMonth: "{0} of the month", otherWeek: "Every other {0}",
        nthWeek: "{0} of every {1}th week", otherMonth: "{0} of every other month", nthMonth: "{0} of every {1}th month",
        counted: "counted from {0}", onDays: "day {0} of the month", lastDay: "the last day of the month", noon: "noon", midnight: "midnight",
        allDay: "24 hours", byAppointment: "by appointment", since: "from {0} on", until: "until {0}", span: "{0} to {1}",
        holidays: "holidays", closedOn: "closed on {0}", openOn: "open on {0}", asUsual: "as usual", date: "{month} {day}, {year}",
    },
    es: {
        days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
        months: ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
        nth: { 1: "primer", 2: "segundo", 3: "tercer", 4: "cuarto", 5: "quinto", [-1]: "último", [-2]: "penúltimo", [-3]: "antepenúltimo", [-4]: "cuarto por el final", [-5]: "quinto por el final" },
        joined: " y ", everyDay: "Todos los días", every: "Cada {0}", ofMonth: "{0} del mes", otherWeek: "{0}, cada dos semanas",
        nthWeek: "{0}, cada {1} semanas", otherMonth: "{0}, cada dos meses", nthMonth: "{0}, cada {1} meses",
        counted: "desde el {0}", onDays: "día {0} del mes", lastDay: "el último día del mes", noon: "mediodía", midnight: "medianoche",
        allDay: "24 horas", byAppointment: "con cita", since: "desde el {0}", until: "hasta el {0}", span: "del {0} al {1}",
        holidays: "días festivos", closedOn: "cerrado: {0}", openOn: "abierto: {0}", asUsual: "como siempre", date: "{day} de {month} de {year}",
    },
};

const put = (pattern: string, ...values: (string | number)[]): string => pattern.replace(/\{(\d)\}/g, (_, at) => String(values[Number(at)]));
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
const listed = (parts: readonly string[], words: Words): string => [parts.slice(0, -1).join(", "), parts.at(-1) ?? ""].filter(Boolean).join(words.joined);

/** All that is known of the hours in one line; empty where nothing is. */
export function write(schedule: Schedule, language: Language): string {
    return capital(lines(schedule, language).join("; "));
}

/** The same, a clause per entry. */
export function lines(schedule: Schedule, language: Language): string[] {
    const words = WORDS[language];
    const grouped = new Map<string, Rule[]>();
    for (const rule of schedule.rules ?? []) {
        const key = JSON.stringify([rule.on, rule.asked === true, rule.attending, rule.notes]);
        grouped.set(key, [...(grouped.get(key) ?? []), rule]);
    }
    return [
        ...[...grouped.values()].map((rules) => clause(rules, words)),
        ...(schedule.anyTime ? [words.byAppointment] : []),
        ...(schedule.exceptions ?? []).map((one) => exception(one, words)),
        ...(schedule.holidays ?? []).map((one) => holiday(one, words)),
        ...(schedule.text ? [schedule.text] : []),
    ];
}

function clause(rules: readonly Rule[], words: Words): string {
    const [{ on, asked, attending, notes }] = rules;
    const times = [...rules].sort((a, b) => a.times[0] - b.times[0] || a.times[1] - b.times[1]).map((rule) => span(rule.times, words)).join(words.joined);
    const more = [asked ? words.byAppointment : "", attending ?? ""].filter(Boolean).map((text) => ` ${text}`).join("");
    return `${days(on, words)} ${times}${more}${notes ? ` (${notes})` : ""}`;
}

function days(on: Recurrence, words: Words): string {
    let text = repeated(on, words);
    const interval = on.interval ?? 1;
    if (interval > 1 && on.start) text += ` (${put(words.counted, date(on.start, words))})`;
    const plain = text;
    if (on.months?.length) text += `, ${months(on.months, words)}`;
    const start = on.first ?? (interval === 1 ? on.start : undefined);
    if (start && on.last) text += `, ${put(words.span, date(start, words), date(on.last, words))}`;
    else if (start) text += `, ${put(words.since, date(start, words))}`;
    else if (on.last) text += `, ${put(words.until, date(on.last, words))}`;
    return text === plain ? text : `${text},`;
}

function repeated(on: Recurrence, words: Words): string {
    const given = on.days ?? [];
    const interval = on.interval ?? 1;
    const names = weekdays(given.filter(([, nth]) => nth === 0).map(([weekday]) => weekday), words);
    if (!on.monthly) {
        if (interval === 1) return names === words.everyDay || names.includes("–") ? names : put(words.every, names);
        return interval === 2 ? put(words.otherWeek, names) : put(words.nthWeek, names, interval);
    }
    const counted = given.filter(([, nth]) => nth !== 0);
    const parts = [...(names ? [names] : []), ...nths(counted, words)];
    let text = listed(parts, words);
    const numbers = on.monthDays ?? [];
    if (numbers.length) {
        const said = numbers.length < 8
            ? listed(numbers.map((day) => (day === -1 ? words.lastDay : put(words.onDays, day))), words)
            : put(words.onDays, `${numbers[0]}–${numbers.at(-1)}`);
        text = text ? `${text}, ${said}` : said;
    } else if (counted.length) text = put(words.ofMonth, text);
    if (interval === 2) return put(words.otherMonth, text);
    return interval > 2 ? put(words.nthMonth, text, interval) : text;
}

function nths(given: readonly (readonly [number, number])[], words: Words): string[] {
    const counts = new Map<number, number[]>();
    for (const [weekday, nth] of given) counts.set(weekday, [...(counts.get(weekday) ?? []), nth]);
    return [...counts].map(([weekday, found]) => `${listed(found.map((nth) => words.nth[nth]), words)} ${words.days[weekday]}`);
}

function weekdays(given: readonly number[], words: Words): string {
    const numbers = [...new Set(given)].sort((a, b) => a - b);
    if (numbers.length === 7) return words.everyDay;
    const [first, last] = [numbers[0], numbers.at(-1) as number];
    if (numbers.length >= 3 && last - first === numbers.length - 1) return `${words.days[first]}–${words.days[last]}`;
    return listed(numbers.map((number) => words.days[number]), words);
}

function months(given: readonly number[], words: Words): string {
    const chosen = new Set(given);
    const starts = [...chosen].sort((a, b) => a - b).filter((month) => !chosen.has(((month + 10) % 12) + 1));
    const parts = (starts.length ? starts : [1]).map((start) => {
        let length = 1;
        while (length < 12 && chosen.has(((start - 1 + length) % 12) + 1)) length++;
        const last = ((start + length - 2) % 12) + 1;
        return length === 1 ? words.months[start - 1] : `${words.months[start - 1]}–${words.months[last - 1]}`;
    });
    return listed(parts, words);
}

function span(times: Times, words: Words): string {
    return times[0] === 0 && times[1] === 1440 ? words.allDay : `${time(times[0], words)}–${time(times[1], words)}`;
}

function time(minute: number, words: Words): string {
    const at = minute % 1440;
    if (at === 0) return words.midnight;
    if (at === 720) return words.noon;
    const hour = Math.floor(at / 60);
    const rest = at % 60 ? `:${String(at % 60).padStart(2, "0")}` : "";
    return `${((hour + 11) % 12) + 1}${rest} ${hour < 12 ? "am" : "pm"}`;
}

function date(iso: string, words: Words): string {
    const [year, month, day] = iso.split("-").map(Number);
    return words.date.replace("{day}", String(day)).replace("{month}", words.months[month - 1]).replace("{year}", String(year));
}

function exception(one: ExceptionDays, words: Words): string {
    let when = "";
    if (one.first && one.last) when = one.first === one.last ? date(one.first, words) : put(words.span, date(one.first, words), date(one.last, words));
    else if (one.first) when = put(words.since, date(one.first, words));
    else if (one.last) when = put(words.until, date(one.last, words));
    const what = [one.on ? days(one.on, words).replace(/,$/, "") : "", when].filter(Boolean).join(", ");
    const times = (one.times ?? []).map((each) => ` ${span(each, words)}`).join("");
    return put(one.times?.length ? words.openOn : words.closedOn, what) + times + (one.reason ? ` (${one.reason})` : "");
}

function holiday(one: HolidayRule, words: Words): string {
    const name = one.name === "public" ? words.holidays : one.name;
    if (!one.open) return put(words.closedOn, name);
    return `${put(words.openOn, name)} ${(one.times ?? []).map((each) => span(each, words)).join(words.joined) || words.asUsual}`;
}

/** One span of times in words: '9 am–noon'. */
export const writeTimes = (times: Times, language: Language): string => span(times, WORDS[language]);
/** A minute of the day in words: '9 am', 'noon'. */
export const writeTime = (minute: number, language: Language): string => time(minute, WORDS[language]);
/** A day (YYYY-MM-DD) in words. */
export const writeDate = (iso: string, language: Language): string => date(iso, WORDS[language]);
/** A weekday, 0 is Monday. */
export const weekdayName = (weekday: number, language: Language): string => capital(WORDS[language].days[weekday]);
/** Its first letters, for buttons. */
export const weekdayShort = (weekday: number, language: Language): string => weekdayName(weekday, language).slice(0, 3);
