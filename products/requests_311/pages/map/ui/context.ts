/**
 * What every component may use: the model, the controller, the map.
 *
 * Belongs here: handing them down, and small questions about the vocabularies. Does not belong here: components.
 */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Controller } from "../controller";
import type { Dimension, Filters } from "../engine/filters";
import type { Manifest } from "../engine/format";
import type { CityMap } from "../map/citymap";
import { Cell, type Model, type State, useCell } from "../state";
import { councilName } from "../text";

export interface Page {
    readonly model: Model;
    readonly controller: Controller;
    readonly map: Cell<CityMap | null>;
    readonly dark: Cell<boolean>;
    /** Address of a geocoder that may be asked as well; empty for none. */
    readonly geocoder: string;
    readonly embedded: boolean;
}

export const PageContext = createContext<Page>(null as unknown as Page);
export const usePage = (): Page => useContext(PageContext);

export function useShown(): { readonly page: Page; readonly model: Model; readonly manifest: Manifest; readonly state: State } {
    const page = usePage();
    return { page, model: page.model, manifest: page.model.manifest, state: useCell(page.model.state) };
}

/** Name of an entry of a vocabulary as people read it. */
export function nameOf(manifest: Manifest, dimension: Dimension, id: number): string {
    const { name } = manifest[dimension][id];
    return dimension === "councils" ? councilName(name) : name;
}

/** Whether a council is a council, not one of the two rows for "outside" and "unknown". */
export function isCouncil(manifest: Manifest, id: number): boolean {
    return !["none", "unknown"].includes(manifest.councils[id].code);
}

/** Statuses of a group. */
export function statusesOf(manifest: Manifest, group: "open" | "closed"): number[] {
    return manifest.statuses.flatMap((status, id) => (status.group === group ? [id] : []));
}

/** Whether the chosen statuses are exactly those of a group. */
export function isGroup(manifest: Manifest, filters: Filters, group: "open" | "closed"): boolean {
    return (filters.statuses ?? []).join() === statusesOf(manifest, group).join();
}
