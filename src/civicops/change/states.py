"""Two states of a repository: a commit, and the files as they lie there now.

Belongs here: finding the repository around a workspace, taking the products of a commit out of it, which files differ and what
kind of file each is. Does not belong here: what a difference means (`grade`) or does (`civicops.orchestrate.planning`).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from civicops import git
from civicops.errors import CivicopsError
from civicops.product_files import OUTSIDE_DATA, FileKind, blob_hash, kind_of
from civicops.texts import read_text
from civicops.workspace import SETTINGS_FILE, Workspace, read_settings

_LOOKED_AT = 50
"""How many commits back one is looked for that can be read."""


class StateError(CivicopsError):
    """The two states cannot be had: no repository, no such commit."""


@dataclass(frozen=True)
class State:
    """The products of a workspace at one moment.

    `files` gives product -> path in its folder -> sha256 of the content; `settings` product -> hash of its part of
    `civicops.toml` (the values themselves may hold secrets), and under no name that of what data of all products depend on.
    """

    workspace: Workspace
    commit: str | None
    is_dirty: bool
    files: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """A hash over all of it but the commit: two equal ones are the same state."""
        content = [
            sorted((name, sorted(files.items())) for name, files in self.files.items()),
            sorted(self.settings.items()),
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class FileChange:
    """One file, or the settings, of one product that differ; `product` is empty for what all of them share."""

    product: str
    path: str
    kind: FileKind
    how: Literal["added", "changed", "removed"]

    @property
    def touches_data(self) -> bool:
        """Whether what a run makes can depend on it."""
        return self.kind not in OUTSIDE_DATA


@dataclass(frozen=True)
class Branch:
    """What is checked out, against a base: how many commits it is ahead, how many of the base it lacks (`missing`).

    `touched`: files that are there and differ from the base, committed or not, as resolved paths; `gone`: those that are there no
    more.
    """

    name: str
    base: str
    commit: str
    ahead: int
    missing: int
    is_dirty: bool
    touched: tuple[Path, ...]
    gone: tuple[Path, ...]


class Repository:
    """The git repository around a workspace's products."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        products = workspace.products_folder.resolve()
        if not git.is_installed():
            raise StateError("git is not installed.", hint="A plan compares two states of a git repository.")
        top = git.ask(products, "rev-parse", "--show-toplevel")
        if top is None:
            message = f"{products} is not in a git repository, so there is nothing to compare it with."
            raise StateError(message, hint="`git init`, `git add` and `git commit` it once.")
        self.top = Path(top.strip()).resolve()
        self.products = products.relative_to(self.top)

    def base(self, ref: str = "") -> tuple[str, str]:
        """The name and the commit to compare with: `ref`, else the main branch, else (on it) the last commit.

        Raises `StateError` for a commit that does not exist, is not fetched (a shallow clone), or no longer exists.
        """
        chosen = ref or self._main() or "HEAD"
        commit = self.git("rev-parse", "--verify", "--quiet", f"{chosen}^{{commit}}")
        if commit is None:
            is_shallow = (self.git("rev-parse", "--is-shallow-repository") or "").strip() == "true"
            hint = "`git branch -a` lists what there is."
            if is_shallow:
                hint = "This clone holds only its newest commits: `git fetch --unshallow` gets the others."
            raise StateError(f"There is no commit '{chosen}' in this repository.", hint=hint)
        if self.git("cat-file", "-e", f"{commit.strip()}:{self.products.as_posix()}") is None:
            raise StateError(
                f"'{chosen}' has no folder {self.products.as_posix()}.", hint="Name a commit that has the products."
            )
        return chosen, commit.strip()

    def branch(self, ref: str = "") -> Branch:
        """What is checked out, against the commit `ref` (as `base` reads it). Raises `StateError`."""
        base, commit = self.base(ref)
        name = (self.git("rev-parse", "--abbrev-ref", "HEAD") or "").strip()
        counts = (self.git("rev-list", "--left-right", "--count", f"{commit}...HEAD") or "0 0").split()
        listed = (self.git("diff", "--name-only", "--no-renames", "-z", "--diff-filter=d", commit) or "").split("\0")
        gone = (self.git("diff", "--name-only", "--no-renames", "-z", "--diff-filter=D", commit) or "").split("\0")
        listed += (self.git("ls-files", "-z", "--others", "--exclude-standard") or "").split("\0")
        return Branch(
            name=name if name not in ("", "HEAD") else (self.git("rev-parse", "--short", "HEAD") or "HEAD").strip(),
            base=base,
            commit=commit,
            ahead=int(counts[1]),
            missing=int(counts[0]),
            is_dirty=bool((self.git("status", "--porcelain") or "").strip()),
            touched=tuple(sorted({(self.top / item).resolve() for item in listed if item})),
            gone=tuple(sorted({(self.top / item).resolve() for item in gone if item})),
        )

    def text(self, commit: str, path: Path) -> str | None:
        """A file of the repository as it was in a commit; `None` when it was not there."""
        return self.git("show", f"{commit}:{path.resolve().relative_to(self.top).as_posix()}")

    def data_files(self, commit: str) -> dict[str, dict[str, str]]:
        """Product to its `data_files` as they were in a commit; nothing where git does not know it."""
        found: dict[str, dict[str, str]] = {}
        for path, blob in self.blobs(commit, self.top / self.products).items():
            product, _, name = path.partition("/")
            if name and kind_of(name) not in OUTSIDE_DATA:
                found.setdefault(product, {})[name] = blob
        return found

    def blobs(self, commit: str, folder: Path) -> dict[str, str]:
        """Path below a folder of the repository to git's hash of the content, as they were in a commit."""
        inside = folder.resolve().relative_to(self.top).as_posix()
        listed = self.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{inside}/") or ""
        entries = [line.partition("\t") for line in listed.split("\0") if line]
        return {path.removeprefix(f"{inside}/"): words.split()[2] for words, _, path in entries}

    def blobs_now(self, folder: Path) -> dict[str, str]:
        """The same of the files as they lie there, committed or not; what git ignores does not count."""
        inside = folder.resolve().relative_to(self.top).as_posix()
        listed = self.git("ls-files", "-z", "-co", "--exclude-standard", "--", f"{inside}/") or ""
        paths = [self.top / name for name in sorted(set(listed.split("\0"))) if name]
        return {path.relative_to(self.top / inside).as_posix(): blob_hash(path) for path in paths if path.is_file()}

    def back_from(self, commit: str, *paths: Path) -> Iterator[str]:
        """A commit and, where more are asked for, those before it along its branch: the newest fifty, of `paths` those that
        touched them."""
        yield commit
        inside = [path.resolve().relative_to(self.top).as_posix() for path in paths]
        listed = self.git("rev-list", "--first-parent", f"--max-count={_LOOKED_AT}", commit, "--", *inside) or ""
        yield from (one for one in listed.split() if one != commit)

    def distance(self, commit: str) -> int | None:
        """How many commits of HEAD a commit of its history lacks; None when it is not in its history, or not there at all."""
        if self.git("merge-base", "--is-ancestor", commit, "HEAD") is None:
            return None
        return int((self.git("rev-list", "--count", f"{commit}..HEAD") or "0").strip())

    def is_on_main(self) -> bool:
        """Whether what is checked out is what branches are made from; so too where no branch is called main or master."""
        return not self._main()

    def _main(self) -> str:
        here = (self.git("rev-parse", "--abbrev-ref", "HEAD") or "").strip()
        for name in ("main", "master"):
            if here != name and self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{name}") is not None:
                return name
        return ""

    def at(self, commit: str, folder: Path) -> State:
        """The state of a commit, its products written below `folder`. Raises `StateError` when git cannot give it."""
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [self.products.as_posix()]
        settings_path = _within(self.workspace.root / SETTINGS_FILE, self.top)
        if settings_path and self.git("cat-file", "-e", f"{commit}:{settings_path.as_posix()}") is not None:
            wanted.append(settings_path.as_posix())
        content, said = git.ask_bytes(self.top, "archive", "--format=tar", commit, "--", *wanted)
        if content is None:
            raise StateError(f"git cannot give commit {commit[:12]}: {said}", hint="`git fsck` says what is damaged.")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(folder, filter="data")
        settings = self.workspace.settings
        if len(wanted) > 1:
            settings = read_settings(folder / wanted[1])
        table = settings.workspace.model_copy(
            update={"products": str(folder / self.products), "data": str(self.workspace.data)}
        )
        settings = settings.model_copy(update={"workspace": table})
        workspace = Workspace(self.workspace.root, settings, self.workspace.today)
        root = folder / self.products
        paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
        return State(workspace, commit, False, _hashes(root, paths), _settings(workspace))

    def now(self) -> State:
        """The state of the files as they lie there, committed or not; what git ignores does not count."""
        root = self.top / self.products
        listed = self.git("ls-files", "-z", "-co", "--exclude-standard", "--", self.products.as_posix()) or ""
        paths = sorted({self.top / name for name in listed.split("\0") if name})
        commit = self.git("rev-parse", "HEAD")
        dirty = bool((self.git("status", "--porcelain", "--", self.products.as_posix()) or "").strip())
        files = _hashes(root, [path for path in paths if path.is_file()])
        return State(self.workspace, commit.strip() if commit else None, dirty, files, _settings(self.workspace))

    def git(self, *words: str) -> str | None:
        """What git answers in this repository, or None when it says no."""
        return git.ask(self.top, *words)


def readable(repository: Repository, commit: str, folder: Path) -> tuple[State, str]:
    """The state of a commit, its products written below `folder`; where they cannot be read, that of the newest commit before it,
    along the branch, whose products can, and a sentence that says so (else empty).

    Whoever mends what cannot be read compares with what there was before, and not with what nobody could use. Raises `StateError`
    when git cannot give a commit, or when none of the newest fifty can be read.
    """
    said = ""
    for number, one in enumerate(repository.back_from(commit)):
        place = folder / str(number)
        try:
            state = repository.at(one, place)
            _read(state)
        except StateError:
            if not said:
                raise
            break
        except CivicopsError as error:
            words = error.message.replace(f"{place / repository.products}/", "").replace(f"{place}/", "")
            said = said or " ".join(words.split())
            continue
        instead = f"commit {commit[:12]} cannot be read, so this compares with {one[:12]}, the newest before it that can: {said}"
        return state, instead if said else ""
    raise StateError(
        f"Commit {commit[:12]} cannot be read, nor can those before it: {said}",
        hint="Name one that can be read with --base; `git log` lists them.",
    )


def _read(state: State) -> None:
    """Raise what reading the products raises, and for a lookup or review that is no text, which is read only when it is asked."""
    for product in state.workspace.products:
        for path in state.files.get(product.name, {}):
            if kind_of(path) in ("lookup", "ethics"):
                read_text(product.folder / path)


def differing(base: State, head: State) -> tuple[FileChange, ...]:
    """Every file and every product's settings that differ, by product and path."""
    found: list[FileChange] = []
    for product in sorted({*base.files, *head.files}):
        before, after = base.files.get(product, {}), head.files.get(product, {})
        for path in sorted({*before, *after}):
            if before.get(path) != after.get(path):
                how = "added" if path not in before else "removed" if path not in after else "changed"
                found.append(FileChange(product, path, kind_of(path), how))  # type: ignore[arg-type]
        if product in base.files and product in head.files and base.settings.get(product) != head.settings.get(product):
            found.append(FileChange(product, SETTINGS_FILE, "settings", "changed"))
    return tuple(found)


def _hashes(root: Path, paths: list[Path]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        product, *rest = path.relative_to(root).parts
        if rest and "__pycache__" not in rest:
            found.setdefault(product, {})["/".join(rest)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return {name: files for name, files in found.items() if "product.yaml" in files}


def content_hash(value: Any) -> str:
    """A hash over a value of mappings, lists and what can be written as text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _settings(workspace: Workspace) -> dict[str, str]:
    shared = workspace.settings.model_dump(mode="json", include={"engine", "retention"})
    return {"": content_hash(shared)} | {
        name: content_hash(table) for name, table in workspace.settings.products.items()
    }


def _within(path: Path, top: Path) -> Path | None:
    try:
        return path.resolve().relative_to(top)
    except ValueError:
        return None
