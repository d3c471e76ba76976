/**
 * One place: how it is now, where, when, and how sure that is; opened, all that is known of it.
 *
 * Belongs here: drawing one place. Does not belong here: which are drawn (`../search.ts`).
 */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Place, Places } from "../data";
import { dayAt, isoOf, opensOn, weekdayOf } from "../hours/opening";
import { type Language, lines, weekdayName, writeTimes } from "../hours/writing";
import { type Found, type Now, nowOf } from "../search";
import { write, START, type View } from "../state";
import { fill, type Text, TEXTS } from "../text";
import { day, miles, stateInWords } from "./words";

const LINES = 3;
const FIELDS = ["name", "categories", "address", "phone", "email", "hours", "food_types", "status"] as const;

interface Props {
    readonly found: Found;
    readonly places: Places;
    readonly view: View;
    readonly now: number;
    readonly suggest: string;
    readonly isOpen: boolean;
    readonly toggle: (id: string) => void;
}

const dial = (number: string): string => `tel:${number.replace(/[^\d+]/g, "")}`;
export const addressOf = ({ address1, address2, city, state, zip }: Place): string => [[address1, address2].filter(Boolean).join(", "), city, [state, zip].filter(Boolean).join(" ")].filter(Boolean).join(", ");

export function Card({ found, places, view, now, suggest, isOpen, toggle }: Props) {
    const { place, away } = found;
    const { language } = view;
    const text = TEXTS[language];
    const zone = place.hours?.zone ?? places.zone;
    const now_ = useMemo(() => nowOf(place, now, places.holidays), [place, now, places]);
    const { state } = now_;
    const id = `place-${place.id.replace(/[^\w-]/g, "_")}`;
    const kinds = (place.categories ?? []).map((code) => text.categories[code] ?? places.categories.find(([each]) => each === code)?.[1] ?? code);
    const address = addressOf(place);
    return (
        <li>
            <article class={`find-card is-${state}`} aria-labelledby={id}>
                <h3 id={id} tabIndex={-1}>{place.name}</h3>
                <p class={`find-state is-${state}`}><Mark state={state} /> {stateInWords(place, now_, now, zone, language)}</p>
                {place.closureNotes && place.status && <p class="find-closure">{place.closureNotes}</p>}
                <p class="find-where-at">
                    {address}
                    {away !== null && <strong> · {fill(text.away, miles(away))}</strong>}
                </p>
                {!place.status && <Hours place={place} text={text} language={language} isOpen={isOpen} />}
                <p class="find-kinds-of">
                    {kinds.map((kind) => <span key={kind} class="find-tag">{kind}</span>)}
                    {place.walkin === true && <span class="find-tag">{text.walkin}</span>}
                    {place.walkin === false && <span class="find-tag">{text.walkinNo}</span>}
                </p>
                <p class={`find-fresh is-${place.fresh}`}>
                    {fill(text.fresh[place.fresh], place.confirmed ? day(place.confirmed, language) : "")}
                    {place.reverifying && <> · {text.reverifying}</>}
                </p>
                <div class="find-actions">
                    {place.phone && <a class="find-button" href={dial(place.phone)}>{text.phone}: {place.phone}</a>}
                    <button type="button" class="find-button is-plain" aria-expanded={isOpen} aria-controls={`${id}-more`} aria-label={`${isOpen ? text.less : text.details}: ${place.name}`} onClick={() => toggle(place.id)}>
                        {isOpen ? text.less : text.details}
                    </button>
                </div>
                <div id={`${id}-more`} hidden={!isOpen}>{isOpen && <More {...{ place, places, view, now, suggest, text, language, zone }} />}</div>
            </article>
        </li>
    );
}

/** A sign beside the words, so that color is not all that tells them apart. */
function Mark({ state }: { state: Now["state"] }) {
    const path = {
        open: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.4 14.2L6.4 12l1.5-1.5 2.7 2.7 5.6-5.6 1.5 1.5z",
        appointment: "M7 2v2H4v18h16V4h-3V2h-2v2H9V2zM6 9h12v11H6z",
        closed: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm5 11H7v-2h10z",
        closed_now: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM8 8h3v8H8zm5 0h3v8h-3z",
        closed_for_good: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm4.9 13.5-1.4 1.4-3.5-3.5-3.5 3.5-1.4-1.4 3.5-3.5-3.5-3.5 1.4-1.4 3.5 3.5 3.5-3.5 1.4 1.4-3.5 3.5z",
        unknown: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm1 16h-2v-2h2zm2-7-1 .9c-.7.7-1 1.3-1 2.6h-2v-.5c0-1.1.4-2 1-2.7l1.3-1.3A2 2 0 1 0 10 8.5H8a4 4 0 1 1 7 2.5z",
    }[state];
    return <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path fill="currentColor" d={path} /></svg>;
}

function Hours({ place, text, language, isOpen }: { place: Place; text: Text; language: Language; isOpen: boolean }) {
    if (!place.hours) {
        if (place.hoursText) return <p class="find-hours">{place.hoursText}</p>;
        return place.fields?.hours?.[0] === "confirmed_none" ? <p class="find-hours">{text.hoursNone}</p> : null;
    }
    const { text: unread, ...known } = place.hours;
    const all = lines(known, language);
    const shown = isOpen ? all : all.slice(0, LINES);
    return (
        <ul class="find-hours">
            {shown.map((line) => <li key={line}>{line.slice(0, 1).toUpperCase() + line.slice(1)}</li>)}
            {all.length > shown.length && <li>…</li>}
            {unread && <li>{text.hoursUnread} <q>{unread}</q></li>}
            {place.hoursNotes && <li>{place.hoursNotes}</li>}
        </ul>
    );
}

interface MoreProps {
    readonly place: Place;
    readonly places: Places;
    readonly view: View;
    readonly now: number;
    readonly suggest: string;
    readonly text: Text;
    readonly language: Language;
    readonly zone: string;
}

function More({ place, places, view, now, suggest, text, language, zone }: MoreProps) {
    const foods = (place.foods ?? []).map((code) => text.foods[code as keyof Text["foods"]]).filter(Boolean);
    const point = place.at;
    return (
        <>
            <dl class="find-facts">
                <Fact name={text.organization}>{place.organization !== place.name && place.organization}</Fact>
                <Fact name={text.notes}>{[place.description, place.notes].filter(Boolean).join("\n")}</Fact>
                <Fact name={text.foods.label}>{[foods.join(", "), place.foodTypes].filter(Boolean).join("\n")}</Fact>
                <Fact name={text.eligibility}>{[place.eligibility, place.eligibilityNotes].filter(Boolean).join("\n") || text.eligibilityNone}</Fact>
                <Fact name={text.languages}>{place.languages?.join(", ")}</Fact>
                <Fact name={text.items}>{place.items}</Fact>
                <Fact name={text.services}>{place.services}</Fact>
                <Fact name={text.access}>{place.accessibility}</Fact>
                <Fact name={text.closure}>{!place.status && place.closureNotes}</Fact>
                <Fact name={text.phone}>
                    {place.phone && [place.phone, ...(place.otherPhones ?? [])].map((number, at) => (
                        <span key={number} class="find-line"><a href={dial(number)}>{number}</a>{at === 0 && place.extension && ` ${fill(text.extension, place.extension)}`}</span>
                    ))}
                </Fact>
                <Fact name={text.email}>{place.email && <a href={`mailto:${place.email}`}>{place.email}</a>}</Fact>
                <Fact name={text.website}>
                    {[place.url, place.facebook, place.instagram, place.twitter].filter((url): url is string => /^https?:\/\//.test(url ?? "")).map((url) => (
                        <a key={url} class="find-line" href={url} rel="noopener nofollow external">{url.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "")}</a>
                    ))}
                </Fact>
                <Fact name={text.map}>
                    {point && <a class="find-line" href={`https://www.openstreetmap.org/?mlat=${point[1]}&mlon=${point[0]}#map=17/${point[1]}/${point[0]}`} rel="noopener external">{text.directions}</a>}
                    {point && !place.isPointSure && <small class="find-line">{text.pointUnsure}</small>}
                </Fact>
            </dl>
            {place.hours && !place.status && <Week {...{ place, places, now, text, language, zone }} />}
            <Sure place={place} text={text} language={language} />
            <p class="find-links">
                {suggest && <a href={`${suggest}?about=${encodeURIComponent(place.id)}&lang=${language}`} title={text.wrongHint}>{text.wrong}</a>}
                <a href={write({ ...START, language: view.language, place: place.id }, { ...START, language: "en" })}>{text.link}</a>
            </p>
        </>
    );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
    const isEmpty = !children || (Array.isArray(children) && !children.some((child) => (Array.isArray(child) ? child.length : child)));
    return isEmpty ? null : <div><dt>{name}</dt><dd>{children}</dd></div>;
}

/** The next seven days, with exceptions and holidays in them. */
function Week({ place, places, now, text, language, zone }: Omit<MoreProps, "view" | "suggest">) {
    const today = dayAt(now, zone);
    const rows = useMemo(() => [0, 1, 2, 3, 4, 5, 6].map((ahead) => {
        const times = place.hours ? opensOn(place.hours, today + ahead, places.holidays) : [];
        return { day: today + ahead, times: times.map(([span, asked]) => `${writeTimes(span, language)}${asked ? ` ${text.asked}` : ""}`) };
    }), [place, today, language]);
    return (
        <table class="find-week">
            <caption>{text.nextDays}</caption>
            <tbody>
                {rows.map(({ day: each, times }) => (
                    <tr key={each}>
                        <th scope="row">{weekdayName(weekdayOf(each), language)} <small>{day(isoOf(each), language)}</small></th>
                        <td>{times.join(", ") || text.noHours}</td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

/** Each field with when it was confirmed; 'there is none' is not 'not known'. */
function Sure({ place, text, language }: { place: Place; text: Text; language: Language }) {
    return (
        <details class="find-sure">
            <summary>{text.sure}</summary>
            <dl class="find-facts">
                {FIELDS.map((code) => {
                    const [state, when, how, stale] = place.fields?.[code] ?? (["unknown"] as const);
                    const evidence = how ? text.evidence[how as keyof Text["evidence"]] : "";
                    return (
                        <div key={code} class={`is-${state}`}>
                            <dt>{text.fields[code]}</dt>
                            <dd>{fill(text.field[state], when ? day(when, language) : "")}{evidence && `, ${evidence}`}{stale && when && ` (${text.staleField})`}</dd>
                        </div>
                    );
                })}
            </dl>
        </details>
    );
}
