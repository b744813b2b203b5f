"""Digests of code: what decides whether a change of method makes a result stale.

Snakemake does not see edits to imported modules, and it sees a touched script as a changed one. A digest
over the meaning of a script and of every package module it reaches (comments, docstrings and formatting
left out) says exactly when a result has to be made again.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "steadfast"
ROOT = Path(__file__).resolve().parent


def code_digest(*roots: str | Path) -> str:
    """Digest of the given scripts (paths) and modules (dotted names) and of all package modules they import.

    Imports inside functions count as well. Modules loaded by name through a registry are not imported
    anywhere: give the chosen one as a further root.

    Returns:
        The first 16 hex digits of a SHA-256.

    Raises:
        ModuleNotFoundError: a dotted name is not a module of the package.
    """
    files: set[Path] = set()
    for root in roots:
        for start in [Path(root).resolve()] if str(root).endswith(".py") else _require(str(root)):
            _collect(start, files)
    lines = sorted(f"{_name(file)} {_meaning(file)}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _collect(file: Path, seen: set[Path]) -> None:
    if file in seen:
        return
    seen.add(file)
    for imported in _imports(file):
        _collect(imported, seen)


@cache
def _imports(file: Path) -> tuple[Path, ...]:
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, file)
            candidates = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in candidates:
            found.update(_module_files(name))
    return tuple(sorted(found))


def _absolute(node: ast.ImportFrom, file: Path) -> str:
    """Dotted name of the module that a ``from ... import`` names, relative imports resolved."""
    if node.level == 0 or not file.is_relative_to(ROOT):
        return node.module or ""
    package = (PACKAGE, *file.relative_to(ROOT).parts)[: -node.level]
    return ".".join((*package, node.module) if node.module else package)


def _module_files(name: str) -> list[Path]:
    """Files that importing ``name`` runs: the module's, and the ``__init__`` of every package above it."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return []
    files = []
    for depth in range(1, len(parts) + 1):
        base = ROOT.joinpath(*parts[1:depth])
        for file in (base / "__init__.py", base.with_suffix(".py")):
            # the package's own __init__ holds the version, which changes without changing a result
            if file.is_file() and file != ROOT / "__init__.py":
                files.append(file.resolve())
    return files


def _require(name: str) -> list[Path]:
    base = ROOT.joinpath(*name.split(".")[1:])
    if name.split(".")[0] != PACKAGE or not (base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()):
        raise ModuleNotFoundError(f"no module {name!r} in {PACKAGE}")
    return _module_files(name)


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name


@cache
def _meaning(file: Path) -> str:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body = node.body[1:] or [ast.Pass()]
