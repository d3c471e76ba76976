"""The landing zone: bytes come back as they were, manifests are whole or absent, and a bad disk is one line."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.ingest.landing import BLOCK, Landing
from civicops.ingest.manifest import delivery_from_json, delivery_to_json
from civicops.ingest.values import Delivery, Finding, LandingError
from tests.unit.ingest.conftest import PRODUCT, SOURCE, Deliver, as_nobody


def test_bytes_come_back_exactly_and_twice_stores_nothing(landing: Landing) -> None:
    content = os.urandom(BLOCK + 17)
    first = landing.put(PRODUCT, SOURCE, content, "csv", url="u")
    stored = list(landing.root.rglob("*.zst"))
    again = landing.put(
        PRODUCT, SOURCE, (content[at : at + 7_000] for at in range(0, len(content), 7_000)), "csv", url="u"
    )
    assert (first.sha256, first.bytes_size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (first.first_seen, again.first_seen, again.sha256) == (True, False, first.sha256)
    assert list(landing.root.rglob("*.zst")) == stored
    with landing.open_bytes(PRODUCT, SOURCE, first) as stream:
        assert stream.read() == content
    assert not list(landing.root.rglob(".incoming-*"))


def test_the_stored_file_does_not_depend_on_how_the_bytes_came(tmp_path: Path) -> None:
    content = b"a,b\n" + b"1,2\n" * 2_000_000
    stored = []
    for number, size in enumerate((len(content), 999_983)):
        landing = Landing(tmp_path / str(number))
        landing.put(PRODUCT, SOURCE, (content[at : at + size] for at in range(0, len(content), size)), "csv", url="u")
        (path,) = landing.root.rglob("*.zst")
        stored.append(path.read_bytes())
    assert stored[0] == stored[1]
    assert pa.input_stream(pa.BufferReader(stored[0]), compression="zstd").read() == content


def test_live_is_the_newest_full_delivery_and_what_followed(deliver: Deliver, landing: Landing) -> None:
    deliver(b"a\n1\n")
    deliver(b"a\n2\n", kind="increment")
    second = deliver(b"a\n3\n")
    third = deliver(b"a\n4\n", kind="increment")
    assert landing.live(PRODUCT, SOURCE) == (second, third)
    assert [delivery.sequence for delivery in landing.deliveries(PRODUCT, SOURCE)] == [1, 2, 3, 4]
    assert landing.sources() == ((PRODUCT, SOURCE),)


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 400))
def test_a_part_cut_off_anywhere_keeps_its_whole_lines(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    landing = Landing(tmp_path_factory.mktemp("cut"))
    part = landing.begin(PRODUCT, SOURCE, {"where": None})
    objects = [landing.put(PRODUCT, SOURCE, f"a\n{number}\n".encode(), "csv", url="u") for number in range(3)]
    for landed in objects[:2]:
        part = landing.add(part, landed, offset=part.rows)
    content = part.path.read_bytes()
    part.path.write_bytes(content[: max(len(content) - cut, 0)])
    found = landing.resume(PRODUCT, SOURCE)
    if found is None:
        assert b"\n" not in content[: max(len(content) - cut, 0)]
        return
    assert found.objects == tuple(objects[: len(found.objects)])
    found = landing.add(found, objects[2])
    reread = landing.resume(PRODUCT, SOURCE)
    assert reread is not None and reread.objects == found.objects


def test_a_part_whose_object_is_gone_is_not_resumed(landing: Landing) -> None:
    part = landing.begin(PRODUCT, SOURCE, {})
    landed = landing.put(PRODUCT, SOURCE, b"a\n1\n", "csv", url="u")
    landing.add(part, landed)
    landing.object_path(PRODUCT, SOURCE, landed.sha256, "csv").unlink()
    assert landing.resume(PRODUCT, SOURCE) is None


def test_a_manifest_comes_back_as_it_was(deliver: Deliver) -> None:
    delivery = deliver(b"a\n1\n")
    found = Delivery(**{**delivery.__dict__, "findings": (Finding("x", "y", 3, "stop"),), "newest": "2020", "rows": 7})
    assert delivery_from_json(delivery_to_json(found)) == found
    assert found.is_stopped and not delivery.is_stopped


def test_a_broken_manifest_is_named(deliver: Deliver, landing: Landing) -> None:
    deliver(b"a\n1\n")
    (path,) = landing.root.rglob("*.json")
    path.write_text(json.dumps({"format": 99}))
    with pytest.raises(LandingError, match=path.name):
        landing.live(PRODUCT, SOURCE)


@pytest.mark.parametrize("damage", ["flip", "cut", "swap", "gone"])
def test_damage_is_found_and_named(damage: str, deliver: Deliver, landing: Landing) -> None:
    deliver(b"a\n" + b"1\n" * 1000, b"a\n" + b"2\n" * 1000)
    assert list(landing.verify(PRODUCT, SOURCE)) == []
    path, other = sorted(landing.root.rglob("*.zst"))
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "swap":
        path.write_bytes(other.read_bytes())
    else:
        path.unlink()
    assert [found.path for found in landing.verify(PRODUCT, SOURCE)] == [path]


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", ".hidden", "a\\b", "ä"])
def test_names_cannot_point_elsewhere(name: str, landing: Landing) -> None:
    with pytest.raises(LandingError):
        landing.folder(PRODUCT, name)


def test_a_second_fetch_of_a_source_is_refused(landing: Landing) -> None:
    with (
        landing.fetching(PRODUCT, SOURCE),
        pytest.raises(LandingError, match="by another process"),
        Landing(landing.root).fetching(PRODUCT, SOURCE),
    ):
        pass
    with landing.fetching(PRODUCT, SOURCE), landing.fetching(PRODUCT, "south"):
        pass


FILL = """
import resource, signal, sys
from pathlib import Path
from civicops.ingest.landing import Landing
from civicops.ingest.values import LandingError
landing = Landing(Path(sys.argv[1]))
part = landing.begin("trees", "north", {})
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
import os
try:
    for number in range(100):
        part = landing.add(part, landing.put("trees", "north", os.urandom(number * 2_000), "csv", url="u"))
except LandingError as error:
    print(error)
    sys.exit(3)
"""


def test_a_full_disk_is_one_line_and_leaves_a_landing_to_go_on_from(landing: Landing) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(landing.root)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("The disk is full: cannot write to ") and done.stdout.count("\n") == 1
    assert "Free some space" in done.stdout
    part = landing.resume(PRODUCT, SOURCE)
    assert part is not None and len(part.objects) >= 10
    with landing.fetching(PRODUCT, SOURCE):
        part = landing.add(part, landing.put(PRODUCT, SOURCE, b"a\n" + b"1\n" * 50_000, "csv", url="u"))
        landing.complete(part, part.delivery(kind="full"))
    assert list(landing.verify(PRODUCT, SOURCE)) == []
    assert not list(landing.root.rglob(".incoming-*"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_read_only_folder_is_one_line(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    landing = Landing(open_folder / "landing")
    with as_nobody():
        for attempt in (
            lambda: landing.put(PRODUCT, SOURCE, b"a\n", "csv", url="u"),
            lambda: landing.begin(PRODUCT, SOURCE, {}),
            lambda: landing.fetching(PRODUCT, SOURCE).__enter__(),
        ):
            with pytest.raises(LandingError, match="No permission to write to") as caught:
                attempt()
            assert "\n" not in str(caught.value) and caught.value.hint
    open_folder.chmod(0o755)
    assert not (open_folder / "landing").exists()
    landing.folder(PRODUCT, SOURCE).mkdir(parents=True)
    landing.folder(PRODUCT, SOURCE).chmod(0o555)
    with as_nobody(), pytest.raises(LandingError, match="No permission"), landing.fetching(PRODUCT, SOURCE):
        pass
    landing.folder(PRODUCT, SOURCE).chmod(0o755)


def test_a_gone_object_says_what_to_do(deliver: Deliver, landing: Landing) -> None:
    (landed,) = deliver(b"a\n1\n").objects
    landing.object_path(PRODUCT, SOURCE, landed.sha256, "csv").unlink()
    with pytest.raises(LandingError, match="cannot be opened") as caught:
        landing.open_bytes(PRODUCT, SOURCE, landed)
    assert "--full" in caught.value.hint
