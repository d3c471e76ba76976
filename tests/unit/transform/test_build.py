"""Building a product's models: what comes out, what a person is told when it does not, and what is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from civicops.errors import CivicopsError
from civicops.transform import TransformError
from tests.duck import asked
from tests.unit.transform.conftest import BOUNDARY_HEADER, TinyProduct

NO_NETWORK = """
import socket, sys
tried = []
def refuse(self, address, *rest):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        tried.append(address)
        raise OSError("no network in this test")
    return real(self, address, *rest)
real = socket.socket.connect
socket.socket.connect = refuse
socket.socket.connect_ex = refuse
resolve = socket.getaddrinfo
def no_names(host, *rest, **more):
    tried.append(host)
    raise OSError("no network in this test")
socket.getaddrinfo = no_names
from pathlib import Path
from civicops.transform import build
folder = Path(sys.argv[1])
build("tiny", folder / "models", folder / "var" / "tiny.duckdb",
      accepted={"things": [folder / "things.parquet"]}, lookups={"kinds": folder / "lookups" / "kinds.csv"})
assert not tried, tried
"""


def test_models_are_built_from_accepted_rows_lookups_and_releases(tiny: TinyProduct) -> None:
    release = tiny.folder / "other.parquet"
    asked(f"COPY (SELECT 'a' AS kind, 10 AS price) TO '{release}' (FORMAT parquet)")
    tiny.releases["shop__prices"] = [release]
    tiny.model("prices.sql", "select kind, price from {{ source('release', 'shop__prices') }}")
    result = tiny.build()
    assert tiny.read("SELECT name, thing_count FROM things_by_kind ORDER BY name") == [("Apple", 2), ("Bread", 1)]
    assert tiny.read("SELECT * FROM prices") == [("a", 10)]
    assert {model.name: model.rows for model in result.models} == {"stg_things": None, "things_by_kind": 2, "prices": 1}
    assert all(model.status == "success" for model in result.models)
    assert 0 < result.startup_seconds < result.seconds


def test_lookup_cells_stay_text(tiny: TinyProduct) -> None:
    tiny.lookup("codes", "code,flag,empty\n007,true,\n8,false,\n")
    tiny.model("codes.sql", "select code, flag, empty from {{ source('lookup', 'codes') }}")
    tiny.build()
    assert tiny.read("SELECT code, flag, empty FROM codes ORDER BY code") == [
        ("007", "true", None),
        ("8", "false", None),
    ]


def test_a_second_build_gives_the_same_and_sees_new_rows(tiny: TinyProduct) -> None:
    tiny.build()
    files = {path: path.stat().st_mtime_ns for path in (tiny.warehouse.parent / "tiny.dbt").glob("*.yml")}
    before = tiny.read("SELECT * FROM things_by_kind ORDER BY ALL")
    tiny.build()
    assert tiny.read("SELECT * FROM things_by_kind ORDER BY ALL") == before
    assert {path: path.stat().st_mtime_ns for path in files} == files, "an unchanged project is not written again"
    tiny.rows("things", "SELECT 9 AS id, 'b' AS kind, 0.0 AS x, 0.0 AS y")
    tiny.build()
    assert tiny.read("SELECT * FROM things_by_kind") == [("Bread", 1)]


def test_a_model_that_was_taken_away_leaves_no_table(tiny: TinyProduct) -> None:
    tiny.model("extra.sql", "select 1 as one")
    tiny.build()
    (tiny.folder / "models" / "extra.sql").unlink()
    tiny.build()
    names = tiny.read("SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'")
    assert sorted(names) == [("stg_things",), ("things_by_kind",)]
    assert not (tiny.warehouse.parent / "tiny.dbt" / "tables" / "extra.parquet").exists()


def test_selected_models_only(tiny: TinyProduct) -> None:
    tiny.model("extra.sql", "select 1 as one")
    tiny.build()
    result = tiny.build(select="extra")
    assert [model.name for model in result.models] == ["extra"]
    assert tiny.read("SELECT count(*) FROM things_by_kind") == [(2,)], "the others stay"


def test_the_warehouse_is_free_afterwards_even_after_a_failure(tiny: TinyProduct) -> None:
    script = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE TABLE free AS SELECT 1')"
    tiny.build()
    subprocess.run([sys.executable, "-c", script, str(tiny.warehouse)], check=True)
    tiny.model("broken.sql", "select nothing_of_the_kind from {{ ref('stg_things') }}")
    with pytest.raises(TransformError):
        tiny.build()
    subprocess.run(
        [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", str(tiny.warehouse)], check=True
    )


def test_a_broken_model_is_named_with_its_file_and_the_message(tiny: TinyProduct) -> None:
    tiny.model("broken.sql", "select nothing_of_the_kind from {{ ref('stg_things') }}")
    with pytest.raises(TransformError) as error:
        tiny.build()
    text = str(error.value)
    assert "Model 'broken' failed" in text
    assert "nothing_of_the_kind" in text
    assert str(tiny.folder / "models" / "broken.sql") in text
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("lost.sql", "select * from {{ ref('no_such_model') }}", "no_such_model"),
        ("lost.sql", "select * from {{ source('accepted', 'no_such_rows') }}", "no_such_rows"),
        ("lost.sql", "select {{ 1", "lost.sql"),
        ("lost.yml", "version: 2\nmodels: [", "lost.yml"),
    ],
)
def test_a_project_that_cannot_be_read_names_the_fault(tiny: TinyProduct, name: str, content: str, said: str) -> None:
    tiny.model(name, content)
    with pytest.raises(CivicopsError, match=said):
        tiny.build()


def test_no_models_a_missing_file_and_a_bad_lookup_are_errors_a_person_can_act_on(tiny: TinyProduct) -> None:
    tiny.lookup("ragged", 'a,b\n1,2\n"3,4\n')
    with pytest.raises(TransformError, match=r"ragged\.csv"):
        tiny.build()
    (tiny.folder / "lookups" / "ragged.csv").unlink()
    tiny.accepted["things"] = [tiny.folder / "gone.parquet"]
    with pytest.raises(TransformError, match=r"accepted\.things"):
        tiny.build()
    for path in (tiny.folder / "models").iterdir():
        path.unlink()
    tiny.rows("things", "SELECT 1 AS id, 'a' AS kind")
    with pytest.raises(TransformError, match="has no models"):
        tiny.build()


def test_a_layer_that_nobody_declared_fails_by_name(tiny: TinyProduct) -> None:
    tiny.model(
        "placed.sql",
        "select {{ area_of('moon', 'x', 'y', \"cast('2020-01-01' as date)\") }} as c from {{ ref('stg_things') }}",
    )
    with pytest.raises(TransformError, match="place_in__moon"):
        tiny.build()


def test_points_are_placed_by_the_set_in_force(tiny: TinyProduct) -> None:
    import shapely

    tiny.lookup(
        "boundary_sets",
        BOUNDARY_HEADER
        + "zone,old,s_old,zones,2000-01-01,2019-12-31,as_of,0,0,20,20,\n"
        + "zone,new,s_new,zones,2020-01-01,,as_of,0,0,20,20,\n"
        + "ward,only,s_ward,wards,,,current,0,0,20,20,2\n",
    )
    tiny.areas("zones", {("s_old", "A"): shapely.box(0, 0, 10, 10), ("s_new", "B"): shapely.box(0, 0, 10, 10)})
    tiny.areas("wards", {("s_ward", "big"): shapely.box(0, 0, 10, 10), ("s_ward", "small"): shapely.box(0, 0, 2, 2)})
    day = "cast('{}' as date)"
    columns = [
        f"{{{{ area_of('zone', 'x', 'y', \"{day.format('2019-12-31')}\") }}}} as before",
        f"{{{{ area_of('zone', 'x', 'y', \"{day.format('2020-01-01')}\") }}}} as after",
        f"{{{{ area_of('zone', 'x', 'y', \"{day.format('1999-12-31')}\") }}}} as never",
        "{{ area_of('zone', 'x', 'y', 'cast(null as date)') }} as undated",
        f"{{{{ area_of('ward', 'x', 'y', \"{day.format('2020-01-01')}\") }}}} as ward",
        f"{{{{ area_matches('ward', 'x', 'y', \"{day.format('2020-01-01')}\") }}}} as wards",
        f"{{{{ area_holds('ward', 'x', 'y', \"{day.format('2020-01-01')}\", \"'big'\") }}}} as in_big",
    ]
    tiny.model("placed.sql", f"select id, {', '.join(columns)} from {{{{ ref('stg_things') }}}}")
    result = tiny.build()
    assert result.layers == ()
    assert tiny.read("SELECT * FROM placed ORDER BY id") == [
        (1, "A", "B", None, None, "small", 2, True),
        (2, "A", "B", None, None, "big", 1, True),
        (3, None, None, None, None, None, 0, False),
    ]


def test_nothing_is_imported_until_something_is_built() -> None:
    script = "import sys, civicops.transform; assert not [m for m in sys.modules if m == 'dbt' or m.startswith('dbt.')]"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_build_opens_no_connection(tiny: TinyProduct, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", NO_NETWORK, str(tiny.folder)], check=True, cwd=tmp_path)
