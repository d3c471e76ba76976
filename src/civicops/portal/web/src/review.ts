/**
 * What the review pages do with a script: keys, drafts, time taken, suggestions.
 *
 * Belongs here: making the forms quicker. Does not belong here: deciding anything; every form works without this script.
 */

const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select";
const DRAFT_DELAY_MS = 800;

/** Presses the button that carries a key, unless somebody is typing. */
export function watchKeys(page: HTMLElement): void {
    document.addEventListener("keydown", (event) => {
        const target = event.target instanceof HTMLElement ? event.target : document.body;
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            page.querySelector<HTMLButtonElement>(".co-buttons button")?.click();
            return;
        }
        if (event.key === "Escape" && target.matches(TYPING)) {
            target.blur();
            return;
        }
        if (event.ctrlKey || event.metaKey || event.altKey || target.matches(TYPING) || document.querySelector("dialog[open]")) return;
        if (event.key === "f") {
            event.preventDefault();
            page.querySelector<HTMLElement>(".co-field input, .co-field textarea, .co-field select")?.focus();
            return;
        }
        if (/^[1-9]$/.test(event.key)) {
            page.querySelectorAll<HTMLButtonElement>("[data-fill]")[Number(event.key) - 1]?.click();
            return;
        }
        const button = page.querySelector<HTMLButtonElement>(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
        if (button) {
            event.preventDefault();
            button.click();
        }
    });
}

/** Puts a suggestion into the form. */
export function fill(form: HTMLFormElement, values: Record<string, string>): void {
    for (const [name, value] of Object.entries(values)) {
        const found = form.elements.namedItem(name);
        if (found instanceof RadioNodeList) {
            const wanted = new Set(value.split(", "));
            for (const one of found) if (one instanceof HTMLInputElement) one.checked = one.type === "checkbox" ? wanted.has(one.value) : one.value === value;
        } else if (found instanceof HTMLInputElement || found instanceof HTMLTextAreaElement || found instanceof HTMLSelectElement) {
            found.value = value;
        }
    }
    form.dispatchEvent(new Event("input", { bubbles: true }));
}

function watchDraft(form: HTMLFormElement, address: string, said: HTMLElement | null): void {
    let waiting = 0;
    let changed = false;
    let sent = false;
    const keep = async (): Promise<void> => {
        if (!changed || sent) return;
        changed = false;
        try {
            const answer = await fetch(address, { method: "POST", body: new FormData(form), keepalive: true });
            const words = (await answer.json()) as { message: string };
            if (said) said.textContent = words.message;
        } catch {
            changed = true;
            if (said) said.textContent = "The draft could not be kept: no connection. It is tried again.";
            waiting = window.setTimeout(() => void keep(), 5 * DRAFT_DELAY_MS);
        }
    };
    form.addEventListener("input", () => {
        changed = true;
        window.clearTimeout(waiting);
        waiting = window.setTimeout(() => void keep(), DRAFT_DELAY_MS);
    });
    form.addEventListener("submit", () => {
        sent = true;
    });
    document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "hidden") void keep();
    });
}

/** Makes a page of review quick. */
export function watchReview(page: HTMLElement): void {
    watchKeys(page);
    const all = page.querySelector<HTMLButtonElement>("#all");
    if (all) {
        all.hidden = false;
        all.addEventListener("click", () => {
            const boxes = [...page.querySelectorAll<HTMLInputElement>("input[name=task]")];
            const every = boxes.every((box) => box.checked);
            for (const box of boxes) box.checked = !every;
        });
    }
    const form = page.querySelector<HTMLFormElement>("#answer");
    if (!form) return;
    const opened = performance.now();
    form.addEventListener("submit", (event) => {
        const seconds = form.elements.namedItem("seconds");
        if (seconds instanceof HTMLInputElement) seconds.value = ((performance.now() - opened) / 1000).toFixed(1);
        const button = event.submitter;
        if (button instanceof HTMLButtonElement && form.dataset.sent) event.preventDefault();
        form.dataset.sent = "yes";
    });
    // Coming back with the browser's button shows the page as it was left; it can be sent again then.
    window.addEventListener("pageshow", () => delete form.dataset.sent);
    watchDraft(form, page.dataset.draft ?? "", page.querySelector("#draft-state"));
    for (const button of page.querySelectorAll<HTMLButtonElement>("[data-fill]")) {
        button.addEventListener("click", () => fill(form, JSON.parse(button.dataset.fill ?? "{}") as Record<string, string>));
    }
    const keys = page.querySelector<HTMLDialogElement>("#keys");
    page.querySelector("#show-keys")?.addEventListener("click", () => keys?.showModal());
}
