"""One release in W3C PROV, as PROV-JSON: what it was made of, by what, and who answers for it.

Belongs here: the document (https://www.w3.org/submissions/prov-json/). Does not belong here: writing it to a file
(`civicops.cli`), what a release knows of itself (`civicops.release`).

Entities are the release, the landed objects, the contract and, where models can be followed, the accepted datasets, lookups and
other releases it was derived from; the run is the activity; the owner and civicops itself are agents.
"""

from __future__ import annotations

import hashlib
from typing import Any

from civicops.errors import CivicopsError
from civicops.lineage.facets import inputs_of
from civicops.release.values import Release
from civicops.workspace import Product, Workspace

PREFIXES = {
    "civicops": "urn:civicops:",
    "sha256": "urn:sha256:",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
}


def prov_of(workspace: Workspace, product: Product, release: Release) -> dict[str, Any]:
    """The PROV-JSON document of one release. Raises `OSError` or `ValueError` when its description cannot be read."""
    package = release.package()
    told: dict[str, Any] = package.get("civicops", {})
    document = _Document()
    resource = package.get("resources", [{}])[0]
    target = document.entity(
        f"civicops:release/{release.product}/{release.dataset}/{release.version}",
        "civicops:Release",
        package.get("title", release.dataset),
        **{
            "dcterms:hasVersion": release.version,
            "civicops:sha256": str(resource.get("hash", "")).removeprefix("sha256:"),
        },
    )
    contract = told.get("contract", {})
    plan = document.entity(
        f"civicops:contract/{release.product}/{release.dataset}/{contract.get('version', '')}",
        "prov:Plan",
        f"contract {contract.get('version', '')} of {release.product}.{release.dataset}",
    )
    run = document.activity(f"civicops:run/{told.get('run', 'unknown')}", package.get("created"), told.get("code", {}))
    owner = document.agent(f"civicops:person/{product.contract(release.dataset).owner}", "prov:Person")
    tools = told.get("tools", {})
    software = document.agent(
        f"civicops:software/civicops-{tools.get('civicops', 'unknown')}", "prov:SoftwareAgent",
        **{f"civicops:{name}": version for name, version in sorted(tools.items())},
    )  # fmt: skip
    document.say("wasGeneratedBy", {"prov:entity": target, "prov:activity": run, "prov:time": package.get("created")})
    document.say("wasAttributedTo", {"prov:entity": target, "prov:agent": owner})
    document.say("wasAssociatedWith", {"prov:activity": run, "prov:agent": software, "prov:plan": plan})
    document.say("actedOnBehalfOf", {"prov:delegate": software, "prov:responsible": owner, "prov:activity": run})
    for item in told.get("inputs", ()):
        for sha256 in item.get("objects", ()):
            landed = document.entity(
                f"sha256:{sha256}", "civicops:LandedObject", f"{item.get('source')}, delivery {item.get('sequence')}"
            )
            document.say("used", {"prov:activity": run, "prov:entity": landed, "prov:time": item.get("retrieved")})
            document.say(
                "wasDerivedFrom", {"prov:generatedEntity": target, "prov:usedEntity": landed, "prov:activity": run}
            )
    for name, kind in _tables(workspace, product, release):
        table = document.entity(name, kind, name.rpartition("/")[2])
        document.say("wasDerivedFrom", {"prov:generatedEntity": target, "prov:usedEntity": table, "prov:activity": run})
    return document.content


def _tables(workspace: Workspace, product: Product, release: Release) -> list[tuple[str, str]]:
    """Accepted datasets, lookups and other releases that its models read; none where they cannot be followed."""
    try:
        inputs = inputs_of(workspace, product).get(release.dataset)
    except CivicopsError:
        return []
    kinds = {"accepted": "civicops:AcceptedRows", "lookup": "civicops:Lookup", "released": "civicops:Release"}
    tables = inputs.tables if inputs else ()
    return [(f"civicops:{node.kind}/{node.product}/{node.name}", kinds[node.kind]) for node in tables]


class _Document:
    """A PROV-JSON document while it is written; the same facts give the same text."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = {"prefix": dict(PREFIXES)}

    def entity(self, name: str, kind: str, label: str, **more: Any) -> str:
        """An entity of a type, once."""
        return self._thing("entity", name, {"prov:type": _type(kind), "prov:label": label, **more})

    def activity(self, name: str, ended: Any, code: dict[str, Any]) -> str:
        """A run, the commit of its code and whether that was changed."""
        about = {"prov:type": _type("civicops:Run"), "prov:endTime": ended, "civicops:commit": code.get("commit")}
        if code.get("dirty") is not None:
            about["civicops:uncommittedChanges"] = bool(code["dirty"])
        return self._thing("activity", name, about)

    def agent(self, name: str, kind: str, **more: Any) -> str:
        """A person or a program."""
        return self._thing("agent", name, {"prov:type": _type(kind), **more})

    def say(self, relation: str, parts: dict[str, Any]) -> None:
        """A relation between things, under an id made of its parts."""
        told = {name: value for name, value in parts.items() if value is not None}
        mark = hashlib.sha256(repr((relation, sorted(told.items()))).encode()).hexdigest()[:12]
        self.content.setdefault(relation, {})[f"_:{relation}-{mark}"] = told

    def _thing(self, group: str, name: str, about: dict[str, Any]) -> str:
        self.content.setdefault(group, {})[name] = {
            key: value for key, value in about.items() if value not in (None, "")
        }
        return name


def _type(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}
