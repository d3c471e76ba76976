"""A made-up workspace of 300 datasets in 20 products, to look at its lineage.

Belongs here: writing it. Does not belong here: looking at it. Nothing of it is ever run: contracts, models and who reads whom are real
files; the models are followed from their own SQL with names put in as dbt would, because asking dbt for 20 products takes a minute.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from civicops.lineage.models import models_of
from civicops.workspace import Workspace
from tests.ethics import write_reviews
from tests.flow.conftest import HEAD

PRODUCTS = 20
EACH = 15
WORDS = (
    "permits", "trees", "streetlights", "meetings", "volunteers", "budgets", "shelters", "bus stops", "parks", "libraries",
    "inspections", "licences", "noise reports", "water use", "air readings", "schools", "clinics", "gardens", "crossings", "markets",
)  # fmt: skip
KINDS = (
    "places",
    "days",
    "months",
    "people",
    "types",
    "areas",
    "counts",
    "changes",
    "visits",
    "costs",
    "waits",
    "open",
    "closed",
    "late",
    "all",
)
COLUMNS = "    properties:\n" + "".join(
    f"      - {{name: {name}, logicalType: {kind}, description: A value.{more}}}\n"
    for name, kind, more in (
        (
            "thing_id",
            "string",
            "",
        ),
        ("made_on", "string", ""),
        ("amount", "number", ""),
    )
)


def make_many(root: Path, seed: int = 5) -> Workspace:
    """Write the workspace into `root`; the same every time."""
    chance = random.Random(seed)
    (root / "civicops.toml").write_text('[workspace]\norganisation = "Many"\n')
    names = [word.replace(" ", "_") for word in WORDS[:PRODUCTS]]
    for number, name in enumerate(names):
        folder = root / "products" / name
        for part in ("contracts", "models", "pages"):
            (folder / part).mkdir(parents=True)
        reads = sorted(
            {
                f"{other}.{chance.choice(KINDS)}"
                for other in chance.sample(names[:number], min(number, chance.choice((0, 1, 2))))
            }
        )
        (folder / "product.yaml").write_text(
            f"title: {WORDS[number].capitalize()}\nsummary: Made up.\nowner: ada-example\nstage: pilot\nschedule: '0 5 * * *'\n"
            f"reads: [{', '.join(reads)}]\n"
        )
        (folder / "sources.py").write_text("def sources(settings):\n    return []\n")
        (folder / "pages" / "look.py").write_text(
            "from civicops.portal.pages import Page\n\n\ndef context(releases):\n"
            '    return {"rows": releases.table("SELECT thing_id, amount FROM places")}\n\n\n'
            f'PAGE = Page(title="A look at {WORDS[number]}", summary="Made up.", context=context)\n'
        )
        columns = COLUMNS.replace(
            "name: thing_id, logicalType: string,", "name: thing_id, logicalType: string, primaryKey: true,"
        )
        for dataset, layer in (("raw", "accepted"), *((kind, "published") for kind in KINDS[:EACH])):
            head = HEAD.format(name=dataset.replace(" ", "_"), layer=layer).replace("library", name)
            fields = columns if layer == "published" else re.sub(r"(name: (\w+),)", r"\1 physicalName: \2,", columns)
            (folder / "contracts" / f"{dataset}.yaml").write_text(
                head.replace(f"name: {dataset}\nversion", f"name: {WORDS[number].capitalize()} {dataset}\nversion")
                + fields
            )
        for place, kind in enumerate(KINDS[:EACH]):
            above = (
                ["{{ source('accepted', 'raw') }}"]
                if place < 3
                else [f"{{{{ ref('{one}') }}}}" for one in chance.sample(KINDS[:place], 2)]
            )
            if place == 3:
                above += [f"{{{{ source('{one.split('.')[0]}', '{one.split('.')[1]}') }}}}" for one in ()]
                above += [f"{{{{ source('release', '{one.replace('.', '__')}') }}}}" for one in reads]
            joined = " ".join(
                f"left join {one} as t{n} on t{n}.thing_id = t0.thing_id" for n, one in enumerate(above) if n
            )
            (folder / "models" / f"{kind}.sql").write_text(
                f"select t0.thing_id, t0.made_on, t{len(above) - 1}.amount from {above[0]} as t0 {joined}\n"
            )
    write_reviews(root)
    workspace = Workspace.find(root)
    for product in workspace.products:
        models_of(
            workspace,
            product,
            compiled={path.stem: _compiled(product.name, path) for path in product.models.glob("*.sql")},
        )
    return Workspace.find(root)


def _compiled(product: str, path: Path) -> str:
    text = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", rf'"{product}"."main"."\1"', path.read_text())
    return re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", rf'"{product}"."\1"."\2"', text)
