/* Before anything is drawn: the reader's own choice of light or dark, if there is one. */
try {
    const chosen = localStorage.getItem("civicops-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
    /* A browser that keeps nothing shows what the system prefers. */
}
