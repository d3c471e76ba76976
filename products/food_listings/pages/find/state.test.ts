/** A link gives back what it was made of, and survives what people make of it. */
import { describe, expect, it } from "vitest";
import { preferred, read, START, type View, write } from "./state";

describe("links", () => {
    const full: View = {
        language: "es", when: "2026-05-08", text: "peña & más", categories: ["food_pantry", "meal_program"], spoken: "Español", walkin: true, free: true,
        showClosed: true, near: { at: [-118.25, 34.05], label: "Peña, Park" }, within: 5, place: "made:1/ä", show: "map", large: true,
    };
    it("hold everything", () => expect(read(write(full))).toEqual(full));
    it("are empty at first", () => expect(write(START)).toBe(""));
    it("leave the reader's own position out", () => {
        const link = write({ ...full, near: { at: [-118.123456, 34.054321], label: "", isOwn: true } });
        expect(link).not.toContain("118");
        expect(read(link).near).toBeNull();
    });
    it.each(["#open=never&within=-3&near=here", "#near=99,999,x&open=2026-13-01&show=x", "#%E0%A4%A", "#within=1e9&lang=fr", "#kind=,,"])("survive %s", (hash) => {
        expect(read(hash)).toEqual(START);
    });
    it("say the language only where it is not the browser's", () => {
        expect(write({ ...START, language: "es" }, { ...START, language: "es" })).toBe("");
        expect(read("", { ...START, language: "es" }).language).toBe("es");
        expect(read("#lang=en", { ...START, language: "es" }).language).toBe("en");
    });
    it("take the first language of the browser that we have", () => {
        expect(preferred(["ko-KR", "es-MX", "en"])).toBe("es");
        expect(preferred([])).toBe("en");
    });
});
