"""Scripts of benchmarks/, which no other test imports."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FOLDERS = (PROJECT / "workflow" / "scripts", PROJECT, PROJECT / "benchmarks")
# these work without the package, also in other environments, and check what they are given themselves
ALONE = ("gpu", "mixed_adapters", "search_heretic", "stages")
SCRIPTS = sorted((PROJECT / "benchmarks").glob("*.py"))


def source_of(module):
    """The file of a module of the project; None for one of another package."""
    parts = module.split(".")
    for folder in FOLDERS:
        place = folder.joinpath(*parts)
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    return None


def defined_in(file):
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_what_a_benchmark_imports_from_the_project_exists(script):
    missing = []
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("steadfast", "tests"):
            file = source_of(node.module)
            names = defined_in(file) if file else set()
            missing += [
                f"{node.module}.{alias.name}"
                for alias in node.names
                if alias.name not in names and source_of(f"{node.module}.{alias.name}") is None
            ]
    assert not missing


@pytest.mark.parametrize("script", [file for file in SCRIPTS if file.stem not in ALONE], ids=lambda script: script.stem)
def test_users_error_ends_a_benchmark_with_one_message(script):
    text = script.read_text(encoding="utf-8")
    assert '__name__ == "__main__"' not in text or "run_command_line(main)" in text
