/**
 * Starts the page in `<div id="app" data-files="files/" data-suggest="/suggest/food_listings/verify/">`.
 *
 * Belongs here: reading the settings of the page. Does not belong here: anything that is drawn.
 *
 * Settings are attributes of that element:
 *   data-files     folder of the page's files, relative to the page
 *   data-suggest   where corrections are taken; without it (a copy without a server) no link to it is shown
 */
import { h, render } from "preact";
import { App } from "./ui/app";
import "./find.css";

const root = document.getElementById("app");
if (root) {
    const { files = "files/", suggest = "" } = root.dataset;
    const folder = new URL(files.endsWith("/") ? files : `${files}/`, document.baseURI).href;
    root.replaceChildren();
    render(h(App, { folder, suggest }), root);
}
