"""SoQL: the parser and its SQL against a plain Python reading of the same conditions."""

import operator
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.socrata import soql
from simulators.socrata.soql import SoqlError, parse_expression, parse_order, parse_query, parse_select
from simulators.socrata.tosql import Compiler
from simulators.world.layout import Column
from tests.duck import asked

COLUMNS = (
    Column("N", "n", "number", '"N"'),
    Column("T", "t", "text", '"T"'),
    Column("D", "d", "date", '"D"'),
)
WORDS = ["", "a", "b's", "it''s", "A", "%", "x; DROP TABLE r; --", 'q"q', "Ñ", "null", "2019-01-01"]
STAMPS = ["2019-01-01T00:00:00", "2019-03-10T02:30:00", "2020-02-29T23:59:59"]
ROWS: list[dict[str, Any]] = [
    {"n": n, "t": t, "d": d}
    for i, n in enumerate([None, -2, 0, 1, 7.5])
    for t in [*WORDS, None]
    for d in [*STAMPS, None][i % 4 :]
]

Truth = bool | None


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def both(left: Truth, right: Truth) -> Truth:
    return False if left is False or right is False else None if left is None or right is None else True


def opposite(value: Truth) -> Truth:
    return None if value is None else not value


def compare(op: str, left: Any, right: Any) -> Truth:
    if left is None or right is None:
        return None
    operators: dict[str, Callable[[Any, Any], bool]] = {
        "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    }  # fmt: skip
    return operators[op](left, right)


@st.composite
def leaves(draw: st.DrawFn) -> tuple[str, Any]:
    pools: list[tuple[str, list[Any]]] = [("n", [-2, 0, 1, 7.5, 99]), ("t", WORDS), ("d", STAMPS)]
    name, values = draw(st.sampled_from(pools))
    shown: Any = str if name == "n" else quoted
    op = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in", "between", "null", "not null"]))
    one, two = draw(st.sampled_from(values)), draw(st.sampled_from(values))
    if op == "null":
        return f"{name} is null", lambda r: r[name] is None
    if op == "not null":
        return f"{name} IS NOT NULL", lambda r: r[name] is not None
    if op == "in":
        return f"{name} in ({shown(one)}, {shown(two)})", lambda r: None if r[name] is None else r[name] in (one, two)
    if op == "between":
        text = f"{name} between {shown(one)} and {shown(two)}"
        return text, lambda r: both(compare(">=", r[name], one), compare("<=", r[name], two))
    return f"{name} {op} {shown(one)}", lambda r: compare(op, r[name], one)


def combined(inner: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    def make(op: str, a: tuple[str, Any], b: tuple[str, Any]) -> tuple[str, Any]:
        (ta, fa), (tb, fb) = a, b
        if op == "not":
            return f"not ({ta})", lambda r: opposite(fa(r))
        if op == "and":
            return f"({ta}) AND ({tb})", lambda r: both(fa(r), fb(r))
        return f"({ta}) or ({tb})", lambda r: opposite(both(opposite(fa(r)), opposite(fb(r))))

    return st.builds(make, st.sampled_from(["and", "or", "not"]), inner, inner)


@pytest.fixture(scope="module")
def con() -> Any:
    with duckdb.connect() as made:
        made.execute('CREATE TABLE r (i BIGINT, "N" DOUBLE, "T" VARCHAR, "D" TIMESTAMP)')
        made.executemany("INSERT INTO r VALUES (?, ?, ?, ?)", [(i, r["n"], r["t"], r["d"]) for i, r in enumerate(ROWS)])
        yield made


@settings(max_examples=300, deadline=None)
@given(st.recursive(leaves(), combined, max_leaves=6))
def test_conditions_keep_the_rows_python_keeps(con: Any, made: tuple[str, Any]) -> None:
    text, keeps = made
    sql = Compiler("x", COLUMNS).truth(parse_expression(text))
    found = [i for (i,) in con.execute(f"SELECT i FROM r WHERE {sql} ORDER BY i").fetchall()]
    assert found == [i for i, row in enumerate(ROWS) if keeps(row) is True]


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ntd'`()=<>!, *:.0123456789abcselwhrondi$@%|-+", max_size=40))
def test_any_text_is_read_or_refused_never_a_crash(text: str) -> None:
    for parse in (parse_query, parse_expression, parse_select, parse_order):
        try:
            parse(text)
        except SoqlError as problem:
            assert problem.code.startswith("query.")


@given(st.text(max_size=30))
def test_a_text_literal_comes_back_unchanged(text: str) -> None:
    clean = text.replace("\x00", "")
    parsed = parse_expression(quoted(clean))
    assert parsed == soql.Literal(clean)
    sql, kind = Compiler("x", COLUMNS).value(parsed)
    assert (asked(f"SELECT {sql}"), kind) == ([(clean,)], "text")


def test_precedence() -> None:
    tree = parse_expression("a = 1 or b = 2 and not c = 3")
    assert isinstance(tree, soql.Binary)
    assert tree.op == "or"
    assert isinstance(tree.right, soql.Binary)
    assert tree.right.op == "and"
    assert parse_expression("1 + 2 * 3") == soql.Binary(
        "+",
        soql.Literal("1", True),
        soql.Binary("*", soql.Literal("2", True), soql.Literal("3", True)),
    )


def test_a_whole_query() -> None:
    query = parse_query(
        "SELECT t, count(*) AS many WHERE n > -1 GROUP BY t HAVING many > 2 ORDER BY many DESC, t LIMIT 5 OFFSET 10"
    )
    assert [s.alias for s in query.select] == [None, "many"]
    assert (query.limit, query.offset, [o.descending for o in query.order]) == (5, 10, [True, False])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("n = ", "query.compiler.malformed"),
        ("n = 'x' extra", "query.compiler.malformed"),
        ("nope = 1", "query.soql.no-such-column"),
        ("nope(n)", "query.soql.no-such-function"),
        ("n = 'abc'", "query.soql.type-mismatch"),
        ("d > 'yesterday'", "query.soql.type-mismatch"),
        ("t > 5", "query.soql.type-mismatch"),
        ("n", "query.soql.type-mismatch"),
        ("n; drop table r", "query.compiler.malformed"),
    ],
)
def test_what_the_portal_would_not_take(text: str, code: str) -> None:
    with pytest.raises(SoqlError) as caught:
        Compiler("x", COLUMNS).truth(parse_expression(text))
    assert caught.value.code == code
