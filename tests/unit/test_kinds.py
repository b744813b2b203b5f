"""What a plug-in can and needs is asked of its module: nothing outside of it decides by its name."""

import ast
from collections.abc import Iterator

import pytest
from tests.grids import ROOT

from steadfast.core.plug_ins import FAMILIES

PACKAGE = ROOT / "workflow" / "scripts" / "steadfast"
CHOSEN = [family for family in FAMILIES.values() if family.entries]
KEYS = {"kind", "method", "source"}


def decisions(tree: ast.AST, names: set[str]) -> Iterator[int]:
    """Lines that compare the key that chooses a plug-in with a name of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            texts = {part.value for side in sides for part in ast.walk(side) if isinstance(part, ast.Constant)}
            attributes = {part.attr for side in sides for part in ast.walk(side) if isinstance(part, ast.Attribute)}
            if texts & names and KEYS & (texts | attributes):
                yield node.lineno


@pytest.mark.parametrize("family", CHOSEN, ids=lambda family: family.name)
def test_no_module_decides_by_the_name_of_another(family):
    names = set(family.names())
    found = []
    for file in PACKAGE.rglob("*.py"):
        own = set(file.relative_to(PACKAGE).with_suffix("").parts)
        for line in decisions(ast.parse(file.read_text(encoding="utf-8")), names - own):
            found.append(f"{file.relative_to(PACKAGE)}:{line}")
    assert found == []


def test_a_decision_by_name_is_found():
    code = 'if entry["kind"] == "regex" or judge.kind in ("local", "self"):\n    pass\n'
    assert list(decisions(ast.parse(code), {"regex", "local", "self"})) == [1, 1]
    assert not list(decisions(ast.parse('if entry["kind"] == kind or "local" in names: ...'), {"local"}))
