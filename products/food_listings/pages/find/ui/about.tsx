/**
 * What these listings are, and all of them as files.
 *
 * Belongs here: the end of the page. Does not belong here: how the files are made (`find_files/`).
 */
import type { Places } from "../data";
import type { View } from "../state";
import { fill, TEXTS } from "../text";
import { day } from "./words";

const FILES = [["downloadCsv", "csv"], ["downloadJson", "json"], ["downloadHsds", "hsds.json"]] as const;

export function About({ places, view, folder, suggest }: { places: Places; view: View; folder: string; suggest: string }) {
    const text = TEXTS[view.language];
    return (
        <footer class="find-about">
            <h2>{text.aboutTitle}</h2>
            <p>{fill(text.about, day(places.made.slice(0, 10), view.language))}</p>
            {suggest && <p><a href={suggest}>{text.suggest}</a></p>}
            <h3>{text.downloads}</h3>
            <ul>
                {FILES.map(([name, ending]) => <li key={ending}><a href={`${folder}downloads/food_listings.${ending}`} download>{text[name]}</a></li>)}
            </ul>
            <p class="find-quiet">{text.licence}</p>
        </footer>
    );
}
