/** Every sentence is there in every language, with the same gaps, and is translated. */
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fill, TEXTS } from "./text";

type Tree = { readonly [name: string]: string | Tree };
const leaves = (tree: Tree, path = ""): [string, string][] => Object.entries(tree).flatMap(([name, value]) => (typeof value === "string" ? [[`${path}${name}`, value] as [string, string]] : leaves(value, `${path}${name}.`)));
const gaps = (sentence: string): string[] => (sentence.match(/\{\d\}/g) ?? []).sort();
/** Words that are the same in both. */
const SAME = new Set(["downloadJson", "downloadHsds", "onDay"]);

describe("words", () => {
    const english = leaves(TEXTS.en);
    const spanish = new Map(leaves(TEXTS.es));
    it("are all in both languages", () => expect([...spanish.keys()].sort()).toEqual(english.map(([path]) => path).sort()));
    it.each(english)("%s", (path, sentence) => {
        const other = spanish.get(path) ?? "";
        expect(sentence.trim()).not.toBe("");
        expect(other.trim()).not.toBe("");
        expect(gaps(other)).toEqual(gaps(sentence));
        if (!SAME.has(path)) expect(other).not.toBe(sentence);
    });
    it("name every category of the product", () => {
        const lookup = readFileSync(fileURLToPath(new URL("../../lookups/categories.csv", import.meta.url)), "utf8");
        const codes = lookup.trim().split("\n").slice(1).map((line) => line.split(",")[0]);
        for (const texts of Object.values(TEXTS)) expect(Object.keys(texts.categories).sort()).toEqual([...codes].sort());
    });
    it("are filled", () => expect(fill("{0} of {1}, {0}", "a", 2)).toBe("a of 2, a"));
    it("leave none in the components", () => {
        // A word between tags that is not in a language's table would be English for everybody.
        for (const name of ["about", "app", "card", "filters", "mapview", "where"]) {
            const source = readFileSync(fileURLToPath(new URL(`./ui/${name}.tsx`, import.meta.url)), "utf8");
            const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
            const found = [...code.matchAll(/>\s*([A-Za-z][a-z]+(?: [a-z]+)+)\s*</g), ...code.matchAll(/(?:aria-label|title|placeholder|alt)="([^"]+)"/g)].map(([, words]) => words);
            expect(found, name).toEqual([]);
        }
    });
});
