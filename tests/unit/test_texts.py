"""Reading text that people wrote. Belongs here: which bytes are text, and what is said of others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from civicops.texts import TextFileError, read_text, text_fault


def test_text_is_read_without_its_mark_and_with_plain_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(b"\xef\xbb\xbfSELECT 1\r\n-- caf\xc3\xa9\r\n")
    assert read_text(path) == "SELECT 1\n-- café\n"
    assert text_fault(path) is None


@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [
        (b"\xff", 1, "0xff"),
        (b"a\nb\ncaf\xe9\n", 3, "0xe9"),
        ("a,b\n".encode("utf-16"), 1, "0xff"),
        (b"a\n\xed\xa0\x80", 2, "0xed"),  # half of a surrogate pair
        (b"a\n\xe2\x82", 2, "0xe2"),  # cut off in the middle of a letter
    ],
)
def test_other_bytes_are_named_with_their_line(tmp_path: Path, content: bytes, line: int, byte: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(TextFileError) as failed:
        read_text(path)
    assert failed.value.message.startswith(f"{path}:{line}: is not UTF-8 text (byte {byte})")
    assert "CSV UTF-8" in failed.value.hint
    assert text_fault(path) is not None


def test_a_mended_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"caf\xe9\n")
    assert text_fault(path) is not None
    path.write_bytes(b"cafe\n")
    os.utime(path, ns=(1, 1))
    assert text_fault(path) is None
