"""Pages of products: found, loaded, loaded anew, and what they build.

Belongs here: `Page` files of a small product. Does not belong here: how they look over HTTP (`tests/flow/test_portal*.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.portal.built import page_files
from civicops.portal.pages import PageError, load_page, page_names
from civicops.portal.releases import readable_releases
from tests.flow.conftest import Library, make_library

PAGE = '''\
"""A page."""

from civicops.portal.pages import Page

from ._words import TITLE
from ..helping.more import write

PAGE = Page(title=TITLE, summary="Which branch lends most.", build=write)
'''


@pytest.fixture
def shelf(tmp_path: Path) -> Library:
    made = make_library(tmp_path)
    pages = made.product / "pages"
    pages.mkdir()
    (made.product / "helping").mkdir()
    (made.product / "helping" / "more.py").write_text(
        '"""Writes."""\ndef write(releases, out):\n    (out / "names.txt").write_text(",".join(releases))\n'
    )
    (pages / "_words.py").write_text('"""Words."""\nTITLE = "Branches"\n')
    (pages / "branches.py").write_text(PAGE)
    return made


def test_a_page_is_a_file_with_helpers_that_are_none(shelf: Library) -> None:
    product = shelf.workspace.product("library")
    assert page_names(product) == ("branches",)
    assert load_page(product, "branches").page.title == "Branches"


def test_a_changed_helper_is_read_anew(shelf: Library) -> None:
    product = shelf.workspace.product("library")
    before = load_page(product, "branches")
    (shelf.product / "pages" / "_words.py").write_text('"""Words."""\nTITLE = "Branches of ours"\n')
    after = load_page(product, "branches")
    assert (after.page.title, after.code != before.code) == ("Branches of ours", True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PAGE = 3\n", "holds no PAGE"),
        ("raise ValueError('no')\n", "failed: ValueError: no"),
        ("def (\n", "failed: SyntaxError"),
        ('from civicops.portal.pages import Page\nPAGE = Page("a", "b", template="x.html")\n', "names 'x.html'"),
    ],
)
def test_a_faulty_page_is_named(shelf: Library, text: str, words: str) -> None:
    (shelf.product / "pages" / "broken.py").write_text(text)
    product = shelf.workspace.product("library")
    with pytest.raises(PageError, match=words):
        load_page(product, "broken")
    assert load_page(product, "branches").page.title == "Branches"


@pytest.mark.parametrize("name", ["_words", "nothing", "../sources", "", "Branches"])
def test_what_is_no_page_is_refused(shelf: Library, name: str) -> None:
    with pytest.raises(PageError, match="has no page"):
        load_page(shelf.workspace.product("library"), name)


def test_files_are_built_once_and_anew_after_a_change(shelf: Library) -> None:
    product = shelf.workspace.product("library")
    page, releases = load_page(product, "branches"), readable_releases(shelf.workspace, product)
    first = page_files(shelf.workspace, page, releases)
    assert first is not None and (first / "names.txt").read_text() == ""
    (first / "names.txt").write_text("as it was")
    assert page_files(shelf.workspace, page, releases) == first
    assert (first / "names.txt").read_text() == "as it was"
    words = shelf.product / "pages" / "_words.py"
    for number in range(3):
        words.write_text(f'"""Words."""\nTITLE = "{number}"\n')
        again = page_files(shelf.workspace, load_page(product, "branches"), releases)
        assert again is not None and again != first
    assert len([path for path in first.parent.iterdir() if path.is_dir()]) == 2


def test_a_failed_build_leaves_no_files_and_the_older_ones(shelf: Library) -> None:
    product = shelf.workspace.product("library")
    releases = readable_releases(shelf.workspace, product)
    first = page_files(shelf.workspace, load_page(product, "branches"), releases)
    (shelf.product / "helping" / "more.py").write_text(
        '"""Fails."""\ndef write(releases, out):\n    (out / "half").write_text("")\n    raise RuntimeError("no more")\n'
    )
    with pytest.raises(PageError, match="no more"):
        page_files(shelf.workspace, load_page(product, "branches"), releases)
    assert first is not None and [path.name for path in first.parent.iterdir() if path.is_dir()] == [first.name]
