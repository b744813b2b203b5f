"""The package's layers: no room and no folder imports another that imports it, directly or through others."""

import ast
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

import steadfast

PACKAGE = Path(steadfast.__file__).parent
MODULES = {
    ".".join(("steadfast", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for file in PACKAGE.rglob("*.py")
}


def imported(code: str) -> set[str]:
    """Dotted name of every module of the package that some code imports, inside functions as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@cache
def imported_by(file: Path) -> set[str]:
    """What a file imports."""
    return imported(file.read_text(encoding="utf-8"))


def layers(depth: int) -> "nx.DiGraph[str]":
    """An edge from each folder, exactly ``depth`` levels deep, to those that it imports."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for file in sorted(PACKAGE.rglob("*.py")):
        here = place(".".join(("steadfast", *file.relative_to(PACKAGE).parts)).removesuffix(".py"), depth)
        for name in imported_by(file):
            if name.startswith("steadfast.") and (there := place(name, depth)) != here:
                graph.add_edge(here, there)
    graph.remove_nodes_from([folder for folder in graph if folder.count(".") + 1 < depth])
    return graph


def place(module: str, depth: int) -> str:
    """The folder of a module, at most ``depth`` levels below the package."""
    parts = module.split(".")[1:]
    folders = parts if (PACKAGE / Path(*parts)).is_dir() else parts[:-1]
    return ".".join(folders[:depth])


@pytest.mark.parametrize(("depth", "known"), [(1, 11), (2, 30)])
def test_folders_import_each_other_in_one_direction(depth, known):
    graph = layers(depth)
    assert len(graph) >= known
    assert [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1] == []


def test_every_module_is_inside_a_subpackage():
    assert [file.name for file in PACKAGE.glob("*.py")] == ["__init__.py"]
    assert len([folder for folder in PACKAGE.iterdir() if (folder / "__init__.py").is_file()]) <= 12


def test_imports_inside_functions_are_found():
    code = "import steadfast.a.b\nfrom steadfast import core\ndef f():\n    from steadfast.d import e\n"
    assert {"steadfast.a.b", "steadfast.core", "steadfast.d"} <= imported(code)
