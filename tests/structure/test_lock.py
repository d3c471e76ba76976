"""The lock files hold everything that is installed, checked by hash, and no address.

Belongs here: what must be true of `requirements/`. Does not belong here: installing them (`test_setup`).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.lock import PEERS, PEERS_ALONE
from tools.setup_env import LEVELS, ROOT, UV_LOCK

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = [UV_LOCK, *(level.lock for level in LEVELS.values())]


def entries(lock: Path) -> dict[str, list[tuple[Version, Requirement, list[str]]]]:
    """Version, requirement with its marker, and hashes of each entry, by package; a package may have one per Python."""
    text = re.sub(r"\\\n\s*", " ", lock.read_text(encoding="utf-8"))
    found: dict[str, list[tuple[Version, Requirement, list[str]]]] = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            words, *hashes = re.split(r"\s+--hash=", line.strip())
            requirement = Requirement(words)
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            found.setdefault(canonicalize_name(requirement.name), []).append(
                (Version(pin.version), requirement, hashes)
            )
    return found


def direct(name: str) -> list[str]:
    """The requirements a lock is made from, as written."""
    if name in PEERS_ALONE:
        lines = PEERS_ALONE[name].read_text(encoding="utf-8").splitlines()
        return [text for line in lines if (text := line.partition("#")[0].strip())]
    base = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    peers = (
        [line.partition("#")[0].strip() for line in PEERS.read_text(encoding="utf-8").splitlines()]
        if PEERS.exists()
        else []
    )
    groups = PROJECT["dependency-groups"]
    made_from = {
        "uv": groups["installer"],
        "lock": base,
        "dev": [*base, *groups["dev"]],
        "bench": [*base, *filter(None, peers)],
    }
    return list(made_from[name])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_entry_has_hashes_and_there_is_no_address(lock: Path) -> None:
    for name, versions in entries(lock).items():
        for _, _, hashes in versions:
            assert hashes, f"{name} has no hash"
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), name
    for line in lock.read_text(encoding="utf-8").splitlines():
        assert "://" not in line, f"{lock.name}: {line}"
        entry = line.partition("#")[0]
        assert not re.search(r"@ |(?:^|\s)-{1,2}(?!hash=)[a-z]", entry), f"{lock.name}: {line}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_the_lock_is_up_to_date(lock: Path) -> None:
    locked = entries(lock)
    for text in direct(lock.stem):
        wanted = Requirement(text)
        have = locked.get(canonicalize_name(wanted.name), [])
        assert have, f"{lock.name} lacks {text}: run `make lock`"
        for version, _, _ in have:
            assert wanted.specifier.contains(version, prereleases=True), (
                f"{lock.name} has {version}, not {text}: run `make lock`"
            )


@pytest.mark.parametrize("larger", ["dev", "bench"])
def test_what_is_tested_and_measured_is_what_is_shipped(larger: str) -> None:
    shipped, whole = entries(LEVELS["runtime"].lock), entries(LEVELS[larger].lock)
    for name, versions in shipped.items():
        assert [(str(version), str(item.marker)) for version, item, _ in versions] == [
            (str(version), str(item.marker)) for version, item, _ in whole.get(name, [])
        ], f"{name} differs between lock.txt and {larger}.txt: run `make lock`"


def test_development_tools_and_peers_are_not_shipped() -> None:
    shipped = set(entries(LEVELS["runtime"].lock))
    tools = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependency-groups"]["dev"]}
    assert not shipped & tools
    peers = {canonicalize_name(Requirement(text).name) for text in direct("bench")} - {
        canonicalize_name(Requirement(text).name) for text in direct("lock")
    }
    assert not shipped & peers
