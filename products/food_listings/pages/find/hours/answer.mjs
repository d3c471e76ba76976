/**
 * Answers questions about hours from a file, for the test that compares this folder with Python's `hours`.
 *
 * Belongs here: reading cases, writing answers. Does not belong here: anything that a page needs.
 *
 *     node answer.mjs cases.json answers.json
 */
import { readFileSync, writeFileSync } from "node:fs";
import { nextClose, nextOpen, openIntervals, status, statusOnly } from "./opening.ts";
import { write } from "./writing.ts";

const { holidays, cases } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const answers = cases.map(({ schedule, moments }) => ({
    en: write(schedule, "en"),
    es: write(schedule, "es"),
    moments: moments.map((moment) => {
        const { state, until } = status(schedule, moment, holidays);
        if (state !== statusOnly(schedule, moment, holidays)) throw new Error(`status and statusOnly differ at ${moment}`);
        return [state, until, nextOpen(schedule, moment, holidays), nextClose(schedule, moment, holidays)];
    }),
    intervals: openIntervals(schedule, moments[0], moments[0] + 120 * 86_400_000, holidays),
}));
writeFileSync(process.argv[3], JSON.stringify(answers));
