/** Belongs here: what the search of the catalogue takes for a match. Does not belong here: the page around it. */
import { expect, test } from "vitest";
import { matches } from "./search";

test("every word has to occur, in any order and case", () => {
    const text = "library.loans Loans of BRANCHES latitude";
    expect(matches(text, "")).toBe(true);
    expect(matches(text, "branches LOANS")).toBe(true);
    expect(matches(text, "  lat  ")).toBe(true);
    expect(matches(text, "loans longitude")).toBe(false);
});
