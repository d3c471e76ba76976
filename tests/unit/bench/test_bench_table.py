"""The table every benchmark prints, and its place in the page of results."""

from __future__ import annotations

import pytest

from bench.table import Row, Table, render, replace_section, spread, timed


def test_rows_may_have_different_columns_and_cells_cannot_break_the_table() -> None:
    table = Table(
        "t", (Row("ours", {"rate": "8", "note": "a|b\nc"}), Row("peer", {"rate": "1", "size": "5"})), ("First.",)
    )
    assert render(table).splitlines() == [
        "First.",
        "",
        "|  | rate | note | size |",
        "| --- | ---: | ---: | ---: |",
        "| ours | 8 | a\\|b c | - |",
        "| peer | 1 | - | 5 |",
    ]


def test_a_section_is_replaced_and_nothing_else() -> None:
    page = "# Top\n\n<!-- bench:one -->\nold\n<!-- /bench:one -->\n\n<!-- bench:two -->\nkept\n<!-- /bench:two -->\n"
    assert replace_section(page, "one", "new\n") == page.replace("old", "new")
    assert replace_section(replace_section(page, "one", "new"), "one", "old") == page


def test_a_section_that_is_not_there_is_added_at_the_end() -> None:
    page = replace_section("# Top\n", "three", "x")
    assert page == "# Top\n\n## three\n\n<!-- bench:three -->\nx\n<!-- /bench:three -->\n"
    assert replace_section(page, "three", "x") == page


@pytest.mark.parametrize(
    "page",
    [
        "<!-- bench:one -->",
        "<!-- /bench:one -->",
        "<!-- /bench:one --><!-- bench:one -->",
        "<!-- bench:one --><!-- /bench:one --><!-- bench:one --><!-- /bench:one -->",
    ],
)
def test_marks_that_do_not_pair_up_are_refused(page: str) -> None:
    with pytest.raises(ValueError, match="once"):
        replace_section(page, "one", "x")


def test_the_first_call_is_not_counted_and_the_median_is_shown() -> None:
    calls: list[int] = []
    assert len(timed(lambda: calls.append(1), 3)) == 3
    assert len(calls) == 4
    assert spread([3.0, 1.0, 2.0]) == "2 s (1 to 3)"
