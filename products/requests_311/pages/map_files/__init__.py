"""The files that the 311 map reads, made from the current releases of this product.

A folder of static files: any web server can serve it, and a browser needs only what it shows. `manifest.json` names all others;
their names carry a hash of their content, so they may be cached for ever, and a month that did not change keeps its name.

Belongs in this folder: turning releases into those files, and the command line for doing it by hand
(`python -m products.requests_311.pages.map_files --help`). Does not belong here: the page (`pages/map.py`), what the browser does
with the files (`pages/map/`), reading anything but releases and this product's lookups.

The format is described in `docs/howto/read-the-map-files.md`.
"""

from .build import build

__all__ = ["build"]
