"""Draw the pictures of docs/architecture.md from the code; run by `make docs`.

Pictures are Mermaid text, which code hosts render.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "workflow" / "scripts" / "steadfast"
PAGE = PROJECT / "docs" / "architecture.md"
# what nearly everything imports would hide everything else
BASICS = frozenset({"core"})


def rules() -> "nx.DiGraph[str]":
    """The rules of the default grid; an edge from a rule to one that reads its output."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--cores", "1", "--forceall"]
    text = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    names = {key: _shared_name(name) for key, name in re.findall(r"(id\d+)\[(\w+)\]", text)}
    edges = [(names[start], names[end]) for start, end in re.findall(r"(id\d+) --> (id\d+)", text)]
    graph = nx.DiGraph((start, end) for start, end in edges if start != end)
    graph.remove_node("all")
    return graph


def _shared_name(rule: str) -> str:
    """All judges of one job each are in one box."""
    return "judge_with_..." if rule.startswith("judge_with_") else rule


def imports() -> "nx.DiGraph[str]":
    """The rooms of the package; an edge from what imports to what is imported."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for file in sorted(PACKAGE.rglob("*.py")):
        here = file.relative_to(PACKAGE).parts[0]
        for there in _imported(ast.parse(file.read_text(encoding="utf-8"))):
            if here != there and not {here, there} & BASICS:
                graph.add_edge(here, there)
    return graph


def _imported(module: ast.Module) -> Iterator[str]:
    """First part of the name of every module of the package that is imported when this one is."""
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("steadfast"):
            names = [node.module] if "." in node.module else [f"steadfast.{alias.name}" for alias in node.names]
            yield from (name.split(".")[1] for name in names)


def mermaid(graph: "nx.DiGraph[str]", direction: str) -> str:
    """A graph without edges that follow from others; nodes on a cycle become one."""
    whole = nx.condensation(graph)
    labels = {node: ", ".join(sorted(whole.nodes[node]["members"])) for node in whole}
    reduced = nx.transitive_reduction(whole)
    order = sorted(reduced, key=lambda node: labels[node])
    keys = {node: f"n{index}" for index, node in enumerate(order)}
    lines = [f'    {keys[node]}["{labels[node]}"]' for node in order]
    lines += sorted(f"    {keys[start]} --> {keys[end]}" for start, end in reduced.edges)
    return "\n".join(["```mermaid", f"flowchart {direction}", *lines, "```"])


def page(text: str) -> str:
    """The page with its pictures redrawn."""
    for mark, picture in (("rules", mermaid(rules(), "TB")), ("imports", mermaid(imports(), "LR"))):
        pattern = rf"(<!-- {mark}: [^\n]*-->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda found, shown=picture: f"{found[1]}{shown}\n{found[2]}", text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
