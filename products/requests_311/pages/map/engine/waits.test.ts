/** Waiting times over bins against the definition, by hand. */
import { describe, expect, it } from "vitest";
import { quantile } from "./waits";

const EDGES = [1, 2, 4, 8];
const bins = (closed: number[], censored: number[]) => ({ closed: Float64Array.from(closed), censored: Float64Array.from(censored) });

describe("half were closed within", () => {
    it("lies in the bin where the share is reached, between its edges", () => {
        // Of four, one closes in (0,1], one in (1,2]: half is reached exactly at the end of the second bin.
        expect(quantile(bins([1, 1, 1, 1, 0], [0, 0, 0, 0, 0]), EDGES, 0.5)).toBeCloseTo(2, 9);
    });
    it("counts open requests as still waiting", () => {
        expect(quantile(bins([2, 0, 0, 0, 0], [0, 0, 0, 0, 2]), EDGES, 0.5)).toBeCloseTo(1, 9);
        expect(quantile(bins([1, 0, 0, 0, 0], [0, 0, 0, 0, 3]), EDGES, 0.5)).toBeNull();
    });
    it("leaves out those no longer watched from what can still close", () => {
        // Four in all; two leave in the first bin unseen; one of the two left closes in the third.
        expect(quantile(bins([0, 0, 1, 0, 0], [2, 0, 0, 0, 1]), EDGES, 0.5)).toBeCloseTo(4, 9);
    });
    it("takes those who leave inside a bin as watched for half of it", () => {
        // Four wait at the start of (1,2]; two of them leave inside it: of three watched on average, one closes.
        expect(quantile(bins([0, 1, 1, 0, 0], [0, 2, 0, 0, 0]), EDGES, 0.5)).toBeCloseTo(2 * 2 ** 0.25, 9);
    });
    it("says nothing of nothing", () => {
        expect(quantile(bins([0, 0, 0, 0, 0], [0, 0, 0, 0, 0]), EDGES, 0.5)).toBeNull();
    });
    it("is found between the edges in proportion to their logarithms", () => {
        expect(quantile(bins([0, 0, 2, 0, 0], [0, 0, 0, 0, 0]), EDGES, 0.5)).toBeCloseTo(2 * Math.SQRT2, 9);
    });
});
