"""The structure of the wiring: one home for paths, small classes."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "workflow" / "scripts" / "steadfast"
HOME = PACKAGE / "grid" / "paths.py"
# the foundation, which knows no grid, names folders in its advice on a full disk; a user may move the result cache
EXEMPT = {
    HOME,
    PACKAGE / "core" / "disk.py",
    PACKAGE / "judges" / "chat_api" / "settings.py",
    PACKAGE / "judges" / "kinds" / "guard.py",
}
MOST_METHODS = 25


@cache
def parsed(file: Path) -> ast.Module:
    """The code of a file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def docstrings(tree: ast.Module) -> set[int]:
    """The nodes that are docstrings."""
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    first = (body[0] for body in bodies if body)
    return {id(node.value) for node in first if isinstance(node, ast.Expr)}


def test_only_the_paths_module_contains_results_paths():
    found = []
    for file in [*PACKAGE.rglob("*.py"), *PACKAGE.parent.glob("*.py")]:
        if file in EXEMPT or "results/" not in file.read_text(encoding="utf-8"):
            continue
        tree = parsed(file)
        told = docstrings(tree)
        found += [
            f"{file.relative_to(ROOT)}: {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and id(node) not in told
            and isinstance(node.value, str)
            and re.match(r"results/", node.value)
        ]
    assert not found


def test_rules_contain_no_results_paths():
    for file in [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]:
        code = re.sub(r'"""[\s\S]*?"""', "", file.read_text(encoding="utf-8"))
        assert not re.findall(r"""["']results/.*""", code), file.name


def test_every_rule_file_has_a_wiring_module():
    rules = {file.stem for file in (ROOT / "workflow" / "rules").glob("*.smk")} - {"common"}
    assert rules
    assert not rules - {file.stem for file in HOME.parent.glob("*.py")}


def test_rules_contain_no_functions_or_long_lambdas():
    """Wiring is named slices; a lambda is short, and logic is in the package."""
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"^ *def ", text, re.MULTILINE), file.name
        assert all(line.rstrip().endswith(",") for line in text.splitlines() if "lambda" in line), file.name


def test_classes_have_a_limited_number_of_methods():
    sizes = {
        f"{file.stem}.{node.name}": sum(isinstance(part, ast.FunctionDef) for part in node.body)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef)
    }
    assert not {name: size for name, size in sizes.items() if size > MOST_METHODS}
    assert len(sizes) > 100
