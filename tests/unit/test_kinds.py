"""What a plug-in can and needs is asked of its module: nothing outside of it names it, or decides by its name."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.grids import ROOT

from steadfast.core.plug_ins import FAMILIES, FIGURES, MEASURES, Family
from steadfast.core.registry import GROUPS, own_names

SCRIPTS = ROOT / "workflow" / "scripts"
PACKAGE = SCRIPTS / "steadfast"
KEYS = {"kind", "method", "source", "engine", "measure"}
GROUPED = [*FAMILIES.values(), *MEASURES]
# a figure is called as the table that it draws
NAMED = [family for family in GROUPED if family is not FIGURES]
REGISTRIES = {PACKAGE.joinpath(*family.package.split(".")[1:]) for family in GROUPED}
# texts that are names of something else as well
HOMONYMS = {
    ("vllm", "core/provenance.py"): "a distribution whose version is recorded",
    ("transformers", "core/provenance.py"): "the same",
    ("transformers", "grid/input_checks.py"): "a module that is imported",
    ("vllm", "generation/serving/arguments.py"): "a value of vLLM's own",
    ("vllm", "judges/chat_api/requests.py"): "the server, within the keys of the result cache",
    ("vllm", "grid/judging.py"): "the conda environment of a judge that serves its model",
    ("organism", "training/organisms/training.py"): "where a checkpoint comes from, in the record beside it",
    ("local", "models/local.py"): "the same",
    ("vllm", "judges/guards/settings.py"): "how the model of a guard is run, a choice of its own",
    ("transformers", "judges/guards/settings.py"): "the same",
    ("transformers", "judges/kinds/guard.py"): "the same",
    ("hub", "models/hub.py"): "the same",
    ("over_refusal", "training/safety_tuning/data.py"): "a file of training prompts",
    ("over_refusal", "grid/safety_tuning.py"): "the same",
    **{
        (name, f"attacks/search/{file}.py"): "what a search minimizes: a quantity of its own screening, not the measure"
        for name in ("divergence", "perplexity")
        for file in ("sampling", "settings")
    },
}


def names_in(tree: ast.AST | list[ast.AST], names: set[str]) -> Iterator[tuple[int, str]]:
    """Lines that name a plug-in.

    A name without an underscore may be an ordinary word. It counts where it is compared with a key that chooses a
    plug-in, is the value of such a key, or is listed beside another name of the same family.
    """
    for node in tree if isinstance(tree, list) else ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            attributes = {part.attr for side in sides for part in ast.walk(side) if isinstance(part, ast.Attribute)}
            if KEYS & (set(map(_text, _constants(*sides))) | attributes):
                yield from _named(names, *_constants(*sides))
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from _named(names, *(value for key, value in pairs if _text(key) in KEYS))
            yield from _listed(names, node.keys)
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            yield from _listed(names, node.elts)
        elif isinstance(node, ast.Call):
            yield from _named(names, *(keyword.value for keyword in node.keywords if keyword.arg in KEYS))
        elif isinstance(node, ast.arguments):
            defaults = [*zip(node.args[len(node.args) - len(node.defaults) :], node.defaults, strict=True)]
            defaults += zip(node.kwonlyargs, node.kw_defaults, strict=True)  # type: ignore[arg-type]
            yield from _named(names, *(value for argument, value in defaults if argument.arg in KEYS))
        elif _text(node) in names and "_" in str(_text(node)):
            yield node.lineno, str(_text(node))  # type: ignore[attr-defined]


def _text(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _constants(*nodes: ast.AST) -> list[ast.Constant]:
    return [part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Constant)]


def _named(names: set[str], *nodes: ast.AST | None) -> Iterator[tuple[int, str]]:
    yield from ((node.lineno, str(_text(node))) for node in nodes if node is not None and _text(node) in names)  # type: ignore[attr-defined]


def _listed(names: set[str], nodes: list[ast.expr] | list[ast.expr | None]) -> Iterator[tuple[int, str]]:
    found = list(_named(names, *nodes))
    yield from found if len(found) > 1 else []


@cache
def text_of(file: Path) -> str:
    """The text of a file."""
    return file.read_text(encoding="utf-8")


@cache
def telling_nodes(file: Path) -> list[ast.AST]:
    """The nodes of a file that may name any plug-in."""
    nodes = list(ast.walk(ast.parse(text_of(file))))
    telling = (ast.Compare, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.Call, ast.arguments)
    return [node for node in nodes if isinstance(node, telling) or "_" in str(_text(node) or "")]


def naming(family: Family) -> list[str]:
    """Places outside of a family's modules that name one of them."""
    found = []
    for file in [*PACKAGE.rglob("*.py"), *SCRIPTS.glob("*.py")]:
        here = {file.stem} if file.parent in REGISTRIES else set()
        # most files hold none of the names at all, and need not be parsed
        near = {name for name in own_names(family.package) if name in text_of(file)} - here
        names = {name for name in near if (name, _place(file)) not in HOMONYMS}
        lines = names_in(telling_nodes(file), names) if names else []
        found += [f"{_place(file)}:{line}: {name}" for line, name in lines]
    return found


def _place(file: Path) -> str:
    return file.relative_to(PACKAGE if PACKAGE in file.parents else SCRIPTS).as_posix()


@pytest.mark.parametrize("family", NAMED, ids=lambda family: family.package)
def test_no_file_names_plug_ins_of_another_family(family):
    assert naming(family) == []


def test_every_plug_in_group_is_checked():
    assert {family.package for family in GROUPED} == set(GROUPS)


@pytest.mark.parametrize("family", GROUPED, ids=lambda family: family.package)
def test_every_plug_in_has_described_settings(family):
    for name in own_names(family.package):
        settings = family.settings(name)
        assert settings.__doc__
        # settings within settings describe themselves
        undescribed = (field for field in settings.model_fields.values() if not field.description)
        assert all(field.annotation.__doc__ and field.annotation.model_fields for field in undescribed)


@pytest.mark.parametrize(
    "code",
    [
        'if entry["kind"] == "regex": ...',
        'if judge.kind in ("local", "x"): ...',
        'SIZES = {"regex": 1, "local": 2}',
        'DEFAULTS = ["regex", "local"]',
        'build({"kind": "local"})',
        'build(kind="local")',
        'def build(kind="local"): ...',
        'print("label_only")',
    ],
)
def test_plug_in_names_in_code_are_detected(code):
    assert list(names_in(ast.parse(code), {"regex", "local", "label_only"}))


def test_words_that_name_no_plug_in_are_ignored():
    code = 'if entry["kind"] == kind or "local" in names: ...\nplaces = ["local", "remote"]\nprint("regex")'
    assert not list(names_in(ast.parse(code), {"regex", "local", "label_only"}))
