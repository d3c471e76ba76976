/**
 * Counting: one pass over the cells of the cube gives every count that the page shows.
 *
 * Belongs here: cells in the shape that is quick to pass over, and the pass. Does not belong here: days within a month (`rows.ts`).
 *
 * Cells lie in runs of one month and place. In a run the failed bits of month and place are the same, so a run that fails two
 * filters is skipped whole, and inside a run one table look-up per cell is left.
 */
import type { CubeColumns } from "./format";
import { BIT, type Compiled, isOne, type Vocabulary } from "./filters";

/** The cells of one year, ready to be counted. */
export interface Block {
    readonly year: number;
    /** Where each run begins; one more than there are runs. */
    readonly start: Uint32Array;
    /** Index in the manifest's months, per run. */
    readonly month: Uint16Array;
    readonly place: Uint16Array;
    /** kind * number of statuses + status, per cell. */
    readonly kindStatus: Uint16Array | Uint32Array;
    readonly count: Uint32Array;
}

/** Cells as a block. `monthIndex[m]` is the place of month m (1..12) in the manifest's list. */
export function toBlock(words: Vocabulary, year: number, cells: CubeColumns, monthIndex: readonly number[]): Block {
    const size = cells.count.length;
    const Ids = words.manifest.kinds.length * words.statuses > 65_535 ? Uint32Array : Uint16Array;
    const kindStatus = new Ids(size);
    const start: number[] = [];
    const month: number[] = [];
    const place: number[] = [];
    for (let i = 0; i < size; i++) {
        kindStatus[i] = cells.kind[i] * words.statuses + cells.status[i];
        if (i === 0 || cells.month[i] !== cells.month[i - 1] || cells.place[i] !== cells.place[i - 1]) {
            start.push(i);
            month.push(monthIndex[cells.month[i]]);
            place.push(cells.place[i]);
        }
    }
    start.push(size);
    return {
        year,
        start: Uint32Array.from(start),
        month: Uint16Array.from(month),
        place: Uint16Array.from(place),
        kindStatus,
        count: cells.count.slice(),
    };
}

/** Sums while counting: of kind and status where the place passes, of places where kind and status pass, of months. */
export interface Sums {
    readonly kindStatus: Float64Array;
    readonly place: Float64Array;
    /** Whole months, whatever days are chosen. */
    readonly month: Float64Array;
    /** Of the chosen days. */
    readonly monthChosen: Float64Array;
}

export function newSums(words: Vocabulary): Sums {
    const { kinds, places, months } = words.manifest;
    return {
        kindStatus: new Float64Array(kinds.length * words.statuses),
        place: new Float64Array(places.length),
        month: new Float64Array(months.length),
        monthChosen: new Float64Array(months.length),
    };
}

/** Add the cells of a block. Months of which only some days are chosen count for the histogram alone; `rows.ts` adds those days. */
export function addBlock(block: Block, compiled: Compiled, sums: Sums): void {
    const { start, month, place, kindStatus, count } = block;
    const passes = new Int32Array(compiled.kindStatus.length);
    for (let i = 0; i < passes.length; i++) passes[i] = compiled.kindStatus[i] === 0 ? -1 : 0;
    const late = Uint8Array.from(compiled.months, (part) => (part === "whole" ? 0 : BIT.date));
    const bySort = sums.kindStatus;
    for (let run = 0; run < month.length; run++) {
        const bits = compiled.place[place[run]] | late[month[run]];
        if (bits !== 0 && !isOne(bits)) continue;
        let sum = 0;
        const end = start[run + 1];
        if (bits === 0) {
            for (let i = start[run]; i < end; i++) {
                const sort = kindStatus[i];
                const n = count[i];
                bySort[sort] += n;
                sum += n & passes[sort];
            }
            sums.monthChosen[month[run]] += sum;
        } else {
            for (let i = start[run]; i < end; i++) sum += count[i] & passes[kindStatus[i]];
        }
        if ((bits & BIT.date) === 0) sums.place[place[run]] += sum;
        if (compiled.place[place[run]] === 0) sums.month[month[run]] += sum;
    }
}

/** Every count on the page. A list counts under all filters but its own, so an option says what choosing it would give. */
export interface Counts {
    readonly total: number;
    readonly types: Float64Array;
    readonly departments: Float64Array;
    readonly sources: Float64Array;
    readonly statuses: Float64Array;
    readonly councils: Float64Array;
    readonly districts: Float64Array;
    /** Whole months under all filters but the days: the histogram that the days are chosen on. */
    readonly months: Float64Array;
    /** The chosen days of each month. */
    readonly monthsChosen: Float64Array;
    /** Under all filters: by type, by council and by status. */
    readonly typesChosen: Float64Array;
    readonly statusesChosen: Float64Array;
    readonly councilsChosen: Float64Array;
}

/** Spread the sums over the lists. */
export function toCounts(words: Vocabulary, compiled: Compiled, sums: Sums): Counts {
    const { manifest } = words;
    const types = new Float64Array(manifest.types.length);
    const departments = new Float64Array(manifest.departments.length);
    const sources = new Float64Array(manifest.sources.length);
    const statuses = new Float64Array(words.statuses);
    const councils = new Float64Array(manifest.councils.length);
    const districts = new Float64Array(manifest.districts.length);
    const typesChosen = new Float64Array(types.length);
    const statusesChosen = new Float64Array(statuses.length);
    const councilsChosen = new Float64Array(councils.length);
    let total = 0;
    for (let sort = 0; sort < sums.kindStatus.length; sort++) {
        const n = sums.kindStatus[sort];
        if (n === 0) continue;
        const bits = compiled.kindStatus[sort];
        const kind = Math.floor(sort / words.statuses);
        const status = sort - kind * words.statuses;
        if (bits === 0) {
            total += n;
            typesChosen[words.typeOf[kind]] += n;
            statusesChosen[status] += n;
        }
        if (bits === 0 || bits === BIT.types) types[words.typeOf[kind]] += n;
        if (bits === 0 || bits === BIT.departments) departments[words.departmentOf[kind]] += n;
        if (bits === 0 || bits === BIT.sources) sources[words.sourceOf[kind]] += n;
        if (bits === 0 || bits === BIT.statuses) statuses[status] += n;
    }
    for (let place = 0; place < sums.place.length; place++) {
        const n = sums.place[place];
        const bits = compiled.place[place];
        if (bits === 0) councilsChosen[words.councilOf[place]] += n;
        if (bits === 0 || bits === BIT.councils) councils[words.councilOf[place]] += n;
        if (bits === 0 || bits === BIT.districts) districts[words.districtOf[place]] += n;
    }
    return {
        total, types, departments, sources, statuses, councils, districts,
        months: sums.month, monthsChosen: sums.monthChosen,
        typesChosen, statusesChosen, councilsChosen,
    };
}
