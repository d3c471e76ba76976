"""The catalogue for others: DCAT-US, a Frictionless data package, ODCS contracts, from the command, the portal and the static site.

Belongs here: what is written is valid, tells the truth about the files, and of public datasets only. Does not belong here: the
pages themselves.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import frictionless
import httpx
import jsonschema
import open_data_contract_standard
import pyarrow.parquet as pq
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from civicops.checks.rules import broken
from civicops.contracts import load_contract
from civicops.govern.catalogue import items
from civicops.govern.catalogue_dcat import how_often
from civicops.govern.catalogue_odcs import strict_odcs
from civicops.govern.exchange import Source
from civicops.workspace import Workspace
from tests.dcat_schema import problems
from tests.duck import asked
from tests.flow.conftest import Library
from tests.flow.portal_kit import PROGRAM, SECRET, make_shelf, serving
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT

pytestmark = pytest.mark.xdist_group("portal")
ODCS = json.loads((Path(open_data_contract_standard.__file__).parent / "schema.json").read_text())
PUBLIC = {"library.branch_loans", "library.loan_list", "library.loan_places"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_shelf(tmp_path_factory.mktemp("catalogue"))


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], cwd=root, capture_output=True, text=True, check=False)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def site(shelf: Library) -> Iterator[str]:
    """The static site, served where its data.json says that it stands."""
    folder = shelf.root / "public"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/site"
        done = command(shelf.root, "export", "site", str(folder / "site"), "--base-url", address)
        assert done.returncode == 0 and "Without data.json" not in done.stdout, done.stderr
        yield address
        server.shutdown()


def follow(told: dict[str, Any], client: httpx.Client) -> int:
    """Ask for every address of a catalogue and compare what is there with what is told of it; how many there were."""
    count = 0
    for dataset in told["dataset"]:
        assert client.get(dataset["landingPage"]["accessURL"]).status_code == 200
        for one in [dataset["describedBy"], *dataset["distribution"]]:
            answer = client.get(one.get("downloadURL") or one["accessURL"])
            assert answer.status_code == 200, one
            count += 1
            if "checksum" in one:
                assert one["checksum"]["algorithm"] == "SHA-256"
                assert hashlib.sha256(answer.content).hexdigest() == one["checksum"]["checksumValue"]
                assert len(answer.content) == int(one["byteSize"])
    return count


def test_the_site_carries_a_catalogue_whose_every_address_is_there(site: str) -> None:
    with httpx.Client(trust_env=False) as client:
        told = client.get(f"{site}/data.json").json()
        assert problems(told) == []
        assert follow(told, client) == 3 + 3 * 2 + 1  # a dictionary each; Parquet and CSV each; one with points
    assert {dataset["identifier"]["notation"] for dataset in told["dataset"]} == PUBLIC
    places = next(one for one in told["dataset"] if one["identifier"]["notation"] == "library.loan_places")
    assert [one["format"] for one in places["distribution"]] == ["Parquet", "CSV", "GeoJSON"]
    assert places["distribution"][0]["license"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert places["accrualPeriodicity"] == "daily" and places["accessRights"] == "public"
    ((west, south), _, (east, north), _, _) = places["spatial"][0]["bbox"]["coordinates"][0]
    assert -119 <= west < east <= -118 and 34 <= south < north < 35
    assert SECRET not in json.dumps(told) and "members" not in json.dumps(told)


def test_the_portal_serves_the_same_with_its_interface(shelf: Library) -> None:
    with serving(shelf) as server, httpx.Client(base_url=server.base, trust_env=False) as client:
        answer = client.get("/data.json")
        told = answer.json()
        assert (
            answer.headers["Content-Type"] == "application/json"
            and answer.headers["Access-Control-Allow-Origin"] == "*"
        )
        assert problems(told) == []
        assert follow(told, client) == 3 + 3 * 3 + 1
        assert {dataset["identifier"]["notation"] for dataset in told["dataset"]} == PUBLIC
        assert client.post("/data.json").status_code in (403, 405)


def test_the_period_is_that_of_the_rows(shelf: Library) -> None:
    done = command(
        shelf.root, "export", "catalogue", "--format", "dcat-us", "--base-url", "https://data.example.org", "--out", "c"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((shelf.root / "c" / "data.json").read_text())
    assert problems(told) == []
    again = command(
        shelf.root,
        "export",
        "catalogue",
        "--format",
        "dcat-us",
        "--base-url",
        "https://data.example.org/",
        "--out",
        "d",
    )
    assert (
        again.returncode == 0
        and (shelf.root / "d" / "data.json").read_bytes() == (shelf.root / "c" / "data.json").read_bytes()
    )
    for dataset in told["dataset"]:
        product, name = dataset["identifier"]["notation"].split(".")
        data = shelf.releases.find(product, name).data
        for period in dataset.get("temporal", []):
            column = next(
                field.name for field in pq.read_schema(data) if str(field.type).startswith(("date", "timestamp"))
            )
            ((low, high),) = asked(f"SELECT min({column})::DATE::VARCHAR, max({column})::DATE::VARCHAR FROM '{data}'")
            assert (period["startDate"], period["endDate"]) == (low, high)


def test_restricted_datasets_are_told_of_only_when_asked_and_never_with_their_data(shelf: Library) -> None:
    arguments = ("export", "catalogue", "--base-url", "https://data.example.org", "--all", "--json", "--format")
    done = command(shelf.root, *arguments, "dcat-us", "--out", "all")
    assert done.returncode == 0, done.stderr
    told = json.loads((shelf.root / "all" / "data.json").read_text())
    assert problems(told) == []
    members = next(one for one in told["dataset"] if one["identifier"]["notation"] == "library.members")
    assert members["accessRights"].startswith("restricted")
    assert not {"distribution", "describedBy", "spatial", "temporal"} & set(members)
    done = command(shelf.root, *arguments, "frictionless", "--out", "all")
    assert done.returncode == 0, done.stderr
    package = json.loads((shelf.root / "all" / "datapackage.json").read_text())
    assert [one["name"] for one in package["civicops"]["restricted"]] == ["library.members"]
    assert {one["name"] for one in package["resources"]} == PUBLIC
    for path in (shelf.root / "all").rglob("*"):
        assert path.is_dir() or (SECRET.encode() not in path.read_bytes() and b"117.123456" not in path.read_bytes())


def test_the_data_package_is_valid_and_holds_the_rows(shelf: Library) -> None:
    done = command(shelf.root, "export", "catalogue", "--format", "frictionless", "--out", "package")
    assert done.returncode == 0, done.stderr
    path = shelf.root / "package" / "datapackage.json"
    descriptor = json.loads(path.read_text())
    # With an address of version 2 under "$schema" the library looks at nothing; without it, at everything.
    plain = {key: value for key, value in descriptor.items() if key != "$schema"}
    report = frictionless.Package.validate_descriptor(plain)
    assert report.valid, report.errors
    package = frictionless.Package.from_descriptor(descriptor, basepath=str(path.parent))
    assert {resource.name for resource in package.resources} == PUBLIC
    for resource, told in zip(package.resources, descriptor["resources"], strict=True):
        file = path.parent / told["path"]
        assert (
            told["hash"] == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
            and told["bytes"] == file.stat().st_size
        )
        assert resource.schema.field_names == pq.read_schema(file).names
        assert told["rowcount"] == pq.read_metadata(file).num_rows
    spoiled = copy.deepcopy(plain)
    spoiled["resources"][0]["name"] = "Not A Name!"
    assert not frictionless.Package.validate_descriptor(spoiled).valid


def test_contracts_are_strict_odcs(shelf: Library) -> None:
    done = command(shelf.root, "export", "catalogue", "--format", "odcs", "--out", "contracts", "--json")
    assert done.returncode == 0, done.stderr
    files = sorted((shelf.root / "contracts").glob("*.yaml"))
    assert {path.stem for path in files} == PUBLIC
    for path in files:
        jsonschema.Draft201909Validator(ODCS).validate(yaml.safe_load(path.read_text()))
        assert OpenDataContractStandard.from_file(str(path)).id == path.stem


def test_contracts_of_all_products_are_strict_odcs_and_their_sql_counts_what_our_checks_count() -> None:
    workspace, sentences, asked_of = Workspace.find(ROOT), set(), 0
    for name in workspace.product_names:
        product = workspace.product(name)
        for contract in product.contracts:
            lookups = product.lookup_values(contract)
            data, losses = strict_odcs(Source(contract, lookups))
            jsonschema.Draft201909Validator(ODCS).validate(data)
            table = data["schema"][0]
            rules = [
                *table.get("quality", []),
                *(rule for one in table["properties"] for rule in one.get("quality", [])),
            ]
            assert not [rule for rule in rules if rule.get("type") == "custom"], contract.id
            lost = {loss.check for loss in losses if loss.check}
            assert {rule["id"] for rule in rules if rule.get("type") == "text"} == lost
            sentences |= {check.kind for check in contract.checks if check.id in lost}
            told = {rule["id"]: rule for rule in rules}
            empty = ", ".join(f'CAST(NULL AS {column.sql_type}) AS "{column.name}"' for column in contract.columns)
            for check in contract.row_checks:
                if told.get(check.id, {}).get("type") == "sql":
                    ((found,),) = asked(told[check.id]["query"].replace("${table}", f"(SELECT {empty})"))
                    ((ours,),) = asked(
                        f"SELECT count(*) FROM (SELECT {empty}) WHERE {broken(contract, check, lookups)}"
                    )
                    assert found == ours
                    asked_of += 1
    assert sentences <= {"parses", "local_time", "quarantine_share", "conservation"} and asked_of > 30


def test_the_page_works_as_printed(shelf: Library, tmp_path: Path) -> None:
    root = tmp_path / "library"
    for part in ("products", "var/releases"):
        shutil.copytree(shelf.root / part, root / part)
    shutil.copyfile(shelf.root / "civicops.toml", root / "civicops.toml")
    for step in steps((ROOT / "docs" / "howto" / "describe-for-others.md").read_text(encoding="utf-8")):
        perform(step, root)
    assert (root / "package" / "data" / "library" / "loan_places.parquet").is_file()


def test_what_a_catalogue_needs_is_asked_for(shelf: Library, tmp_path: Path) -> None:
    done = command(shelf.root, "export", "catalogue", "--format", "dcat-us")
    assert done.returncode == 1 and "--base-url" in done.stderr
    for wrong in ("data.example.org", "ftp://data.example.org", "https://", "https://data.example.org/?a=1"):
        done = command(shelf.root, "export", "catalogue", "--format", "dcat-us", "--base-url", wrong)
        assert done.returncode == 1 and "no such address" in done.stderr, done.stdout
    done = command(shelf.root, "export", "catalogue", "--format", "dcat", "--base-url", "https://data.example.org")
    assert done.returncode == 1 and "did you mean 'dcat-us'" in done.stderr
    bare = tmp_path / "bare"
    shutil.copytree(shelf.root / "products", bare / "products")
    (bare / "civicops.toml").write_text('[workspace]\norganisation = "Friends"\n')
    done = command(bare, "export", "catalogue", "--format", "odcs")
    assert done.returncode == 1 and "no dataset to tell of" in done.stderr
    shutil.copytree(shelf.root / "var" / "releases", bare / "var" / "releases")
    done = command(bare, "export", "catalogue", "--format", "dcat-us", "--base-url", "https://data.example.org")
    assert done.returncode == 1 and "Set contact under [workspace]" in done.stderr
    done = command(bare, "export", "site", str(tmp_path / "site"))
    assert done.returncode == 0 and "Without data.json" in done.stdout and "contact" in done.stdout
    assert not (tmp_path / "site" / "data.json").exists()


def test_a_release_made_restricted_is_no_longer_told_of(shelf: Library, tmp_path: Path) -> None:
    root = tmp_path / "closed"
    for part in ("products", "var/releases"):
        shutil.copytree(shelf.root / part, root / part)
    shutil.copyfile(shelf.root / "civicops.toml", root / "civicops.toml")
    path = root / "products" / "library" / "contracts" / "loan_places.yaml"
    path.write_text(path.read_text().replace("access, value: public", "access, value: restricted"))
    assert load_contract(path).access == "restricted"
    workspace = Workspace.find(root)
    store = type(shelf.releases)(workspace.folder("releases"))
    assert {item.id for item in items([workspace.product("library")], store)} == PUBLIC - {"library.loan_places"}


@pytest.mark.parametrize(
    ("schedule", "word"),
    [
        ("0 7 * * *", "daily"), ("17 9 * * 1", "weekly"), ("0 0 1 * *", "monthly"), ("*/5 * * * *", "continual"),
        ("0 * * * *", "continual"), ("0 0 1 1 *", "annually"), ("0 0 * * 1-5", "irregular"), ("0 0 1,15 * *", "irregular"),
        ("whenever", "unknown"),
    ],
)  # fmt: skip
def test_schedules_have_a_word(schedule: str, word: str) -> None:
    assert how_often(schedule) == word


def test_the_check_of_catalogues_finds_faults() -> None:
    kind = {"fn": "Friends", "hasEmail": "mailto:data@example.org"}
    good: dict[str, Any] = {
        "dataset": [{
            "title": "t", "description": "d", "publisher": {"name": "Friends"}, "contactPoint": kind, "identifier": {"notation": "a.b"},
            "temporal": [{"startDate": "2020-01-01", "endDate": "2021"}],
        }],
    }  # fmt: skip
    assert problems(good) == []
    for change, part in (
        ({"title": ""}, "no text"), ({"contactPoint": {"fn": "x"}}, "has no hasEmail"), ({"accessLevel": "public"}, "not known"),
        ({"temporal": [{"startDate": "soon"}]}, "no date"), ({"landingPage": {"title": "x", "accessURL": "/here"}}, "no iri"),
        ({"accrualPeriodicity": "R/P1D!"}, "cannot be"), ({"keyword": []}, "empty"), ({"publisher": {}}, "has no name"),
    ):  # fmt: skip
        found = problems({"dataset": [good["dataset"][0] | change]})
        assert len(found) == 1 and part in found[0], (change, found)
