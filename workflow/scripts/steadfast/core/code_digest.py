"""Digests of code, which determine whether a change of the code makes a result stale.

Snakemake does not see edits to imported modules, and it sees a touched script as a changed one. A digest of a script
and of every package module that it reaches (without comments, docstrings, descriptions of settings and formatting)
determines exactly when a result must be recomputed. Modules of plug-ins are followed like those of the package; other
libraries are not, since the environment's lock pins them.
"""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from steadfast.core.registry import located, plug_in_packages

PACKAGE = "steadfast"
ROOT = Path(__file__).resolve().parents[1]
# modules that do not affect results: the version, progress logs, paths of results, and messages about invalid settings
NO_RESULT = frozenset(
    {"__init__.py", "core/progress.py", "core/setting_errors.py", "core/setting_schemas.py", "grid/paths.py"}
)
# calls that declare a setting, with arguments that are only documentation
FIELDS = frozenset({"Field", "optional", "nested"})
DESCRIPTIONS = frozenset({"description", "title", "examples"})
# version of the analysis of a file
METHOD = f"{sys.version_info[:2]}".encode() + Path(__file__).read_bytes()


def code_digest(*roots: str | Path) -> str:
    """Digest of the given scripts (paths) and modules (dotted names) and of all package modules they import.

    Imports inside functions are included. Modules loaded by name through a registry are not imported statically: pass
    the selected one as a further root, by its name in the registry if it is a plug-in.

    Returns:
        The first 16 hex digits of a SHA-256.

    Raises:
        ModuleNotFoundError: a dotted name is neither a module of the package nor one of a plug-in.
    """
    starts = [os.path.realpath(root) for root in roots if str(root).endswith(".py")]
    for root in roots:
        if not str(root).endswith(".py"):
            starts += _require(located(str(root)))
    lines = sorted(_line(file) for file in _reached(starts))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def remember_in(folder: str | Path) -> None:
    """Cache the facts about each file in ``folder``, by the file's content, for later processes.

    Parsing 200 files takes a second, which every start of Snakemake would repeat.
    """
    global _memory
    _memory = Path(folder)
    with suppress(OSError):
        _memory.mkdir(parents=True, exist_ok=True)


_memory: Path | None = None


@dataclass(frozen=True)
class _Facts:
    """Properties of a file for a digest.

    Attributes:
        meaning: hash of the code without comments, docstrings and formatting.
        imports: per import its level (dots), module and names.
    """

    meaning: str
    imports: tuple[tuple[int, str, tuple[str, ...]], ...]


def _reached(starts: Iterable[str]) -> set[str]:
    """The given files and all their direct and indirect imports."""
    seen: set[str] = set()
    waiting = set(starts)
    while waiting:
        seen |= waiting
        waiting = {imported for file in waiting for imported in _imports(file)} - seen
    return seen


@cache
def _line(file: str) -> str:
    """A file's line in a digest."""
    return f"{'/'.join(_place(file))} {_facts(file).meaning}"


@cache
def _imports(file: str) -> frozenset[str]:
    found: set[str] = set()
    for level, module, names in _facts(file).imports:
        absolute = _absolute(level, module, file)
        for name in (absolute, *(f"{absolute}.{name}" for name in names)):
            found.update(_module_files(name))
    return frozenset(found)


def _absolute(level: int, module: str, file: str) -> str:
    """Dotted name of the module that an import names, relative imports resolved."""
    parts = _place(file)
    if level == 0 or len(parts) == 1:
        return module
    package = parts[:-level]
    return ".".join((*package, module) if module else package)


def _homes(top: str) -> tuple[str, ...]:
    """Folders of a top-level package that digests follow, or a module's path without its suffix; none of others."""
    return (str(ROOT),) if top == PACKAGE else _homes_of_plug_in(top)


@cache
def _homes_of_plug_in(top: str) -> tuple[str, ...]:
    spec = find_spec(top) if top in plug_in_packages() else None
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(os.path.realpath(folder) for folder in spec.submodule_search_locations)
    return (os.path.realpath(spec.origin or top).removesuffix(".py"),)


@cache
def _module_files(name: str) -> tuple[str, ...]:
    """Files that importing ``name`` runs: the module's, and the ``__init__`` of every package above it."""
    above, _, _ = name.rpartition(".")
    return (*(_module_files(above) if above else ()), *(file for file in _own_files(name) if not _no_result(file)))


def _own_files(name: str) -> list[str]:
    """The file of a module or package, without those of the packages above it."""
    top, *parts = name.split(".")
    bases = [os.path.join(home, *parts) for home in _homes(top)]
    files = (file for base in bases for file in (os.path.join(base, "__init__.py"), f"{base}.py"))
    # imported names are looked up as well, as if the module were a package
    return [file for file in files if os.path.basename(file) in _listed(os.path.dirname(file))]


@cache
def _listed(folder: str) -> frozenset[str]:
    """Names in a folder; none if it does not exist. Faster than one query per file."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def _no_result(file: str) -> bool:
    inside = file.removeprefix(f"{ROOT}{os.sep}")
    return inside.replace(os.sep, "/") in NO_RESULT


def _require(name: str) -> tuple[str, ...]:
    if not _own_files(name):
        raise ModuleNotFoundError(f"no module {name!r} in {PACKAGE} or a plug-in")
    return _module_files(name)


@cache
def _place(file: str) -> tuple[str, ...]:
    """Parts of a file's path from its top-level package on; its name alone if it belongs to none that is followed."""
    for top in (PACKAGE, *sorted(plug_in_packages())):
        for home in _homes(top):
            if Path(file).is_relative_to(home):
                return (top, *Path(file).relative_to(home).parts)
    return (os.path.basename(file),)


@cache
def _facts(file: str) -> _Facts:
    source = Path(file).read_bytes()
    if _memory is None:
        return _find_out(source)
    kept = _memory / f"{hashlib.sha256(METHOD + source).hexdigest()[:32]}.json"
    try:
        meaning, imports = json.loads(kept.read_bytes())
        return _Facts(meaning, tuple((level, module, tuple(names)) for level, module, names in imports))
    except (OSError, ValueError):
        facts = _find_out(source)
        partial = kept.with_name(f"{kept.name}.{os.getpid()}")
        # if caching fails, the file is analyzed again
        with suppress(OSError):
            partial.write_text(json.dumps([facts.meaning, facts.imports]), encoding="utf-8")
            partial.replace(kept)
        return facts


def _find_out(source: bytes) -> _Facts:
    tree = ast.parse(source)
    imports: list[tuple[int, str, tuple[str, ...]]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append((node.level, node.module or "", tuple(alias.name for alias in node.names)))
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FIELDS:
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in DESCRIPTIONS]
    return _Facts(hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), tuple(imports))


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body = node.body[1:] or [ast.Pass()]
