"""A small workspace with everything the portal can show, and the portal serving it as a process of its own.

Belongs here: making the workspace, starting the server, signing in. Does not belong here: assertions.

The product `library` publishes a public table with points, a small public table and a restricted one, each in two versions, and
has a public page with a chart and files, a page for stewards, and none that fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.duck import asked
from tests.ethics import write_reviews
from tests.flow.conftest import HEAD, Library, make_library, many_loans

PROGRAM = [sys.executable, "-c", "from civicops.cli import main; main()"]
ROLES = ("viewer", "contributor", "steward", "admin")
SECRET = "Cormorant Lane"
"""Stands in every row of the restricted dataset and nowhere else."""
PLACES = (
    HEAD.format(name="loan_places", layer="published")
    + """\
    quality:
      - id: some_place
        description: There is a place.
        type: custom
        engine: civicops
        implementation: {check: row_count, minimum: 1}
    properties:
      - {name: loan_id, logicalType: string, primaryKey: true, description: "The loan, <b>bold</b> & plain."}
      - {name: branch_name, logicalType: string, description: Where it was lent.}
      - {name: days_count, logicalType: integer, description: For how long.}
      - {name: lent_at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: America/Los_Angeles}, description: When.}
      - {name: longitude, logicalType: number, description: Degrees east.}
      - {name: latitude, logicalType: number, description: Degrees north.}
      - {name: tags, logicalType: array, description: Words.}
"""
)
MEMBERS = (
    HEAD.format(name="members", layer="published").replace("access, value: public", "access, value: restricted")
    + """\
    properties:
      - {name: loan_id, logicalType: string, primaryKey: true, description: The loan.}
      - {name: address, logicalType: string, description: Where the borrower lives.}
      - {name: longitude, logicalType: number, description: Degrees east.}
"""
)
PLACES_SQL = """\
select loan_id, branch_name, days_count,
  cast('2026-01-05 12:00:00+00' as timestamptz) + to_hours(cast(days_count as integer)) as lent_at,
  case when days_count % 7 > 0 then -118.0 - days_count / 100.0 end as longitude,
  case when days_count % 7 > 0 then 34.0 + days_count / 100.0 end as latitude,
  case when days_count % 5 > 0 then ['a', 'b' || (days_count % 3)] else [] end as tags
from {{ ref('loan_list') }}
"""
MEMBERS_SQL = "select loan_id, '12 Cormorant Lane' as address, -117.123456 as longitude from {{ ref('loan_list') }}\n"
LENDING = '''\
"""What branches lend."""

import altair as alt

from civicops.portal.pages import Page


def lending(releases):
    rows = releases.table("SELECT branch_name, loan_count FROM branch_loans ORDER BY ALL")
    chart = alt.Chart(rows, title="Loans per branch", description="How many loans each branch made.")
    return chart.mark_bar().encode(x="branch_name:N", y="loan_count:Q")


def build(releases, out):
    (out / "names.json").write_text('["' + '", "'.join(releases) + '"]')
    (out / "numbers-0123abcd.bin").write_bytes(bytes(range(256)) * 40)


PAGE = Page(title="Lending", summary="Which branch lends most.", charts={"lending": lending}, build=build)
'''
DESK = '''\
"""For stewards."""

from civicops.portal.pages import Page

PAGE = Page(
    title="Desk",
    summary="Who borrows.",
    is_public=False,
    role="steward",
    template="desk.html",
    context=lambda releases: {"addresses": releases.table("SELECT DISTINCT address FROM members").to_pylist()},
)
'''
DESK_HTML = """\
{% extends "portal/page_base.html" %}{% block content %}<h1>{{ page.title }}</h1>
{% for row in addresses %}<p>{{ row.address }}</p>{% endfor %}{% endblock %}
"""


def make_shelf(root: Path, *, portal: str = "") -> Library:
    """The workspace, run twice, so that every dataset has two versions. `portal`: lines of the table `[portal]`."""
    library = make_library(root)
    product = library.product
    (root / "civicops.toml").write_text(
        (root / "civicops.toml").read_text() + "\n[portal]\napi_per_minute = 100000\n" + portal
    )
    (product / "contracts" / "loan_places.yaml").write_text(PLACES)
    (product / "contracts" / "members.yaml").write_text(MEMBERS)
    (product / "models" / "loan_places.sql").write_text(PLACES_SQL)
    (product / "models" / "members.sql").write_text(MEMBERS_SQL)
    (product / "pages").mkdir()
    (product / "pages" / "lending.py").write_text(LENDING)
    (product / "pages" / "desk.py").write_text(DESK)
    (product / "pages" / "desk.html").write_text(DESK_HTML)
    write_reviews(root)
    library.deliver(many_loans(1, 300))
    library.run()
    library.deliver([*many_loans(1, 300), ("l9000", "Harbor", 9, "2026-02-01")])
    library.run()
    return library


@dataclass
class Server:
    """A running portal."""

    library: Library
    base: str
    passwords: dict[str, str]
    process: subprocess.Popen[str]
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def client(self, role: str | None = None) -> httpx.Client:
        """Somebody with that role, signed in through the form; `None`: nobody."""
        name = role or ""
        if name not in self._clients:
            client = httpx.Client(base_url=self.base, trust_env=False, timeout=30)
            if role:
                account = next(one for one in self.passwords if one.endswith(f"-{role}"))
                done = sign_in(client, account, self.passwords[account])
                assert done.status_code == 302, done.text
            self._clients[name] = client
        return self._clients[name]

    def get(self, path: str, role: str | None = None, **more: object) -> httpx.Response:
        return self.client(role).get(path, **more)  # type: ignore[arg-type]

    def version(self, dataset: str, back: int = 0) -> str:
        """A version of a dataset: the newest, or so many before it."""
        return self.library.releases.versions("library", dataset)[-1 - back].version

    def sql(self, query: str) -> list[tuple[object, ...]]:
        """A query in which `{name}` stands for the current release of that dataset."""
        tables = {name: f"'{one.data}'" for name, one in self.library.releases.snapshot("library").items()}
        return asked(query.format(**tables))

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def sign_in(client: httpx.Client, account: str, password: str) -> httpx.Response:
    """Fill in the form as a person would."""
    form = client.get("/accounts/login/").text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert found is not None
    data = {"csrfmiddlewaretoken": found[1], "login": account, "password": password}
    return client.post("/accounts/login/", data=data, headers={"Referer": str(client.base_url)})


@contextmanager
def serving(library: Library, *words: str, samples: bool = True, **env: str) -> Iterator[Server]:
    """The portal of a workspace on a free port."""
    from tests.flow.test_orchestrate_up import free_port

    port = free_port()
    command = [*PROGRAM, "portal", "serve", "--port", str(port), *(["--samples"] if samples else []), *words]
    log = (library.root / f"portal-{port}.log").open("w+")
    process = subprocess.Popen(command, cwd=library.root, stdout=log, stderr=log, text=True, env={**os.environ, **env})
    server = Server(library, f"http://127.0.0.1:{port}", {}, process)
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                if httpx.get(f"{server.base}/health", trust_env=False).is_success:
                    break
            except httpx.HTTPError:
                pass
            assert process.poll() is None and time.monotonic() < deadline, Path(log.name).read_text()
            time.sleep(0.1)
        told = Path(log.name).read_text()
        server.passwords |= dict(re.findall(r"sign in as (\S+) \(\w+\) with (\S+)", told))
        yield server
    finally:
        server.close()
        is_up = process.poll() is None
        if is_up:
            process.terminate()
        code = process.wait(30)
        log.close()
    assert not is_up or code == 0, f"the portal ended with {code}: {Path(log.name).read_text()[-2000:]}"
