/**
 * The list of datasets gets shorter while one types.
 *
 * Belongs here: hiding what does not match, in the portal and in a static copy alike. Does not belong here: the search of the server,
 * which answers where there is no script.
 */

/** Whether every word of `asked` occurs in `text`. */
export function matches(text: string, asked: string): boolean {
    const known = text.toLowerCase();
    return asked.toLowerCase().split(/\s+/).every((word) => known.includes(word));
}

/** Filter the list of the catalogue by what is typed into its search field; does nothing on other pages. */
export function watchSearch(page: Document): void {
    const list = page.querySelector("#datasets");
    const field = page.querySelector<HTMLInputElement>("#q");
    const count = page.querySelector("#count");
    if (!list || !field || !count) return;
    const items = [...list.querySelectorAll<HTMLElement>("[data-find]")];
    const asked = new URLSearchParams(location.search).get("q") ?? "";
    const filter = (): void => {
        let shown = 0;
        for (const item of items) {
            item.hidden = !matches(item.dataset["find"] ?? "", field.value);
            shown += item.hidden ? 0 : 1;
        }
        count.textContent = `${shown} of ${items.length} datasets`;
    };
    field.addEventListener("input", filter);
    // A static copy has no server that searches: the address of the home page's search is answered here.
    if (asked && !field.value) {
        field.value = asked;
        filter();
    }
}
