"""Installs exactly what the lock files name into `.venv` (or `.venv-bench`), and does nothing when that is already so.

Belongs here: when an environment is up to date, how it is filled, what happens when that is interrupted or done twice at
once. Does not belong here: finding a Python (`setup.sh`) and choosing versions (`lock.py`). Standard library only: this
runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".setup"
UV_LOCK = ROOT / "requirements" / "uv.txt"


@dataclass(frozen=True)
class Level:
    """One way to fill an environment: which folder, which lock file, and which larger levels contain it."""

    name: str
    venv: Path
    lock: Path
    contained_in: tuple[str, ...] = ()
    alone: bool = False
    """Only what its lock names, without civicops: what cannot be installed beside it."""

    @property
    def stamp(self) -> Path:
        """Written last, with all that decided what was installed; so it is absent or different when work is left."""
        return self.venv / f".setup-{self.name}"

    @property
    def busy(self) -> Path:
        """There from the first change to an environment until it is whole; found at the start, it means a half-made one."""
        return self.venv / ".setup-busy"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"


LEVELS = {
    level.name: level
    for level in (
        Level("runtime", ROOT / ".venv", ROOT / "requirements" / "lock.txt", contained_in=("dev",)),
        Level("dev", ROOT / ".venv", ROOT / "requirements" / "dev.txt"),
        Level("bench", ROOT / ".venv-bench", ROOT / "requirements" / "bench.txt"),
        Level("bench-grades", ROOT / ".venv-bench-grades", ROOT / "requirements" / "bench_grades.txt", alone=True),
    )
}


class SetupError(Exception):
    """A failure that ends the set-up with one line for the person at the keyboard."""


def inputs(level: Level, version: str) -> bytes:
    """Everything that decides what the environment holds: its place, its Python and the files it is made from."""
    parts = [f"{level.venv}\n{version}\n".encode()]
    parts += [path.read_bytes() for path in (ROOT / "pyproject.toml", UV_LOCK, level.lock)]
    return b"\0".join(parts)


def is_current(level: Level, version: str) -> bool:
    """Whether the environment holds what `level` asks for, made whole, by a Python of this version."""
    if level.busy.exists() or not level.python.exists():
        return False
    for name in (level.name, *level.contained_in):
        candidate = LEVELS[name]
        if candidate.stamp.exists() and candidate.stamp.read_bytes() == inputs(candidate, version):
            return True
    return False


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(*command: str | Path, quiet: bool = False) -> bool:
    """Run a command; with `quiet` its output is kept back. True when it succeeded."""
    sink = subprocess.DEVNULL if quiet else None
    words = [str(part) for part in command]
    # close_fds=False hands down the lock: should we be killed, the next set-up waits until our child is gone as well.
    return subprocess.run(words, cwd=ROOT, stdout=sink, stderr=sink, close_fds=False, check=False).returncode == 0


def version_of(python: Path) -> str:
    """Version of an interpreter, or '' when it does not start or is not the one of the folder it lies in."""
    code = "import sys; print(sys.version.split()[0], sys.prefix)"
    try:
        answer = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    version, _, prefix = answer.strip().partition(" ")
    return version if Path(prefix) == python.parent.parent else ""


def knows_its_place(level: Level) -> bool:
    """Whether its programs start the Python beside them: in a folder that was moved or copied they start another one, or none."""
    try:
        return str(level.python) in (level.venv / "bin" / "pip").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def can_be_kept(level: Level) -> bool:
    """Whether an existing environment can be brought up to date, rather than made anew.

    Any Python that we support will do, unless PYTHON names one.
    """
    version = version_of(level.python)
    here = sys.version.split()[0]
    if level.busy.exists() or not version or not knows_its_place(level):
        return False
    if not (3, 11) <= tuple(map(int, version.split(".")[:2])) < (3, 14):
        return False
    return version == here or not os.environ.get("PYTHON")


def make_venv(level: Level) -> None:
    if level.venv.exists():
        say(f"making {level.venv.name} anew: half made, moved, or its Python is not there")
        shutil.rmtree(level.venv)
    level.venv.mkdir()
    level.busy.touch()
    if not run(sys.executable, "-I", "-m", "venv", level.venv):
        raise SetupError(f"{level.venv.name} could not be made with {sys.executable}; see the lines above.")


def pip(level: Level, *arguments: str | Path, quiet: bool = False) -> bool:
    return run(level.python, "-I", "-m", "pip", "--disable-pip-version-check", *arguments, quiet=quiet)


def pinned_uv() -> Path:
    """Where the uv of the pinned version lies, or will lie."""
    match = re.search(r"^uv==(\S+)", UV_LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise SetupError(f"{UV_LOCK} names no version of uv; `git checkout` it.")
    return STATE / f"uv-{match[1]}" / "bin" / "uv"


def ensure_uv(level: Level) -> Path | None:
    """The installer, fetched once per checkout by pip and checked by its hash; None where that is not possible."""
    wanted = pinned_uv()
    if not wanted.exists():
        # Into a name of its own first: an interrupted download must not look like a finished one.
        partial = STATE / f"uv-part-{os.getpid()}"
        lock = ["--require-hashes", "--only-binary", ":all:", "-r", str(UV_LOCK)]
        if not pip(level, "install", "-q", "--no-deps", "--target", partial, *lock, quiet=True):
            shutil.rmtree(partial, ignore_errors=True)
            other = shutil.which("uv")
            return Path(other) if other else None
        shutil.rmtree(wanted.parent.parent, ignore_errors=True)
        partial.rename(wanted.parent.parent)
    return wanted


def install(level: Level) -> None:
    """Fill the environment: locked packages, each checked by its hash, then this repository itself, editable."""
    count = len(re.findall(r"^\S+==", level.lock.read_text(encoding="utf-8"), re.MULTILINE))
    say(f"installing {count} packages into {level.venv.name}")
    uv = ensure_uv(level)
    sync = [
        "pip",
        "sync",
        "-q",
        "--python",
        str(level.python),
        "--require-hashes",
        "--no-build",
        "--compile-bytecode",
        str(level.lock),
    ]
    # uv first; then from its cache alone, for a laptop on a train; then pip, which knows a private index or proxy that
    # is written into pip's own configuration.
    done = uv is not None and (run(uv, *sync, quiet=True) or run(uv, "--offline", *sync, quiet=True))
    if not done:
        say("uv could not install them; trying pip, which takes a minute or two longer")
        lock = ["--require-hashes", "--only-binary", ":all:", "-r", str(level.lock)]
        if not pip(level, "install", "-q", "--no-deps", *lock):
            raise SetupError("the packages could not be installed; see pip's lines above. Is there a network?")
    if level.alone:
        return
    # The build tools are in the lock, so this needs neither network nor a build environment of its own.
    if not pip(level, "install", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-e", ROOT):
        raise SetupError("the packages are there but civicops itself could not be installed; see pip's lines above.")


@contextmanager
def alone(path: Path, what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file `path`; `say` is told that another `what` is being waited for.

    Children keep it too. The system lets go of it when the processes that hold it end, however they end.
    """
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another {what} is running here; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def bring_up_to_date(level: Level) -> None:
    """Make the environment of `level` current. Safe to interrupt, and safe to run twice at once."""
    with alone(STATE / f"lock{level.venv.name}", "set-up", say):
        keep = can_be_kept(level)
        if keep and is_current(level, version_of(level.python)):
            return
        started = time.monotonic()
        # An environment that has the development tools keeps them.
        larger = [LEVELS[name] for name in level.contained_in if keep and LEVELS[name].stamp.exists()]
        level = larger[0] if larger else level
        if not keep:
            make_venv(level)
        level.busy.touch()
        for other in LEVELS.values():
            if other.venv == level.venv:
                other.stamp.unlink(missing_ok=True)
        install(level)
        version = version_of(level.python)
        level.stamp.write_bytes(inputs(level, version))
        level.busy.unlink()
        say(f"{level.venv.name} is ready: Python {version}, {time.monotonic() - started:.0f} s")


def main(arguments: list[str]) -> int:
    level = LEVELS[arguments[0]]
    if "--is-current" in arguments:
        return 0 if is_current(level, sys.version.split()[0]) else 1
    try:
        bring_up_to_date(level)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; the next one starts over", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
