"""The real samples served as datasets: what comes out over HTTP is what lies in the file."""

import csv
import io
from pathlib import Path

import pytest

from tests.conftest import REALDATA
from tests.unit.simulators.conftest import Portals

SAMPLES = REALDATA / "311" / "requests"


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["myla311_2017_raw33_9999.csv", "myla311_2018a_raw33_10000.csv"])
def test_a_real_export_comes_back_row_for_row(fresh: Portals, name: str) -> None:
    path: Path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"no such file {path}; CIVICOPS_REALDATA names the folder of real samples")
    _, client = fresh(files={"real-0001": path})
    wanted = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert list(csv.reader(io.StringIO(client.get("/api/views/real-0001/rows.csv").text))) == wanted

    header = [h.lower() for h in wanted[0]]
    created = wanted[0].index("CreatedDate")
    pages: list[dict[str, str]] = []
    for offset in range(0, len(wanted), 4000):
        params = {"$order": ":id", "$limit": "4000", "$offset": str(offset)}
        pages += client.get("/resource/real-0001.json", params=params).json()
    assert len(pages) == len(wanted) - 1
    by_number = {r["srnumber"]: r for r in pages}
    for row in wanted[1:]:
        got = by_number[row[0]]
        month, day, year = row[created].split(" ")[0].split("/")
        assert got["createddate"].startswith(f"{year}-{month}-{day}T")
        same = {h: v for h, v in zip(header, row, strict=True) if v and not h.endswith("date")}
        assert {h: got[h] for h in same} == same
    day_after = client.get(
        "/resource/real-0001.json", params={"$where": "createddate >= '2018-01-02'", "$select": "count(*) as n"}
    ).json()
    assert int(day_after[0]["n"]) == sum(f"{r[created][6:10]}{r[created][:5]}" >= "201801/02" for r in wanted[1:])
