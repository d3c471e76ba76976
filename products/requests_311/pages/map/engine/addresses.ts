/**
 * Finding an address among those of the data, without asking anyone else.
 *
 * Belongs here: reading a query as the index was written, and finding in its shards. Does not belong here: the box it is typed into.
 */
import type { Manifest } from "./format";
import type { Store } from "./store";

interface Shard {
    readonly key: string;
    readonly name: string;
    readonly number: number;
    readonly file: string;
}
interface Index {
    readonly words: Record<"direction" | "suffix" | "word" | "join", Record<string, string>>;
    readonly zips: readonly { readonly zip: string; readonly x: number; readonly y: number; readonly council: number; readonly count: number }[];
    readonly shards: readonly Shard[];
}
interface Street {
    readonly key: string;
    readonly name: string;
    readonly x: number;
    readonly y: number;
    readonly count: number;
    readonly zips: readonly string[];
    readonly places: readonly string[];
    readonly zip: readonly number[];
    readonly xs: readonly number[];
    readonly ys: readonly number[];
    readonly councils: readonly number[];
    readonly counts: readonly number[];
}

export interface Place {
    readonly kind: "address" | "street" | "zip";
    readonly label: string;
    readonly longitude: number;
    readonly latitude: number;
    /** Index in the manifest's councils; null for a whole street. */
    readonly council: number | null;
    readonly count: number;
}

export interface Query {
    readonly zip: string | null;
    readonly number: string | null;
    readonly direction: string | null;
    readonly suffix: string | null;
    readonly key: string;
    readonly cross: string | null;
}

function tokens(text: string): string[] {
    const upper = text.toUpperCase().normalize("NFKD").replace(/\p{M}/gu, "");
    return upper.replace(/['.]/g, "").replace(/[&@]/g, " AT ").replace(/[^A-Z0-9/-]/g, " ").split(/\s+/).filter(Boolean);
}

/** A query taken apart by the same rules as the addresses in the index. */
export function parse(text: string, words: Index["words"]): Query {
    let left = tokens(text);
    let zip: string | null = null;
    if (left.length > 1 && /^\d{5}$/.test(left[left.length - 1])) zip = left.pop() as string;
    const at = left.findIndex((token, i) => i > 0 && i < left.length - 1 && Object.hasOwn(words.join, token));
    let cross: string | null = null;
    if (at > 0) {
        cross = parse(left.slice(at + 1).join(" "), { ...words, join: {} }).key;
        left = left.slice(0, at);
    }
    let number: string | null = null;
    if (cross === null && left.length > 1 && /^\d+[A-Z]?(-\d+)?$/.test(left[0])) {
        number = left.shift() as string;
        if (left.length > 1 && left[0] === "1/2") number += ` ${left.shift()}`;
    }
    let direction: string | null = null;
    const onlySuffixLeft = left.length === 2 && Object.hasOwn(words.suffix, left[1]);
    if (left.length > 1 && Object.hasOwn(words.direction, left[0]) && !onlySuffixLeft) direction = words.direction[left.shift() as string];
    let suffix: string | null = null;
    if (left.length > 1 && Object.hasOwn(words.suffix, left[left.length - 1])) suffix = words.suffix[left.pop() as string];
    left = left.map((token) => (Object.hasOwn(words.word, token) ? words.word[token] : token));
    if (left.length > 1 && Object.hasOwn(words.suffix, left[0]) && /^\d/.test(left[1])) left[0] = words.suffix[left[0]];
    return { zip, number, direction, suffix, key: left.join(" "), cross };
}

/** Which shards can hold streets whose key begins with `key`; at most three. */
export function shardsFor(shards: readonly Shard[], key: string, number: number | null): number[] {
    if (!shards.length) return [];
    let low = 0;
    while (low + 1 < shards.length && shards[low + 1].key < key) low++;
    let high = low;
    for (let i = low; i < shards.length && (i === low || shards[i].key <= key || shards[i].key.startsWith(key)); i++)
        if (shards[i].key.startsWith(key)) high = i;
    const found: number[] = [];
    for (let i = low; i <= high; i++) {
        const [before, here, after] = [shards[i - 1], shards[i], shards[i + 1]];
        if (number !== null && after && after.key === here.key && after.name === here.name && after.number <= number) continue;
        if (number !== null && before && before.key === here.key && before.name === here.name && here.number > number) continue;
        found.push(i);
    }
    return found.slice(0, 3);
}

export class Addresses {
    private index: Promise<Index> | null = null;
    private readonly shards = new Map<number, Promise<readonly Street[]>>();

    constructor(private readonly store: Store, private readonly manifest: Manifest) {}

    /** Read the index; called when the search box is entered. */
    open(): Promise<Index> | null {
        const entry = this.manifest.addresses as { index_file?: string } | undefined;
        if (!entry?.index_file) return null;
        this.index ??= this.store.json<Index>(entry.index_file);
        this.index.catch(() => (this.index = null));
        return this.index;
    }

    /** Up to `limit` places for what has been typed so far, most likely first. */
    async find(text: string, limit = 8): Promise<Place[]> {
        const index = await this.open();
        const words = tokens(text);
        if (!index || !words.length) return [];
        if (words.length === 1 && /^\d{1,5}$/.test(words[0])) return this.zips(index, words[0]).slice(0, limit);
        const query = parse(text, index.words);
        if (!query.key) return [];
        let found = await this.streets(index, query);
        if (!found.length && query.key.includes(" ")) {
            // Half a suffix, such as "VANOWEN BOU": what comes before it is the street.
            found = await this.streets(index, { ...query, key: query.key.slice(0, query.key.lastIndexOf(" ")) });
        }
        return found.slice(0, limit);
    }

    private zips(index: Index, digits: string): Place[] {
        return index.zips
            .filter(({ zip }) => zip.startsWith(digits))
            .map(({ zip, x, y, council, count }) => ({ kind: "zip" as const, label: zip, ...this.spot(x, y), council, count }));
    }

    private async streets(index: Index, query: Query): Promise<Place[]> {
        const wanted = query.number === null ? null : Number.parseInt(query.number, 10);
        const lists = await Promise.all(shardsFor(index.shards, query.key, wanted).map((shard) => this.shard(index, shard)));
        const places: (Place & { readonly exact: number })[] = [];
        const seen = new Set<string>();
        for (const street of lists.flat()) {
            if (!street.key.startsWith(query.key)) continue;
            const parts = street.name.split(" ");
            if (query.direction && parts[0] !== query.direction) continue;
            if (query.suffix && parts[parts.length - 1] !== query.suffix) continue;
            const full = street.key === query.key ? 2 : 0;
            if (query.number === null && query.cross === null) {
                if (seen.has(street.name) || (query.zip && !street.zips.includes(query.zip))) continue;
                seen.add(street.name);
                const zips = street.zips.length ? `, ${street.zips.slice(0, 2).join(", ")}${street.zips.length > 2 ? ", ..." : ""}` : "";
                places.push({ kind: "street", label: street.name + zips, ...this.spot(street.x, street.y), council: null, count: street.count, exact: full });
                continue;
            }
            street.places.forEach((place, i) => {
                const fits = query.cross === null ? place.startsWith(query.number as string) : this.crosses(place, query.cross, index);
                const zip = street.zip[i] >= 0 ? street.zips[street.zip[i]] : "";
                if (!fits || (query.zip && zip !== query.zip)) return;
                const text = query.cross === null ? `${place} ${street.name}` : `${street.name} ${place}`;
                const exact = full + (query.cross !== null || place === query.number ? 4 : 0);
                places.push({
                    kind: "address", label: zip ? `${text}, ${zip}` : text, ...this.spot(street.xs[i], street.ys[i]),
                    council: street.councils[i], count: street.counts[i], exact,
                });
            });
        }
        return places.sort((a, b) => b.exact - a.exact || b.count - a.count || (a.label < b.label ? -1 : 1));
    }

    private crosses(place: string, cross: string, index: Index): boolean {
        return place.startsWith("AT ") && parse(place.slice(3), { ...index.words, join: {} }).key.startsWith(cross);
    }

    private shard(index: Index, number: number): Promise<readonly Street[]> {
        let held = this.shards.get(number);
        if (!held) {
            held = this.store.bin(index.shards[number].file).then((raw) => (JSON.parse(new TextDecoder().decode(raw)) as { streets: Street[] }).streets);
            held.catch(() => this.shards.delete(number));
            if (this.shards.size > 12) this.shards.delete(this.shards.keys().next().value as number);
            this.shards.set(number, held);
        }
        return held;
    }

    private spot(x: number, y: number): { longitude: number; latitude: number } {
        const [west, south, east, north] = this.manifest.bounds;
        return { longitude: west + (x / 65_535) * (east - west), latitude: south + (y / 65_535) * (north - south) };
    }
}
