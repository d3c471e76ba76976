/**
 * What every page of the portal loads: the look, and the few behaviours that need a script.
 *
 * Belongs here: what all pages share. Does not belong here: what one product's page does (`products/<product>/pages`).
 */
import "@uswds/uswds/css/uswds.min.css";
import "@uswds/uswds/js";
import "htmx.org";
