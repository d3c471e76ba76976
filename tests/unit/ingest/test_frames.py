"""Looking for text in stored objects, against looking in the plain bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civicops.ingest import landing as module
from civicops.ingest.disk import open_zstd
from civicops.ingest.frames import FramedObject
from civicops.ingest.landing import Landing
from civicops.ingest.values import LandingError

PIECES = st.lists(st.sampled_from([b"a", b"ab", b"ba", b"\n", b"x,y", b"\xc3\xa9", b"zzz"]), max_size=400).map(b"".join)


def stored(root: Path, content: bytes) -> Path:
    landed = Landing(root).put("p", "s", content, "csv", url="made:up")
    return Landing(root).object_path("p", "s", landed.sha256, "csv")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rest=PIECES,
    text=st.sampled_from([b"ab", b"aba", b"\n", b"zz", b"x,yab", b"q"]),
    near=st.floats(0, 1),
    block=st.sampled_from([7, 64]),
)
def test_every_place_is_found_once_also_across_frames(
    rest: bytes, text: bytes, near: float, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"h\n" + rest
    monkeypatch.setattr(module, "BLOCK", block)
    with FramedObject(stored(tmp_path, content)) as framed:
        assert framed.size == len(content)
        wanted = [match.start() for match in re.finditer(b"(?=" + re.escape(text) + b")", content)]
        found = list(framed.find(text, near=near))
        assert sorted(found) == wanted
        for offset in wanted[:5]:
            assert framed.line_of(offset) == 1 + content[:offset].count(b"\n")
            assert framed.part(offset, offset + len(text)) == text


def test_lines_are_known_without_unpacking_and_counted_where_they_were_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 1000)
    content = b"h\n" + b"".join(b"row %06d\n" % number for number in range(2_000))
    path = stored(tmp_path, content)
    whole = path.read_bytes()
    with FramedObject(path) as framed:
        unpacked: list[object] = []
        unpack = framed._unpack
        monkeypatch.setattr(framed, "_unpack", lambda frame: unpacked.append(frame) or unpack(frame))
        assert framed.line_of(content.index(b"row 001999")) == 2001
        assert len(unpacked) == 1
        last = framed.frames[-1]
    with open_zstd(path) as stream:
        assert stream.read() == content  # every reader passes over the counts
    path.chmod(0o600)
    path.write_bytes(whole[: last.stored_at + last.stored_size])
    with FramedObject(path) as framed:
        assert framed.line_of(content.index(b"row 001999")) == 2001
    path.write_bytes(whole[:-3])
    with pytest.raises(LandingError, match="is not what was stored"):
        FramedObject(path)


def test_a_good_guess_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1000)
    content = b"h\n" + b"".join(b"row %06d\n" % number for number in range(20_000))
    with FramedObject(stored(tmp_path, content)) as framed:
        assert next(framed.find(b"row 0", near=0.9)) > len(content) // 2
        assert next(framed.find(b"row 0", near=0.0)) == 2


@pytest.mark.parametrize("harm", ["cut", "other", "empty"])
def test_a_damaged_object_is_an_error_in_words(harm: str, tmp_path: Path) -> None:
    path = stored(tmp_path, b"h\n" + b"abc\n" * 1000)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "other": b"no zstd at all", "empty": b""}[harm])
    with pytest.raises(LandingError, match=r"cannot be opened|is not what was stored"):
        FramedObject(path)
