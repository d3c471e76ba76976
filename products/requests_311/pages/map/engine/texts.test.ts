/** Addresses as they are typed, cells of a CSV, links. */
import { describe, expect, it } from "vitest";
import { read, write } from "../link";
import { defaultState, toggled } from "../state";
import { councilName, duration } from "../text";
import { parse, shardsFor } from "./addresses";
import { makeCity } from "./made";
import { cell, topColumns } from "./write";

const WORDS = {
    direction: { NORTH: "N", N: "N", WEST: "W", W: "W" },
    suffix: { STREET: "ST", ST: "ST", AVENUE: "AVE", AVE: "AVE", BLVD: "BLVD" },
    word: { FIRST: "1ST" },
    join: { AT: "AT", AND: "AT" },
};

describe("addresses", () => {
    it.each([
        ["16815 W Vanowen St, 91406", { number: "16815", direction: "W", suffix: "ST", key: "VANOWEN", zip: "91406", cross: null }],
        ["16817 1/2 west vanowen street", { number: "16817 1/2", direction: "W", suffix: "ST", key: "VANOWEN", zip: null, cross: null }],
        ["West Blvd", { number: null, direction: null, suffix: "BLVD", key: "WEST", zip: null, cross: null }],
        ["first st", { number: null, direction: null, suffix: "ST", key: "1ST", zip: null, cross: null }],
        ["Avenue 26", { number: null, direction: null, suffix: null, key: "AVE 26", zip: null, cross: null }],
        ["Vanowen St & Woodley Ave", { number: null, direction: null, suffix: "ST", key: "VANOWEN", zip: null, cross: "WOODLEY" }],
        ["N. O'Farrell", { number: null, direction: "N", suffix: null, key: "OFARRELL", zip: null, cross: null }],
    ])("%s is read by the rules of the index", (typed, expected) => {
        expect(parse(typed, WORDS)).toEqual(expected);
    });

    it("are looked for only in the files that can hold them", () => {
        const shard = (key: string, number = -1) => ({ key, name: `${key} ST`, number, file: key });
        const shards = [shard("ALDER"), shard("BAY"), shard("OAK"), shard("OAK", 500), shard("OAK", 900), shard("PINE")];
        expect(shardsFor(shards, "OAK", 700)).toEqual([1, 3]);
        expect(shardsFor(shards, "CEDAR", null)).toEqual([1]);
        expect(shardsFor(shards, "A", null)).toEqual([0]);
        expect(shardsFor([], "A", null)).toEqual([]);
    });
});

describe("cells of a CSV", () => {
    it.each(["=1+1", "+1", "-1", "@sum(a)", "\tx", "\rx"])("%j is not a formula", (value) => {
        expect(cell(value).replace(/^"/, "")).toMatch(/^'/);
    });
    it("keep numbers, and quote what needs it", () => {
        expect(cell(-118.25)).toBe("-118.25");
        expect(cell('say "hi", you')).toBe('"say ""hi"", you"');
        expect(cell(null)).toBe("");
    });
    it("have one column per top column, lists too", () => {
        const schema = [
            { name: "root", num_children: 2 }, { name: "flags", num_children: 1 }, { name: "list", num_children: 1 }, { name: "element" }, { name: "x" },
        ];
        expect(topColumns(schema).map(({ name }) => name)).toEqual(["flags", "x"]);
    });
});

describe("links", () => {
    const { manifest } = makeCity(50);
    const basis = defaultState(manifest);
    it("are empty at first, and give back the first state", () => {
        expect(write(manifest, basis)).toBe("");
        expect(read(manifest, "")).toEqual({ state: basis, unknown: [] });
    });
    it("give back everything", () => {
        const state = {
            ...basis, metric: "rate" as const, areas: "districts" as const, layer: "heat" as const, tab: "compare" as const,
            filters: { from: 19_700, to: 19_750, types: [0, 3], councils: [4], districts: [1], statuses: [0, 1], sources: [2], departments: [1] },
            compare: { kind: "councils" as const, first: 1, second: 3, from: null, to: null },
            spot: { zoom: 12.5, latitude: 33.51234, longitude: -117.54321 },
        };
        expect(read(manifest, write(manifest, state))).toEqual({ state, unknown: [] });
    });
    it("say what in them is not in the data", () => {
        const { state, unknown } = read(manifest, "#type=type1,gone&color=pink&from=yesterday");
        expect(unknown).toEqual(["yesterday", "gone", "pink"]);
        expect(state.filters.types).toEqual([1]);
        expect(state.filters.from).toBe(basis.filters.from);
    });
});

describe("words", () => {
    it("are those a person would use", () => {
        expect(councilName("ALDER GLEN NC")).toBe("Alder Glen");
        expect(councilName("VOICES OF 90017")).toBe("Voices of 90017");
        expect(duration(0.5)).toBe("under 1 hour");
        expect(duration(1)).toBe("1 hour");
        expect(duration(100)).toBe("4.2 days");
        expect(duration(null)).toBe("not yet half");
    });
    it("a choice toggles, and nothing chosen means all", () => {
        expect(toggled(null, 3)).toEqual([3]);
        expect(toggled([3], 1)).toEqual([1, 3]);
        expect(toggled([3], 3)).toBeNull();
    });
});
