"""Python code of a product's folder, loaded wherever the workspace keeps its products.

Belongs here: one way to import a module of a product so that it may import its neighbours relatively (`from .cleaning import
...`). Does not belong here: what the module must hold, and the error for one that does not load; whoever asks for it says so.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import threading
from pathlib import Path
from types import ModuleType

from civicops.errors import CivicopsError

_LOADING = threading.Lock()


class ProductCodeError(CivicopsError):
    """A module of a product that cannot be loaded."""


def load_code(folder: Path, name: str) -> ModuleType | None:
    """The module `name` of the product in `folder`; None when there is no such file.

    It lives in a package of its own per folder and version of the product's code, so that a mended file is read anew.
    Raises `ProductCodeError` that names the file for one that cannot be loaded.
    """
    path = folder / f"{name}.py"
    if not path.is_file():
        return None
    try:
        return import_code(folder, name, code_hash(folder))
    except CivicopsError:
        raise
    except ModuleNotFoundError as error:
        raise ProductCodeError(
            f"{path} cannot be loaded: it needs '{error.name}', which is not installed.",
            hint="Install what the product names under 'extras': pip install 'civicops[listings]' for example.",
        ) from error
    except Exception as error:
        raise ProductCodeError(
            f"{path} cannot be loaded: {type(error).__name__}: {error}", hint="Mend the file."
        ) from error


def code_hash(folder: Path) -> str:
    """A hash (16 hex digits) over the names and bytes of every Python file of the product in `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def import_code(folder: Path, name: str, version: str) -> ModuleType:
    """A module of the product in `folder`, such as `monitors` or `pages.hours`, in a package of its own per folder and `version`
    of the product's code (`code_hash`). Raises whatever its code raises."""
    place = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    package = f"civicops_product_{folder.name}_{place}_{version}"
    with _LOADING:
        if package not in sys.modules:
            module = ModuleType(package)
            module.__path__ = [str(folder)]
            sys.modules[package] = module
        try:
            return importlib.import_module(f"{package}.{name}")
        except BaseException:
            # What was half loaded must not be found by the next try.
            sys.modules.pop(f"{package}.{name}", None)
            raise
