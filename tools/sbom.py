"""The bill of materials: every package that a user of this repository runs, as CycloneDX.

Belongs here: putting what the lock files say into the standard's shape, with licences where the package is installed. Does not
belong here: locking (`lock.py`), looking for known holes (`holes.py`).

    make sbom               writes build/sbom.json

Made from the lock files, so it is the same on every machine but for licences of packages that are not installed there. The bytes
hold no address, date or number drawn by chance: the same locks give the same file.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tools.setup_env import ROOT

LOCK = ROOT / "requirements" / "lock.txt"
WEB_LOCK = ROOT / "src" / "civicops" / "portal" / "web" / "package-lock.json"
TARGET = ROOT / "build" / "sbom.json"


def python_packages(lock: Path = LOCK) -> Iterator[Component]:
    """Every package of a hashed requirements file, with the hashes of all its files.

    Raises `RuntimeError` with the reader's words for a file that it cannot read.
    """
    program = Path(sys.executable).with_name("cyclonedx-py")
    words = [str(program), "requirements", str(lock), "--short-PURLs", "--output-reproducible", "--of", "JSON"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = [] if done.returncode else json.loads(done.stdout).get("components", [])
    if not found:
        raise RuntimeError(f"{lock} cannot be read: {done.stderr.strip()[-500:] or 'it names no package'}")
    for item in found:
        hashes = [found["content"] for place in item["externalReferences"] for found in place.get("hashes", ())]
        yield Component(
            type=ComponentType.LIBRARY,
            name=item["name"],
            version=item["version"],
            purl=PackageURL.from_string(item["purl"]),
            bom_ref=item["purl"],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=value) for value in hashes],
            licenses=_licence(item["name"], item["version"]),
        )


def web_packages(lock: Path = WEB_LOCK) -> Iterator[Component]:
    """Every package that the pages are built from, with the hash of its archive and the licence that the lock names."""
    made = LicenseFactory()
    seen: set[str] = set()
    for place, item in json.loads(lock.read_text(encoding="utf-8"))["packages"].items():
        if not place or item.get("dev"):
            continue
        group, _, name = place.rpartition("node_modules/")[2].rpartition("/")
        purl = PackageURL("npm", group or None, name, item["version"])
        if str(purl) in seen:
            continue  # the same version below two others
        seen.add(str(purl))
        kind, _, digest = item["integrity"].partition("-")
        licence = item.get("license")
        yield Component(
            type=ComponentType.LIBRARY,
            group=group or None,
            name=name,
            version=item["version"],
            purl=purl,
            bom_ref=str(purl),
            hashes=[HashType(alg=HashAlgorithm(f"SHA-{kind[3:]}"), content=base64.b64decode(digest).hex())],
            licenses=[made.make_from_string(licence)] if licence else None,
        )


def bill() -> str:
    """The whole bill as CycloneDX 1.6 JSON. Raises `RuntimeError` when it does not keep the standard's schema."""
    root = Component(
        type=ComponentType.APPLICATION,
        name="civicops",
        bom_ref="civicops",
        licenses=[LicenseFactory().make_from_string("MIT")],
    )
    components = sorted([*python_packages(), *web_packages()], key=lambda item: str(item.purl))
    bom = Bom(components=components)
    bom.metadata.component = root
    bom.metadata.tools.components.clear()
    bom.register_dependency(root, components)
    content = json.loads(JsonV1Dot6(bom).output_as_string())
    # Drawn by chance and by the clock, so they would differ each time; the standard wants neither.
    content.pop("serialNumber", None)
    content["metadata"].pop("timestamp", None)
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise RuntimeError(f"The bill of materials is not as CycloneDX wants it: {error}")
    return text


def _licence(name: str, version: str) -> list[License] | None:
    """What the installed package says of its licence; None where another version or none is installed."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return None
    if told["Version"] != version:
        return None
    words = next((told[field] for field in ("License-Expression", "License") if field in told), "")
    if not words or len(words) > 100 or "\n" in words:
        classified = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if "License ::" in line]
        words = " OR ".join(classified) if len(classified) == 1 else ""
    if not words:
        return None
    return [LicenseFactory().make_from_string(words, license_acknowledgement=LicenseAcknowledgement.DECLARED)]


def main() -> int:
    try:
        text = bill()
    except (OSError, RuntimeError) as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    found = json.loads(text)["components"]
    unknown = sum(not item.get("licenses") for item in found)
    print(f"sbom: {TARGET.relative_to(ROOT)}: {len(found)} packages, {unknown} without a licence that can be told here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
