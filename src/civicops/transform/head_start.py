"""What dbt has read of its own macros, carried from one project to the next.

Belongs here: making the state that dbt keeps between runs of one project fit another one. Does not belong here: running dbt
(`build`), a project's own files (`project`).

dbt brings 550 macros of its own and reads them again for every project that it has not seen, which takes longer than the models
of most products. What it keeps of a project (`target/partial_parse.msgpack`) says which project that was; here it loses all that
is that project's and is given the names of another. dbt compares all of it with what is there, each macro's text
included, and reads everything itself where something differs: nothing here can change what is built.
"""

from __future__ import annotations

import hashlib
import logging
import pprint
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgpack
import yaml

from civicops.transform.project import PROFILE

KEPT = Path("target") / "partial_parse.msgpack"
"""Where dbt keeps what it has read, in the folder of a project."""
_OWN = (
    "nodes", "sources", "unit_tests", "disabled", "exposures", "functions", "groups", "metrics", "saved_queries",
    "semantic_models", "fixtures",
)  # fmt: skip
_log = logging.getLogger("civicops.transform")
_known: dict[str, Any] = {}
"""What the first project of this process, or the first one found on the disk, left; empty before."""


def give(folder: Path) -> None:
    """Give a project that dbt has not seen, or would not know again, what it read of its own macros for another one, in this
    process or beside it."""
    try:
        text = (folder / "dbt_project.yml").read_text(encoding="utf-8")
        name = yaml.safe_load(text)["name"]
        own = {"profile_hash": _hashed(pprint.pformat(_connection(folder))), "project_hashes": {name: _hashed(text)}}
        if _is_known_again(folder, own):
            return
        for path in () if _known else sorted(folder.parent.glob(f"*.dbt/{KEPT}")):
            keep(path.parents[1])
            if _known:
                break
        if not _known:
            return
        check = _known["state_check"]
        named = check | own | {"project_hashes": check["project_hashes"] | own["project_hashes"]}
        content = _known | {"state_check": named, "metadata": _known["metadata"] | {"project_name": name}}
        (folder / KEPT).parent.mkdir(exist_ok=True)
        (folder / KEPT).write_bytes(msgpack.packb(content))
    # dbt's own rooms are looked into, and another version of it may look otherwise; it then reads all itself.
    except Exception:
        _log.debug("dbt reads its own macros again", exc_info=True)


def keep(folder: Path) -> None:
    """Keep what dbt read of its own macros for a project, unless that is known."""
    if _known:
        return
    try:
        found: dict[str, Any] = msgpack.unpackb((folder / KEPT).read_bytes(), strict_map_key=False)
        name = found["metadata"]["project_name"]
        macros = {key: value for key, value in found["macros"].items() if value["package_name"] != name}
        for macro in macros.values():
            above = macro["depends_on"]
            above["macros"] = [one for one in above["macros"] if not one.startswith(f"macro.{name}.")]
        check = found["state_check"]
        hashes = {key: value for key, value in check["project_hashes"].items() if key != name}
        stripped = found | {
            "macros": macros,
            "files": {key: value for key, value in found["files"].items() if not key.startswith(f"{name}://")},
            "state_check": check | {"project_hashes": hashes},
        }
        _known.update(stripped | {key: {} for key in _OWN if key in found})
    except Exception:
        _log.debug("%s is not as expected", folder / KEPT, exc_info=True)


def _is_known_again(folder: Path, own: Mapping[str, Any]) -> bool:
    """Whether what dbt kept of a project is of this one as it is now: not of a copy of it elsewhere, nor of other settings."""
    try:
        check = msgpack.unpackb((folder / KEPT).read_bytes(), strict_map_key=False)["state_check"]
    except (OSError, ValueError, KeyError, TypeError, msgpack.UnpackException):
        return False
    is_here: bool = check["profile_hash"] == own["profile_hash"]
    return is_here and own["project_hashes"].items() <= check["project_hashes"].items()


def _connection(folder: Path) -> list[tuple[str, Any]]:
    """The words about the warehouse by which dbt knows a project again, as dbt itself makes them of the profile."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials  # noqa: PLC0415 - dbt takes seconds to import

    profile = yaml.safe_load((folder / "profiles.yml").read_text(encoding="utf-8"))[PROFILE]
    output = profile["outputs"][profile["target"]]
    data = {key: value for key, value in output.items() if key not in ("type", "threads")}
    return sorted(DuckDBCredentials.from_dict(DuckDBCredentials.translate_aliases(data)).connection_info())


def _hashed(text: str) -> dict[str, str]:
    return {"name": "sha256", "checksum": hashlib.sha256(text.encode()).hexdigest()}
