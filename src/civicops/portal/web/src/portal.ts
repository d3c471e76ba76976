/**
 * What every page of the portal loads: the look, and the few behaviours that need a script.
 *
 * Belongs here: what all pages share. Does not belong here: what one product's page does (`products/<product>/pages`).
 */
import "@uswds/uswds/css/uswds.min.css";
import header from "@uswds/uswds/js/usa-header";
import skipnav from "@uswds/uswds/js/usa-skipnav";
import "./portal.css";
import "./parts.css";
import "./review.css";
import { watchSearch } from "./search";
import { watchTheme } from "./theme";

// In other people's pages: no frame of ours around it, in the portal and in a static copy alike.
if (new URLSearchParams(location.search).has("embed")) document.body.classList.add("is-embedded");
// The menu on phones, and the link that skips it; no other component of USWDS here needs a script.
header.on(document.body);
skipnav.on(document.body);
watchTheme(document);
watchSearch(document);

const drawings = document.querySelectorAll<HTMLElement>("[data-chart]");
if (drawings.length > 0) {
    // Half a megabyte that only pages with charts need.
    void import("./charts").then(({ drawAll }) => drawAll(drawings));
}

const review = document.querySelector<HTMLElement>("[data-review]");
if (review) void import("./review").then(({ watchReview }) => watchReview(review));
