"""The food listings measured: 100,000 rows imported with all checks beside a row-wise pandas script of the same checks; and,
where the real lists lie beside the repository, duplicates, parse rates and changes that were pointed at beforehand.

Belongs here: the made-up file and the table. Does not belong here: the figures on real lists (`food_measures`).
"""

from __future__ import annotations

import csv
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import food_data
from bench.table import Row, Table, main
from civicops.orchestrate.gathering import gathering
from civicops.orchestrate.importing import take_in
from civicops.workspace import Workspace
from products.food_listings.cleaning.across import find_across
from products.food_listings.matching.keys import keys_of
from products.food_listings.matching.model import score
from products.food_listings.prepared import clean_all
from simulators.world.listings import FOODOASIS, MadeListings, make_listings

GOAL_SECONDS = 60


def made_file(path: Path, count: int) -> None:
    """A file of `count` rows: made-up places, each with a name, number, street and point of its own."""
    made: MadeListings = make_listings(11, 380)
    draw = random.Random(5)
    header, rows = made.lists["foodoasis"]
    at = {name: index for index, name in enumerate(header)}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(FOODOASIS)
        for number in range(count):
            row = list(rows[number % len(rows)])
            row[at["id"]] = str(number)
            row[at["name"]] = f"{row[at['name']]} {_word(draw)} {_word(draw)}"
            row[at["address_1"]] = f"{draw.randrange(1, 20_000)} {draw.choice('NSEW')}. {_word(draw)} Street"
            row[at["phone"]] = (
                f"({draw.choice((213, 310, 323, 562))}) {draw.randrange(220, 980)}-{draw.randrange(10_000):04d}"
            )
            row[at["email"]] = f"info@{_word(draw).lower()}{number}.org"
            row[at["website"]] = f"www.{_word(draw).lower()}{number}.org"
            row[at["zip"]] = f"{draw.randrange(90_001, 91_900)}"
            row[at["latitude"]], row[at["longitude"]] = (
                f"{draw.uniform(33.7, 34.8):.6f}",
                f"{draw.uniform(-118.9, -117.7):.6f}",
            )
            writer.writerow(row)


def _word(draw: random.Random) -> str:
    return "".join(draw.choice("bcdfghklmnprstvw") + draw.choice("aeiou") for _ in range(3)).title()


def imported(folder: Path, file: Path) -> dict[str, float]:
    """Seconds of each step of an import with all checks that need no network."""
    (folder / "civicops.toml").write_text(
        f'[workspace]\norganisation = "Bench"\nproducts = "{food_data.ROOT / "products"}"\n', encoding="utf-8"
    )
    workspace = Workspace.find(folder)
    product = workspace.product("food_listings")
    given = gathering(workspace, product, datetime.now(UTC))
    lookups = food_data.lookups()
    seconds: dict[str, float] = {}
    began, used = time.perf_counter(), _used()
    take_in(product, product.contract("source_listings"), file, layout="foodoasis", list_code="foodoasis", given=given)
    seconds["read, map and keep"] = time.perf_counter() - began
    began = time.perf_counter()
    rows = list(given.rows("lists"))
    cleaned = clean_all(rows, lookups)
    seconds["clean and check each row"] = time.perf_counter() - began
    began = time.perf_counter()
    find_across(cleaned)
    seconds["check rows together"] = time.perf_counter() - began
    began = time.perf_counter()
    score([keys_of(row.listing_id, row.values) for row in cleaned])
    seconds["duplicates"] = time.perf_counter() - began
    seconds["processor"] = _used() - used
    return seconds


def _used() -> float:
    """Seconds of processor time of this process and those that it started and that ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


PEER = """
import json, re, sys, time
import pandas as pd
import phonenumbers, usaddress
from email_validator import validate_email
def phone(text):
    try:
        number = phonenumbers.parse(text, "US")
    except Exception:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
def mail(text):
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except Exception:
        return None
def street(text):
    try:
        return json.dumps(usaddress.tag(text)[0])
    except Exception:
        return None
began = time.perf_counter()
rows = pd.read_csv(sys.argv[1], dtype=str, keep_default_na=False)
def clean(row):
    row["phone"], row["email"], row["street"] = phone(row["phone"]), mail(row["email"]), street(row["address_1"])
    row["zip_ok"] = bool(re.fullmatch(r"\\\\d{5}", row["zip"]))
    row["point_ok"] = 33 < float(row["latitude"] or 0) < 35
    row["hours_ok"] = bool(re.fullmatch(r"(\\\\(-?\\\\d,\\\\w+,[\\\\d:]+,[\\\\d:]+\\\\),?)+", row["hours"]))
    return row
rows = rows.apply(clean, axis=1)
keys = rows["name"].str.lower() + rows["address_1"].str.lower() + rows["zip"]
keys.duplicated(keep=False).sum()
print(time.perf_counter() - began, time.process_time())
"""


def peer(file: Path) -> tuple[float, float]:
    """Seconds, and those of processor time, of the script that one writes first: pandas, one `apply` over the rows, exact
    duplicates only."""
    done = subprocess.run(
        [sys.executable, "-c", PEER.replace("\\\\", "\\"), str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"the peer failed: {done.stderr[-500:]}")
    wall, processor = done.stdout.split()
    return float(wall), float(processor)


def run(quick: bool) -> Table:
    """Measure; `quick` takes 5,000 rows."""
    count = 5_000 if quick else 100_000
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="civicops-bench-") as name:
        folder = Path(name)
        file = folder / "list.csv"
        made_file(file, count)
        seconds = imported(folder, file)
        print(seconds, file=sys.stderr, flush=True)
        few = folder / "few.csv"
        made_file(few, count // 10)
        other = peer(few)
        huge = folder / "huge.csv"
        with huge.open("wb") as stream:
            stream.write(b"Name,Zip\n")
            stream.truncate(2_147_483_648)
        refused = _refused(huge)
    processor = seconds.pop("processor", 0.0)
    total = sum(seconds.values())
    rows.append(
        Row(f"import of {count:,} rows with all checks", {"figure": f"{total:.1f} s (processor {processor:.1f} s)"})
    )
    rows += [Row(f"- {step}", {"figure": f"{value:.1f} s"}) for step, value in seconds.items()]
    rows.append(
        Row(
            f"the same fields of {count // 10:,} rows by pandas row by row, exact duplicates only",
            {"figure": f"{other[0]:.1f} s (processor {other[1]:.1f} s)"},
        )
    )
    rows.append(Row("a file of 2 GB is refused in", {"figure": f"{refused * 1000:.0f} ms"}))
    rows += list(_real())
    notes = (
        f"Goal: 100,000 listings with all checks but those that need the network in {GOAL_SECONDS} s. "
        f"Two cores, load {os.getloadavg()[0]:.1f}.",
        "Figures on real lists of 2020 (1,742 listings of the existing project, 1,981 rows of four other lists) "
        "with Wilson's 95 % intervals. Labels: tests/data/food_duplicate_labels.csv, every candidate pair and "
        "every pair the model finds beside them read by hand, and 80 drawn at random from weaker ones; pairs "
        "marked unsure count neither way. The threshold (0.80) was set before labelling. That names and phones "
        "shared by many count less, and the kinds of places, came into the model after errors on these pairs were "
        "seen: they are not figures on unseen pairs.",
    )
    return Table("food_listings", tuple(rows), notes)


def _refused(path: Path) -> float:
    from civicops.ingest.tables.read import open_table
    from civicops.ingest.values import SourceError

    began = time.perf_counter()
    try:
        open_table(path)
    except SourceError:
        return time.perf_counter() - began
    raise AssertionError("a file of 2 GB was read")


def _real() -> list[Row]:
    if not food_data.SAMPLES.is_dir():
        return [Row("figures on real lists", {"figure": "the samples are not here"})]
    from bench import food_measures as measure

    found = measure.duplicates(0.8)
    plain = measure.equal_keys()
    rows = [
        Row("duplicates, precision at 0.80", {"figure": str(found.precision)}),
        Row("duplicates, recall at 0.80", {"figure": str(found.recall)}),
        Row("duplicates among 80 weaker pairs drawn at random", {"figure": str(found.sampled)}),
        Row("equal name, address and zip code (the existing rule): precision", {"figure": str(plain.precision)}),
        Row("equal name, address and zip code (the existing rule): recall", {"figure": str(plain.recall)}),
        *(Row(f"{name} that can be read", {"figure": str(share)}) for name, share in measure.parse_rates().items()),
        Row("listings that 'older than a year' points at", {"figure": str(measure.older_than_a_year())}),
    ]
    for title, fields in (("all changes", ()), ("changes of critical fields", CRITICAL)):
        seen = measure.foresight(fields)
        rows.append(Row(f"{title}: the same field had a finding before", {"figure": str(seen.same_field)}))
        rows.append(Row(f"{title}: the listing had a finding before", {"figure": str(seen.any_field)}))
        for order, shares in seen.in_order.items():
            parts = ", ".join(f"{share.value:.1%}" for share in shares)
            rows.append(Row(f"{title} in the first fifth, third, half of the listings, {order}", {"figure": parts}))
    return rows


CRITICAL = ("phone", "hours", "inactive", "address_1", "zip", "email", "website", "name")

if __name__ == "__main__":
    main(run)
