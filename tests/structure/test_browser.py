"""Finding the browser that tests drive: the system's, another that is named, or a line on what to do.

Belongs here: `tools/browser.py`. Does not belong here: what is tested in it (`tests/browser`).
"""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

import pytest

from tools import browser


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any browser; gives the only folder of its PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(browser, "MAC", str(tmp_path / "none"))
    return tmp_path


def program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_without_one_it_says_what_to_do(bare: Path) -> None:
    assert browser.find() is None
    with pytest.raises(LookupError, match="sudo apt-get install chromium"):
        browser.needed()


def test_the_one_that_is_named_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, other = program(bare / "chromium"), program(bare / "mine")
    assert browser.needed() == str(usual)
    monkeypatch.setenv("CHROMIUM", str(other))
    assert browser.needed() == str(other)


def test_a_folder_is_served_while_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("here", encoding="utf-8")
    with browser.serving(tmp_path) as url:
        assert url.startswith("http://127.0.0.1:")
        assert urlopen(f"{url}/page.txt").read() == b"here"
    with pytest.raises(OSError):
        urlopen(f"{url}/page.txt", timeout=1)
