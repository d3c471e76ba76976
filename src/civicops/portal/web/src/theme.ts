/**
 * Light or dark, by the reader's choice.
 *
 * Belongs here: the button in the header, and telling others that colours changed. Does not belong here: colours (`portal.css`), and
 * the choice before anything is drawn (`static/theme.js`).
 */

/** Whether the page is dark now, by choice or by the system. */
export function isDark(root: HTMLElement = document.documentElement): boolean {
    const chosen = root.dataset["theme"];
    if (chosen === "dark" || chosen === "light") return chosen === "dark";
    return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Call `told` whenever light becomes dark or dark light, whoever decided it. */
export function onTheme(told: () => void): void {
    new MutationObserver(told).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", told);
}

/** Make the button in the header switch between light and dark, and keep the choice. */
export function watchTheme(page: Document): void {
    const button = page.querySelector<HTMLButtonElement>("#theme");
    if (!button) return;
    const show = (): void => {
        button.textContent = isDark() ? "Light" : "Dark";
        button.setAttribute("aria-label", isDark() ? "Light: use light colours" : "Dark: use dark colours");
    };
    button.hidden = false;
    show();
    onTheme(show);
    button.addEventListener("click", () => {
        const next = isDark() ? "light" : "dark";
        page.documentElement.dataset["theme"] = next;
        try {
            localStorage.setItem("civicops-theme", next);
        } catch {
            // A browser that keeps nothing: the choice holds for this page.
        }
    });
}
