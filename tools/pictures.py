"""Pictures of the main pages for docs: the map, wide and on a phone, light and dark.

Belongs here: which pages are pictured. Does not belong here: what is on them.

    make pictures                          from the running portal's data of the demo (`make demo` first)
    python -m tools.pictures --files DIR   from a folder of map files
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from civicops.errors import CivicopsError
from civicops.release.store import ReleaseStore
from products.requests_311.pages.map_files import build
from tools.browser import launch, serving
from tools.setup_env import ROOT
from tools.web import Web

OUT = ROOT / "docs" / "pictures"
DEMO = ROOT / "var" / "demo" / "releases"
MAP = "products/requests_311/pages/map"


@dataclass(frozen=True)
class Picture:
    """One picture: its name, the link that leads to what it shows, the size of the window, the colors."""

    name: str
    link: str
    width: int = 1360
    height: int = 850
    scheme: str = "light"


PICTURES = (
    Picture("map", ""),
    Picture("map-dark", "#color=rate&tab=charts", scheme="dark"),
    Picture("map-heat", "#show=heat", scheme="dark"),
    Picture("map-compare", "#tab=compare"),
    Picture("map-phone", "", width=360, height=740),
)


def take(browser: Browser, url: str, picture: Picture, folder: Path) -> None:
    """Open a page, wait until it is whole, and write its picture."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url + picture.link)
    page.wait_for_selector('.map-canvas[data-ready="yes"]')
    page.wait_for_function("() => !document.querySelector('.loading-more')")
    for notice in page.get_by_role("button", name="Close this notice").all():
        notice.click()
    page.wait_for_timeout(1_500)  # the last tiles and the heat map
    page.screenshot(path=folder / f"{picture.name}.png")
    context.close()


def main() -> int:
    """Take them all; 1 with a line on what is missing."""
    parser = argparse.ArgumentParser(prog="pictures", description="Take pictures of the main pages.")
    parser.add_argument("--files", type=Path, help="a folder of map files; without it they are made from the demo")
    parser.add_argument("--out", type=Path, default=OUT, help="where the pictures go")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        site = Path(scratch) / "site"
        shutil.copytree(Web().built, site)
        try:
            if options.files:
                (site / MAP / "files").symlink_to(options.files.resolve(), target_is_directory=True)
            else:
                build(ReleaseStore(DEMO).snapshot("requests_311"), site / MAP / "files")
        except CivicopsError as error:
            print(f"pictures: {error} Run `make demo SERVE=0` first.", file=sys.stderr)
            return 1
        with serving(site) as url, sync_playwright() as playwright:
            browser = launch(playwright)
            for picture in PICTURES:
                take(browser, f"{url}/{MAP}/", picture, options.out)
                print(f"pictures: {picture.name}.png")
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
