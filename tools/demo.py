"""`make demo`: every product, run on a made-up city, a summary of what came of it, and the portal that shows it.

Belongs here: starting the simulators, a workspace of its own under `var/demo`, the runs, the summary, the portal. Does not belong
here: anything a user's own workspace needs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from civicops.orchestrate.order import ordered
from civicops.workspace import Product, Workspace
from simulators import serve
from simulators.google import GoogleServer
from simulators.mailbox import Mailbox
from simulators.mailbox_page import mailbox_page
from tools import demo_city, demo_drives, demo_food
from tools.demo_told import Told

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("CIVICOPS_DEMO_FOLDER") or ROOT / "var" / "demo")
ROWS_PER_YEAR = 5_000


def main() -> int:
    """Run the demo; 0 when every product published and every row is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--no-serve", action="store_true", help="end after the summary")
    parser.add_argument("--rows", type=int, default=ROWS_PER_YEAR, help="made-up requests per year")
    parser.add_argument(
        "--only",
        default="",
        help="only these products, with commas between; then it ends after the summary, and nothing happens to them later",
    )
    options = parser.parse_args()
    # A terminal that is closed, or a shell that started this in the background, asks in other ways than Ctrl-C; all of them
    # must end the portal too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    with (
        serve(rows_per_year=options.rows) as portal,
        demo_drives.made_up_drives(HOME) as google,
        demo_food.made_up_lists(HOME) as food,
        Mailbox() as box,
        mailbox_page(box) as letters,
    ):
        _workspace(portal.url, [*demo_drives.settings(google), *demo_food.settings(food), *_route(box)])
        is_still = demo_city.stand_still(portal.url)
        print(f"A made-up city answers at {portal.url}, as the real one's portal would.\n")
        products = _chosen(options.only)
        records: dict[str, Any] = {}
        again: dict[str, tuple[str, float]] = {}
        for product in products:
            name = product.name
            print(f"== {name}: fetch, check, build, publish")
            code = _run(name)
            if code:
                print(f"\nThe demo failed at {name}.")
                return code
            records[name] = _civicops("status", name, "--json", "-n", "1")[0]
            again[name] = _again(name)
            print()
        complete = bool(options.only) or _stories(
            portal.url, google, Told(HOME, _civicops, box), products, is_still=is_still
        )
        _civicops("alerts", "digest", "--json")
        complete = _summary(records, again, time.monotonic() - began) and complete
        print(f"Mailbox of the team: {len(box.mails)} mails, the last one the weekly digest.")
        if complete and not options.only:
            complete = _portal(letters, stay=not options.no_serve)
    return 0 if complete else 1


def _chosen(only: str) -> list[Product]:
    """The products to run, each after those it reads."""
    every = ordered(list(Workspace.find(HOME).products))
    wanted = [name for name in only.split(",") if name]
    if unknown := sorted(set(wanted) - {product.name for product in every}):
        raise SystemExit(f"There is no product {', '.join(unknown)}.")
    return [product for product in every if not wanted or product.name in wanted]


def _stories(url: str, google: GoogleServer, told: Told, products: Sequence[Product], *, is_still: bool) -> bool:
    """What happens to the drives, the city and the listings later; true when all of it was noticed as it should be."""
    seen = demo_drives.story(google, HOME, told, lambda: _run(demo_drives.PRODUCT))
    if is_still:
        seen &= demo_city.story(url, told, lambda: _run(demo_city.PRODUCT))
        for product in products:
            if any(name.startswith(f"{demo_city.PRODUCT}.") for name in product.file.reads):
                print(f"\n== {product.name}: reads what {demo_city.PRODUCT} has published since")
                seen &= _run(product.name) == 0
    else:
        print("The made-up city lives until the end of 2026, so its late source and its lost day are not shown today.")
    listed = demo_food.story(HOME, lambda: _run(demo_food.PRODUCT), _said)
    print()
    if not seen:
        print("What was done to the drives or the city was not noticed as it should be; the lines above say where.")
    if not listed:
        print(f"\n{demo_food.PRODUCT} did not show what was decided.")
    return seen and listed


def _route(box: Mailbox) -> list[str]:
    """The lines of civicops.toml by which the team is told by mail."""
    os.environ["CIVICOPS_DEMO_MAIL"] = (
        f"mailto://127.0.0.1:{box.port}?from=civicops@example.org&to=team@example.org&mode=insecure"
    )
    return ["", "[alerts.routes.default]", 'urls = ["CIVICOPS_DEMO_MAIL"]', 'allow = ["127.0.0.1"]']


def _portal(letters: str, *, stay: bool) -> bool:
    """Start the portal and look at each main page; with `stay` leave it running until Ctrl-C.

    True when every page answered and the portal ended well.
    """
    port = _free_port()
    words = _command("portal", "serve", "--samples", "--port", str(port))
    portal = subprocess.Popen(words, cwd=HOME, stdout=None if stay else subprocess.PIPE, text=True)
    good = True
    try:
        good = _visit(f"http://127.0.0.1:{port}")
        if stay and good:
            print(
                f"\nMails that arrived: {letters}\nOpen http://127.0.0.1:{port}/ in a browser. Ctrl-C ends the portal, the "
                "mailbox and the made-up city.",
                flush=True,
            )
            portal.wait()
    except KeyboardInterrupt:
        pass
    finally:
        if portal.poll() is None:
            portal.terminate()
        code = portal.wait(30)
    if code:
        print(f"The portal ended with {code}, not with 0.")
    return good and not code


def _visit(base: str) -> bool:
    """Ask for the main pages and one file of each dataset's kind of page; says which did not answer as they should."""
    with httpx.Client(base_url=base, trust_env=False, timeout=120) as client:
        deadline = time.monotonic() + 60
        while True:
            try:
                client.get("/health").raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    print("The portal did not start; its last lines above say why.")
                    return False
                time.sleep(0.2)
        datasets = client.get("/api/v1/datasets").json()["datasets"]
        pages = sorted(set(re.findall(r'href="(p/[a-z0-9_/]+/)"', client.get("/").text)))
        paths = ["/", "/catalogue/", "/api/", "/accounts/login/", *(f"/{page}" for page in pages)]
        paths += [f"/products/{name}/" for name in sorted({item["product"] for item in datasets})]
        for item in datasets:
            address = f"{item['product']}/{item['dataset']}"
            paths.append(f"/catalogue/{address}/")
            if item["access"] == "public":
                paths.append(f"/api/v1/datasets/{address}/rows?limit=1")
        began = time.monotonic()
        bad = [f"{path}: {code}" for path in paths if (code := client.get(path).status_code) != httpx.codes.OK]
    print("\n".join(bad) or f"The portal answered {len(paths)} addresses in {time.monotonic() - began:.1f} s.")
    return not bad


def _free_port(first: int = 8000) -> int:
    """The first port from 8000 on that nobody uses."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit("No port from 8000 to 8099 is free.")


def _run(name: str) -> int:
    """Run a product for everybody to see; its exit code."""
    return subprocess.run(_command("run", name), cwd=HOME, check=False).returncode


def _workspace(url: str, more: list[str]) -> None:
    products = os.path.relpath(ROOT / "products", HOME)
    shutil.copy(ROOT / "people.yaml", HOME / "people.yaml")
    sources = {
        "council_boundaries": "/api/geospatial/fu65-dz2f?method=export&format=GeoJSON",
        "district_boundaries_2012": "/api/geospatial/cd12-m4r1?method=export&format=GeoJSON",
        "district_boundaries_2021": "/api/geospatial/cd21-m4r1?method=export&format=GeoJSON",
        "council_populations": "/api/views/nwj3-ufba/rows.csv?accessType=DOWNLOAD",
    }
    lines = [
        "# Made by `make demo` for a made-up city; remove the folder whenever you like.",
        "[workspace]",
        'organisation = "Friends of Marisol"',
        'contact = "data@example.org"',
        'timezone = "America/Los_Angeles"',
        'data = "."',
        f'products = "{products}"',
        "",
        "[products.requests_311]",
        f'portal_url = "{url}"',
    ]
    for name, path in sources.items():
        lines += ["", f"[products.requests_311.sources.{name}]", f'url = "{url}{path}"']
    lines += more
    (HOME / "civicops.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _command(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("civicops")), *words]


def _civicops(*words: str) -> Any:
    return json.loads(_said(*words))


def _said(*words: str) -> str:
    """What a command printed. Raises `CalledProcessError` when it fails."""
    return subprocess.run(_command(*words), cwd=HOME, check=True, capture_output=True, text=True).stdout


def _again(name: str) -> tuple[str, float]:
    """Run once more, with nothing new at the source: how it ended and how long it took."""
    began = time.monotonic()
    record = _civicops("run", name, "--json")
    return record["status"], time.monotonic() - began


def _summary(records: dict[str, Any], again: dict[str, tuple[str, float]], seconds: float) -> bool:
    print("=" * 78)
    complete = True
    for name, record in records.items():
        accepted = [item for item in record["datasets"] if item["layer"] == "accepted"]
        published = [item for item in record["datasets"] if item["layer"] == "published"]
        checks = [check for item in record["datasets"] for check in item["checks"]]
        ignored = sum(sum(item["ignored"].values()) for item in accepted)
        missing = sum(abs(item["missing"]) for item in accepted)
        complete &= record["status"] == "succeeded" and missing == 0 and again[name][0] == "unchanged"
        print(f"{name}")
        print(
            f"  fetched      {sum(item['new_rows'] for item in record['sources']):>9,} rows from {len(record['sources'])} sources"
        )
        print(f"  accepted     {sum(item['accepted'] for item in accepted):>9,}")
        print(f"  quarantined  {sum(item['quarantined'] for item in accepted):>9,}   civicops quarantine list {name}")
        print(f"  ignored      {ignored:>9,}   each for a named reason")
        print(f"  unaccounted  {missing:>9,}")
        print(
            f"  checks       {len(checks):>9,}   {sum(check['outcome'] != 'passed' for check in checks)} of them found something"
        )
        print(f"  published    {sum(item['rows'] for item in published):>9,} rows in {len(published)} datasets")
        print(f"  once more: {again[name][0]}, {again[name][1]:.1f} s")
    folder = os.path.relpath(HOME, Path.cwd())
    print("=" * 78)
    print(f"Done in {seconds:.0f} s. Where to look:")
    print(f"  releases     {folder}/releases        Parquet and datapackage.json, one folder per version")
    print(f"  quarantine   {folder}/quarantine      rows held back, with reasons")
    print(f"  landing      {folder}/landing         every byte as it was received")
    print(f"  runs         {folder}/runs            what happened, step by step")
    print(f"\nNext: cd {folder} && {os.path.relpath(_command()[0], HOME)} status")
    return complete


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped.")
