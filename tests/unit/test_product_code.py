"""Code of products: relative imports, mended files, faults named."""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.product_code import ProductCodeError, load_code


def test_a_module_may_import_its_neighbours_and_is_read_anew_when_mended(tmp_path: Path) -> None:
    (tmp_path / "number.py").write_text("N = 1\n")
    (tmp_path / "made.py").write_text("from .number import N\n")
    first = load_code(tmp_path, "made")
    assert first is not None and first.N == 1 and load_code(tmp_path, "made") is first
    (tmp_path / "number.py").write_text("N = 2\n")
    mended = load_code(tmp_path, "made")
    assert mended is not None and mended.N == 2
    assert load_code(tmp_path, "absent") is None


@pytest.mark.parametrize(
    ("text", "words"), [("1/0", "ZeroDivisionError"), ("import no_such_package_here", "needs 'no_such_package_here'")]
)
def test_a_file_that_cannot_be_loaded_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "made.py").write_text(text)
    with pytest.raises(ProductCodeError, match=words) as caught:
        load_code(tmp_path, "made")
    assert "made.py" in caught.value.message
