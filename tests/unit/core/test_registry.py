"""Registries and the messages for unknown names."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from steadfast.core import files, registry
from steadfast.core.errors import ConfigError, SteadfastError, UnknownNameError, suggest

SCRIPTS = Path(files.__file__).parents[2]


@pytest.fixture
def animals(tmp_path, monkeypatch):
    """A registry package whose module ``bear`` cannot be imported."""
    package = tmp_path / "animals"
    (package / "sloth").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "sloth" / "__init__.py").write_text("SPEED = 0")
    (package / "aardvark.py").write_text("def build():\n    return 'aardvark'\n")
    (package / "bear.py").write_text("raise RuntimeError('imported though nobody asked for it')")
    (package / "_shared.py").write_text("")
    (package / "notes.txt").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield "animals"
    for name in [name for name in sys.modules if name.split(".")[0] == "animals"]:
        del sys.modules[name]


def test_kinds_are_the_public_modules_and_none_is_imported(animals):
    assert registry.names(animals) == ["aardvark", "bear", "sloth"]
    assert not [name for name in sys.modules if name.startswith("animals.")]


def test_only_the_chosen_module_is_imported(animals):
    assert registry.load(animals, "aardvark").build() == "aardvark"
    assert [name for name in sys.modules if name.startswith("animals.")] == ["animals.aardvark"]


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known(animals):
    with pytest.raises(UnknownNameError) as caught:
        registry.load(animals, "ardvark")
    assert str(caught.value) == "unknown animal 'ardvark'; did you mean 'aardvark'? Known: aardvark, bear, sloth"
    assert isinstance(caught.value, ConfigError)


def test_an_unknown_name_that_is_near_nothing_gets_no_guess(animals):
    with pytest.raises(UnknownNameError, match=r"^unknown beast 'xyz'; Known: aardvark, bear, sloth$"):
        registry.load(animals, "xyz", "beast")


@pytest.mark.parametrize("name", ["_shared", "notes", "../aardvark", "aardvark.build", ""])
def test_shared_code_and_paths_are_no_kinds(animals, name):
    with pytest.raises(UnknownNameError):
        registry.load(animals, name)


def test_a_broken_module_is_not_reported_as_unknown(animals):
    with pytest.raises(RuntimeError, match="nobody asked"):
        registry.load(animals, "bear")


@pytest.mark.parametrize("package", ["steadfast.core.files", "steadfast.nowhere"])
def test_only_packages_are_registries(package):
    with pytest.raises(ModuleNotFoundError):
        registry.names(package)


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("regx", ["self", "regex"], "; did you mean 'regex'? Known: regex, self"),
        ("REGEX", ["self", "regex"], "; did you mean 'regex'? Known: regex, self"),
        ("mean-difference", ["mean_difference", "random"], "; did you mean 'mean_difference'? Known: "),
        ("zzz", ["self", "regex"], "; Known: regex, self"),
        ("zzz", [], "; none is known"),
    ],
)
def test_suggestions(name, known, message):
    assert suggest(name, known).startswith(message)


def test_errors_for_the_user_share_one_base():
    assert issubclass(UnknownNameError, SteadfastError)


def test_importing_the_package_and_what_parses_the_workflow_loads_nothing_heavy():
    code = """
        import sys
        import steadfast.config.checks, steadfast.grid.grid, steadfast.core.registry, steadfast.core.code_digest
        heavy = {"torch", "transformers", "vllm", "openai", "matplotlib", "scipy"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, env={"PYTHONPATH": str(SCRIPTS)})
