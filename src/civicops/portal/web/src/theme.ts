/**
 * Light or dark, by the reader's choice.
 *
 * Belongs here: the button in the header, and telling others that it was pressed. Does not belong here: colours (`portal.css`), and
 * the choice before anything is drawn (`static/theme.js`).
 */

/** Whether the page is dark now, by choice or by the system. */
export function isDark(root: HTMLElement = document.documentElement): boolean {
    const chosen = root.dataset["theme"];
    if (chosen === "dark" || chosen === "light") return chosen === "dark";
    return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Make the button switch between light and dark, keep the choice, and send `themechange` to the document. */
export function watchTheme(page: Document): void {
    const button = page.querySelector<HTMLButtonElement>("#theme");
    if (!button) return;
    const show = (): void => {
        button.textContent = isDark() ? "Light" : "Dark";
        button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
    };
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
        const next = isDark() ? "light" : "dark";
        page.documentElement.dataset["theme"] = next;
        try {
            localStorage.setItem("theme", next);
        } catch {
            // A browser that keeps nothing: the choice holds for this page.
        }
        show();
        page.dispatchEvent(new CustomEvent("themechange"));
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        show();
        page.dispatchEvent(new CustomEvent("themechange"));
    });
}
