"""What a product's own Python reads of releases: its pages, their charts and files, its monitors.

Belongs here: finding the SQL in that code without running it, and its lineage. Does not belong here: running pages
(`civicops.portal`) or monitors (`civicops.observe`), models (`models`).

From `PAGE = Page(...)` every function a page names is followed to all it uses, also in modules it imports relatively. SQL that
stands there whole is followed exactly. Where some of it is put together while running, every column counts that any text in
reach names, of every dataset that any text names: rather one too many than one missed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from civicops.errors import CivicopsError
from civicops.lineage.describe import released_node
from civicops.lineage.sql import query_lineage
from civicops.lineage.values import DIRECT, Edge, Inputs, LineageError, Node, merged
from civicops.texts import read_text
from civicops.workspace import Product, Workspace

_SQL = re.compile(r"\b(select|from)\b", re.IGNORECASE)
_WHOLE = re.compile(r"\s*(with|select|from)\b.*\bfrom\b|\s*from\b", re.IGNORECASE | re.DOTALL)
_STAR = re.compile(r"\bselect\s+(distinct\s+)?(\w+\.)?\*", re.IGNORECASE)
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_UNKNOWN = "__unknown__"


def reader_edges(workspace: Workspace, product: Product) -> Iterator[Edge]:
    """Edges from released columns to the pages, charts, files and monitors of one product's own code."""
    tables = _readable(workspace, product)
    modules: dict[Path, _Module] = {}
    owner = product.file.owner
    for path in sorted((product.folder / "pages").glob("*.py")):
        module = _load(path, modules)
        if module is None or (page := module.page) is None:
            continue
        whole = Node("page", product.name, path.stem, None, owner)
        for part, names in page.items():
            if part == "context":
                node = whole
            else:
                kind, name = ("map_file", f"{path.stem}/files") if part == "build" else ("chart", f"{path.stem}/{part}")
                node = Node("map_file" if kind == "map_file" else "chart", product.name, name, None, owner)
                yield Edge(node, whole, "derived")
            yield from _edges(workspace, product, _reads(_reached(module, names, modules), tables), node)
    path = product.folder / "monitors.py"
    if (module := _load(path, modules)) is not None:
        node = Node("monitor", product.name, "own rules", None, owner)
        yield from _edges(workspace, product, _reads(_reached(module, module.definitions, modules), tables), node)
        for route in product.file.alerts or ("default",):
            yield Edge(node, Node("alert", product.name, route, None, owner), "derived")


def page_queries(product: Product) -> Iterator[tuple[str, str]]:
    """The name of a page and SQL that stands whole in what it leads to, each once: what may be put to the engine as it is."""
    modules: dict[Path, _Module] = {}
    for path in sorted((product.folder / "pages").glob("*.py")):
        module = _load(path, modules)
        if module is not None and (page := module.page) is not None:
            names = [name for part in page.values() for name in part]
            texts = dict.fromkeys(text for part in _reached(module, names, modules) for text in _texts(part))
            yield from ((path.stem, text) for text in texts if _WHOLE.match(text) and _UNKNOWN not in text)


def query_reads(workspace: Workspace, product: Product, sql: str) -> Inputs:
    """What one query that a page asks of its releases reads: (dataset, column or None) and how. Raises `LineageError`."""
    return _by_dataset(_followed(sql, _readable(workspace, product)))


def _readable(workspace: Workspace, product: Product) -> dict[str, tuple[str, ...]]:
    """The columns of every dataset that the product's pages may ask, under the name that their SQL uses."""
    found = {f"main.{contract.dataset}": contract.offered_names for contract in product.published}
    for name in (*product.file.reads, *product.file.shows):
        owner, _, dataset = name.partition(".")
        try:
            found[name] = workspace.product(owner).contract(dataset).offered_names
        except CivicopsError:
            continue
    return found


def _edges(workspace: Workspace, product: Product, reads: Inputs, node: Node) -> Iterator[Edge]:
    for (dataset, column), how in reads.items():
        owner, _, name = dataset.rpartition(".")
        origin = released_node(workspace.product(owner) if owner else product, name, column)
        yield Edge(origin, node, "derived" if how == "copied" and column is None else how)


@dataclass
class _Module:
    """A Python file: what it defines, and what it imports relatively."""

    path: Path
    tree: ast.Module
    imports: dict[str, tuple[Path, str]] = field(default_factory=dict)

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        found: dict[str, ast.stmt] = {}
        for statement in self.tree.body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                found[statement.name] = statement
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    found |= {name.id: statement for name in ast.walk(target) if isinstance(name, ast.Name)}
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                found[statement.target.id] = statement
        return found

    @property
    def page(self) -> dict[str, tuple[str, ...]] | None:
        """The names that `PAGE = Page(...)` uses, by chart, and under `context` and `build`; None without a page."""
        statement = self.definitions.get("PAGE")
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or not isinstance(statement.value, ast.Call):
            return None
        found: dict[str, tuple[str, ...]] = {"context": ()}
        for keyword in statement.value.keywords:
            if keyword.arg in ("context", "build"):
                found[keyword.arg] = _names_in(keyword.value)
            if keyword.arg == "charts" and isinstance(keyword.value, ast.Dict):
                for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                    if isinstance(key, ast.Constant):
                        found[str(key.value)] = _names_in(value)
        return found


def _names_in(node: ast.AST) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.id for item in ast.walk(node) if isinstance(item, ast.Name)))


def _load(path: Path, modules: dict[Path, _Module]) -> _Module | None:
    if path in modules:
        return modules[path]
    try:
        module = _Module(path, ast.parse(read_text(path)))
    except (OSError, SyntaxError, ValueError):
        return None  # whoever runs it says what is wrong with it
    modules[path] = module
    for statement in ast.walk(module.tree):
        if isinstance(statement, ast.ImportFrom) and statement.level:
            folder = path.parent
            for _ in range(statement.level - 1):
                folder = folder.parent
            for alias in statement.names:
                found = _imported(folder, statement.module, alias.name)
                if found is not None:
                    module.imports[alias.asname or alias.name] = found
    return module


def _imported(folder: Path, module: str | None, name: str) -> tuple[Path, str] | None:
    """The file that a relative import means, and the name in it; an empty name is the whole file."""
    base = folder.joinpath(*module.split(".")) if module else folder
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if module and path.is_file():
            inner = base / f"{name}.py"
            return (
                (inner, "")
                if path.name == "__init__.py" and inner.is_file() and not _defines(path, name)
                else (path, name)
            )
    inner = base / f"{name}.py"
    return (inner, "") if inner.is_file() else None


def _defines(path: Path, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", read_text(path)) is not None


@dataclass(frozen=True)
class _Part:
    module: _Module
    statement: ast.stmt


def _reached(module: _Module, names: Iterable[str], modules: dict[Path, _Module]) -> list[_Part]:
    """All definitions that these names lead to."""
    found: dict[int, _Part] = {}
    waiting: list[tuple[_Module, str]] = [(module, name) for name in names]
    seen: set[tuple[Path, str]] = set()
    while waiting:
        at, name = waiting.pop()
        if (at.path, name) in seen:
            continue
        seen.add((at.path, name))
        statement = at.definitions.get(name)
        if statement is not None:
            found[id(statement)] = _Part(at, statement)
            waiting += [(at, other) for other in _names_in(statement)]
        elif name in at.imports:
            path, inner = at.imports[name]
            if (other := _load(path, modules)) is not None:
                waiting += [(other, one) for one in ([inner] if inner else other.definitions)]
    return list(found.values())


def _reads(parts: Sequence[_Part], tables: Mapping[str, Sequence[str]]) -> Inputs:
    """What the SQL in these definitions reads, by dataset and column."""
    texts = [text for part in parts for text in _texts(part)]
    exact: list[Inputs] = [{(name, None): "filtered"} for name in _named_datasets(parts, tables)]
    unclear = False
    for text in texts:
        if not _SQL.search(text):
            continue
        try:
            exact.append(_by_dataset(_followed(text, tables)))
        except LineageError:
            unclear = True
    if unclear:
        exact.append(_mentioned(texts, tables))
    return merged(exact)


def _followed(sql: str, tables: Mapping[str, Sequence[str]]) -> Inputs:
    found = query_lineage(sql, tables)
    return merged([*found.columns.values(), found.rows])


def _by_dataset(inputs: Inputs) -> Inputs:
    return {(table.removeprefix("main."), column): how for (table, column), how in inputs.items()}


def _mentioned(texts: Sequence[str], tables: Mapping[str, Sequence[str]]) -> Inputs:
    words = {word for text in texts for word in _WORD.findall(text.lower())}
    every = any(_STAR.search(text) for text in texts)
    found: dict[tuple[str, str | None], str] = {}
    for table, columns in tables.items():
        dataset = table.removeprefix("main.")
        if dataset.rpartition(".")[2] not in words:
            continue
        starred = every and any(_STAR.search(text) and re.search(rf"\b{re.escape(dataset)}\b", text) for text in texts)
        found[dataset, None] = "filtered"
        found |= {(dataset, column): "derived" for column in columns if starred or column in words}
    return {item: "derived" if how in DIRECT else "filtered" for item, how in found.items()}


def _named_datasets(parts: Sequence[_Part], tables: Mapping[str, Sequence[str]]) -> set[str]:
    """Datasets asked for by name: `releases["x"]`, `"x" in releases`, a list of names."""
    known = {table.removeprefix("main.") for table in tables}
    found: set[str] = set()
    for part in parts:
        for node in ast.walk(part.statement):
            held: list[ast.AST] = []
            if isinstance(node, ast.Subscript):
                held = [node.slice]
            elif isinstance(node, ast.Compare):
                held = [node.left, *node.comparators]
            elif isinstance(node, (ast.Set, ast.Tuple, ast.List)):
                held = list(node.elts)
            found |= {str(item.value) for item in held if isinstance(item, ast.Constant) and item.value in known}
    return found


def _texts(part: _Part) -> Iterator[str]:
    """Every text in a definition but its docstrings; of an f-string what is known before running."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(part.statement)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.body and isinstance(node.body[0], ast.Expr)
    }
    inner: set[int] = set()
    for node in ast.walk(part.statement):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(item) for item in ast.walk(node)} - {id(node)}
            if id(node) not in inner:
                yield _joined(node, part.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | inner:
            yield node.value


def _joined(node: ast.JoinedStr, module: _Module, depth: int = 0) -> str:
    pieces = []
    for piece in node.values:
        if isinstance(piece, ast.Constant):
            pieces.append(str(piece.value))
        elif isinstance(piece, ast.FormattedValue) and isinstance(piece.value, ast.Name) and depth < 8:
            pieces.append(_constant(module, piece.value.id, depth + 1))
        else:
            pieces.append(_UNKNOWN)
    return "".join(pieces)


def _constant(module: _Module, name: str, depth: int) -> str:
    statement = module.definitions.get(name)
    value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    return _joined(value, module, depth) if isinstance(value, ast.JoinedStr) else _UNKNOWN
