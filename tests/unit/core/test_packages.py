"""The packages stand in an order: none imports another that imports it, directly or through others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

import steadfast

PACKAGE = Path(steadfast.__file__).parent


def imported(code: str) -> Iterator[str]:
    """Folder or top-level module of every import of the package in some code, those inside functions as well."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts = [name.split(".") for name in names]
        yield from (part[1] for part in parts if part[0] == "steadfast" and len(part) > 1)


def imports() -> "nx.DiGraph[str]":
    """An edge from each folder or top-level module to what it imports."""
    places = {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in PACKAGE.rglob("*.py")}
    graph: nx.DiGraph[str] = nx.DiGraph()
    for file in sorted(PACKAGE.rglob("*.py")):
        here = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found = set(imported(file.read_text(encoding="utf-8"))) & places
        graph.add_edges_from((here, there) for there in found - {here})
    return graph


def test_packages_import_each_other_in_one_direction_only():
    graph = imports()
    assert graph.has_edge("organisms", "judge_prompts") and len(graph) > 30
    assert [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1] == []


def test_imports_are_found_wherever_they_stand():
    code = "import steadfast.a.b\nfrom steadfast import c\ndef f():\n    from steadfast.d import e\n"
    assert {"a", "c", "d"} <= set(imported(code))
