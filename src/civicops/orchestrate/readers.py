"""Who uses what a change touches, and who must agree.

Belongs here: asking lineage, grouping its answer by what a person would name, naming approvers. Does not belong here: lineage
itself (`civicops.lineage`), grading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from civicops.change.grades import Comparison, Grade
from civicops.change.plan import Approval, Reader, ReleaseEffect
from civicops.errors import CivicopsError
from civicops.lineage import Graph, LineageError, graph_of
from civicops.workspace import Workspace

_SILENT = ("source", "field", "lookup", "area")
"""Kinds that lie before what changed, or are no one's business downstream."""
_OF_PRODUCT = ("page", "chart", "map_file", "alert")
_ORDER = (
    "page", "chart", "map_file", "api", "released", "export", "sheet", "alert", "monitor", "model", "check", "accepted",
)  # fmt: skip
"""What people see comes first."""


def readers(
    head: Workspace, base: Workspace, comparisons: Sequence[Comparison], moved: Mapping[str, set[str]]
) -> tuple[tuple[Reader, ...], list[str]]:
    """Everything downstream of a changed column, with its owner and the worst grade that reaches it; and what could not be
    followed.

    `moved` gives columns whose values change though their contract does not ('*': rows come or go); they count as dangerous.
    Columns that the change removes are looked up in the old state, all others in the new one.
    """
    notes: list[str] = []
    graphs = _Graphs((head, base), head, notes)
    found: dict[tuple[str, str, str, str], tuple[set[str], set[str], Grade]] = {}
    for dataset, column, grade, is_said in _causes(comparisons, moved):
        cause = f"{dataset}.{column}" if column else dataset
        for graph in graphs:
            try:
                below = graph.downstream(dataset, column)
            except LineageError:
                continue
            for item in below:
                if item.kind in _SILENT or (item.kind == "check" and f"{item.product}.{item.name}" == dataset):
                    continue
                # All monitors of a dataset are one line; which of them fire is for the day they do.
                name = item.name.partition("/")[0] if item.kind == "monitor" else item.name
                place = (item.kind, item.product, name, item.owner)
                columns, because, worst = found.get(place, (set(), set(), Grade.COSMETIC))
                columns |= {item.column} if item.column else set()
                if not is_said and because:
                    continue  # its values move because of a change that is named already
                found[place] = (columns, because | {cause}, max(worst, grade))
            break
    result = tuple(
        Reader(
            kind=kind,
            product=product,
            name=name,
            owner=owner or "nobody",
            columns=tuple(sorted(columns)),
            because=tuple(sorted(because)),
            grade=str(grade),  # type: ignore[arg-type]
        )
        for (kind, product, name, owner), (columns, because, grade) in sorted(
            found.items(), key=lambda item: (-item[1][2], _ORDER.index(item[0][0]), item[0])
        )
    )
    return result, notes


class _Graphs:
    """The graphs of some workspaces, each made when it is first asked for; one that cannot be made is noted and left out."""

    def __init__(self, workspaces: Sequence[Workspace], head: Workspace, notes: list[str]) -> None:
        self._left, self._head, self._notes = list(workspaces), head, notes
        self._made: list[Graph] = []

    def __iter__(self) -> Iterator[Graph]:
        yield from self._made
        while self._left:
            workspace = self._left.pop(0)
            try:
                graph = graph_of(workspace, cache=self._head.folder("lineage"))
            except CivicopsError as error:
                side = "new" if workspace is self._head else "old"
                self._notes.append(f"the {side} state cannot be followed downstream: {error.message}")
                continue
            self._made.append(graph)
            yield graph


def _causes(
    comparisons: Sequence[Comparison], moved: Mapping[str, set[str]]
) -> Iterable[tuple[str, str | None, Grade, bool]]:
    """(dataset, column or None, grade for consumers, whether a contract says so) of everything that changed, each once; what
    contracts say comes first."""
    found: dict[tuple[str, str | None], Grade] = {}
    for one in comparisons:
        for change in one.changes:
            names: list[str | None] = [change.column]
            if change.column and change.what.endswith(": name"):
                names.append(change.before)
            for name in names:
                if change.consumers.grade > Grade.COSMETIC:
                    place = (one.contract, name)
                    found[place] = max(found.get(place, Grade.COSMETIC), change.consumers.grade)
    said = [(dataset, column, grade, True) for (dataset, column), grade in sorted(found.items(), key=_place)]
    others = {
        (name, None if column == "*" else column): Grade.DANGEROUS
        for name, columns in moved.items()
        for column in columns
    }
    return said + [(*place, grade, False) for place, grade in sorted(others.items(), key=_place) if place not in found]


def _place(item: tuple[tuple[str, str | None], Grade]) -> tuple[str, str]:
    return item[0][0], item[0][1] or ""


def approvals(
    comparisons: Sequence[Comparison],
    found: Sequence[Reader],
    releases: Sequence[ReleaseEffect],
    owners: Mapping[str, str],
    handed_over: Mapping[str, str] | None = None,
    signing: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Approval, ...]:
    """Who must agree: owners of contracts that change for the worse, and of what breaks or may shift because of it elsewhere.

    `owners` gives those of datasets and products before the change, so that nobody agrees to a change as the owner that it
    makes of them; `handed_over` what gets another owner, and whose it was; `signing` who else must agree, with the reasons.
    """
    why: dict[str, list[str]] = {who: list(reasons) for who, reasons in (signing or {}).items()}
    for name, owner in (handed_over or {}).items():
        why.setdefault(owner, []).append(f"owns {name}, which is handed over")
    for one in comparisons:
        if one.grade >= Grade.DANGEROUS:
            why.setdefault(owners.get(one.contract, "nobody"), []).append(
                f"owns {one.contract}, whose change is {one.grade}"
            )
    for effect in releases:
        if not effect.is_same and effect.rows_before and (effect.removed or effect.changed):
            reason = f"owns {effect.dataset}, whose rows change"
            why.setdefault(owners.get(effect.dataset, "nobody"), []).append(reason)
    changed = {one.contract.partition(".")[0] for one in comparisons} | {
        e.dataset.partition(".")[0] for e in releases if not e.is_same
    }
    for reader in found:
        if reader.grade == "breaking" or (reader.grade == "dangerous" and reader.product not in changed):
            reason = f"owns {reader.kind} {reader.product}.{reader.name}, which reads {reader.because[0]}"
            if len(reader.because) > 1:
                reason += f" and {len(reader.because) - 1} more"
            # What is no dataset, such as a page or an alert, is its product's.
            dataset = "" if reader.kind in _OF_PRODUCT else f"{reader.product}.{reader.name.partition('/')[0]}"
            before = owners.get(dataset) or owners.get(reader.product) or reader.owner
            why.setdefault(before, []).append(reason)
    return tuple(Approval(who=who, why=tuple(dict.fromkeys(reasons))) for who, reasons in sorted(why.items()))
