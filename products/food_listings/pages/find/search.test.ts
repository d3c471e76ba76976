/** Which places are found, in which order, and how each is: on a few made ones. */
import { describe, expect, it } from "vitest";
import type { Place, Places } from "./data";
import { dayOf } from "./hours/opening";
import { dayAsked, distance, find, languages, MILE, nowOf, somewheres, suggest } from "./search";
import { START, type View } from "./state";

const LA = "America/Los_Angeles";
const every = (days: readonly number[], opens: number, closes: number) => ({ zone: LA, rules: [{ on: { days: days.map((day) => [day, 0] as const) }, times: [opens, closes] as const }] });
const place = (id: string, more: Partial<Place>): Place => ({ id, name: id, fresh: "fresh", categories: ["food_pantry"], at: [-118.2, 34], ...more });
const FRIDAY = Date.parse("2026-05-01T13:30:00-07:00");
const places: Places = {
    format: 1, made: "2026-05-01T00:00:00Z", zone: LA, holidays: {},
    categories: [["food_pantry", "Food pantry", true], ["farmers_market", "Farmers market", false]],
    places: [
        place("open", { hours: every([0, 1, 2, 3, 4], 540, 1020), walkin: true, languages: ["English", "Spanish"], zip: "90012", city: "Los Angeles" }),
        place("later", { hours: every([4], 900, 960), eligibility: "ID", at: [-118.3, 34], zip: "90012" }),
        place("saturday", { hours: every([5], 540, 600), at: [-118.25, 34], name: "Peña Table", languages: ["Spanish"] }),
        place("resting", { hours: every([0, 1, 2, 3, 4, 5, 6], 0, 1440), status: "temporarily_closed" }),
        place("gone", { status: "closed" }),
        place("unknown", { at: undefined }),
        place("market", { categories: ["farmers_market"], hours: every([4], 540, 1020) }),
    ],
};
const ids = (view: Partial<View>) => find(places, { ...START, ...view }, FRIDAY).map(({ place: { id } }) => id);

describe("finding", () => {
    it("shows kinds for food seekers, open ones first, closed for good only when asked", () => {
        expect(ids({})).toEqual(["open", "later", "saturday", "unknown", "resting"]);
        expect(ids({ showClosed: true })).toEqual(["open", "later", "saturday", "unknown", "resting", "gone"]);
        expect(ids({ categories: ["farmers_market"] })).toEqual(["market"]);
    });
    it("never calls a place open that is closed for now", () => {
        expect(ids({ when: "now" })).toEqual(["open"]);
        expect(nowOf(places.places[3], FRIDAY, {}).state).toBe("closed_now");
        expect(ids({ when: "today" })).toEqual(["open", "later"]);
    });
    it("knows today, tomorrow, weekdays and dates of the place", () => {
        expect(ids({ when: "tomorrow" })).toEqual(["saturday"]);
        expect(ids({ when: "5" })).toEqual(["saturday"]);
        expect(ids({ when: "2026-05-08" })).toEqual(["open", "later"]);
        expect(dayAsked("4", FRIDAY, LA)).toBe(dayOf("2026-05-01"));
        expect(dayAsked("3", FRIDAY, LA)).toBe(dayOf("2026-05-07"));
        // It is Saturday in Greenwich already.
        expect(dayAsked("today", Date.parse("2026-05-02T06:59:00Z"), LA)).toBe(dayOf("2026-05-01"));
    });
    it("filters by words without accents, language, appointment and requirements", () => {
        expect(ids({ text: "pena table" })).toEqual(["saturday"]);
        expect(ids({ spoken: "spanish" })).toEqual(["open", "saturday"]);
        expect(ids({ walkin: true })).toEqual(["open"]);
        expect(ids({ free: true })).not.toContain("later");
    });
    it("sorts by distance and leaves out what is too far or nowhere", () => {
        const near = { at: [-118.3, 34] as const, label: "here" };
        expect(ids({ near })).toEqual(["later", "saturday", "open", "resting", "unknown"]);
        expect(ids({ near, within: 3 })).toEqual(["later", "saturday"]);
    });
    it("shows the place of a link whatever else is asked for, and first", () => {
        expect(ids({ place: "gone", when: "now" })).toEqual(["gone", "open"]);
    });
    it("measures: a degree of a meridian is 69.1 miles", () => {
        expect(distance([-118, 34], [-118, 35]) / MILE).toBeCloseTo(69.09, 1);
        expect(distance([-118, 34], [-118, 34])).toBe(0);
    });
    it("suggests ZIP codes, cities and neighborhoods, those that begin so first", () => {
        const all = somewheres(places, [{ code: "1", name: "Peña Park", at: [-118.1, 34.1], rings: [] }]);
        expect(all.find(({ label }) => label === "90012")?.at).toEqual([-118.2, 34]);
        expect(suggest(all, "900").map(({ label }) => label)).toEqual(["90012"]);
        expect(suggest(all, "pena")[0]).toMatchObject({ label: "Peña Park", kind: "area" });
        expect(suggest(all, "park")[0].label).toBe("Peña Park");
        expect(suggest(all, "  ")).toEqual([]);
        expect(suggest(all, "zz")).toEqual([]);
    });
    it("lists languages by how many speak them", () => expect(languages(places)).toEqual(["Spanish", "English"]));
});
