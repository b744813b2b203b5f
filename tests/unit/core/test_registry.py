"""Registries and the messages for unknown names."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.plug_ins import forget_plug_ins

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


def test_listing_kinds_imports_no_module(animals):
    assert registry.names(animals) == ["aardvark", "bear", "sloth"]
    assert not [name for name in sys.modules if name.startswith("animals.")]


def test_only_the_chosen_module_is_imported(animals):
    assert registry.load(animals, "aardvark").build() == "aardvark"
    assert [name for name in sys.modules if name.startswith("animals.")] == ["animals.aardvark"]


def test_unknown_name_error_suggests_nearest_and_lists_known_names(animals):
    with pytest.raises(UnknownNameError) as caught:
        registry.load(animals, "ardvark")
    assert str(caught.value) == "unknown animal 'ardvark'; did you mean 'aardvark'? Known: aardvark, bear, sloth"
    assert isinstance(caught.value, ConfigError)


def test_unknown_name_without_near_match_gets_no_suggestion(animals):
    with pytest.raises(UnknownNameError, match=r"^unknown beast 'xyz'; Known: aardvark, bear, sloth$"):
        registry.load(animals, "xyz", "beast")


@pytest.mark.parametrize("name", ["_shared", "notes", "../aardvark", "aardvark.build", ""])
def test_private_modules_and_paths_are_not_kinds(animals, name):
    with pytest.raises(UnknownNameError):
        registry.load(animals, name)


def test_a_broken_module_is_not_reported_as_unknown(animals):
    with pytest.raises(RuntimeError, match="nobody asked"):
        registry.load(animals, "bear")


class Site:
    """A folder of installed distributions whose entry points are of the registry ``animals``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, distribution: str, *, module: str | None = None, **points: str) -> None:
        metadata = self.folder / f"{distribution}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (metadata / "entry_points.txt").write_text("\n".join(["[steadfast.animals]", *lines]))
        if module is not None:
            (self.folder / f"{distribution}.py").write_text(module)
        forget_plug_ins()


@pytest.fixture
def site(animals, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "GROUPS", {animals: "steadfast.animals"})
    monkeypatch.syspath_prepend(tmp_path / "site")
    forget_plug_ins()
    yield Site(tmp_path / "site")
    monkeypatch.undo()
    forget_plug_ins()
    for name in ("zoo", "farm"):
        sys.modules.pop(name, None)


def test_installed_plug_in_is_listed_with_the_builtin_kinds(site, animals):
    site.install("zoo", module="def build():\n    return 'zebra'\n", zebra="zoo")
    assert registry.names(animals) == ["aardvark", "bear", "sloth", "zebra"]
    assert "zoo" not in sys.modules
    assert registry.load(animals, "zebra").build() == "zebra"
    assert registry.load(animals, "aardvark").build() == "aardvark"
    assert registry.located("animals.zebra") == "zoo"
    assert registry.located("animals.aardvark") == "animals.aardvark"


def test_plug_in_named_like_a_builtin_kind_raises(site, animals):
    site.install("zoo", aardvark="zoo")
    with pytest.raises(ConfigError, match=r"called 'aardvark' in the group steadfast.animals: one of Steadfast itself"):
        registry.names(animals)


def test_two_plug_ins_with_one_name_raise_naming_both(site, animals):
    site.install("zoo", zebra="zoo")
    site.install("farm", zebra="farm.striped")
    with pytest.raises(ConfigError, match=r"one of farm 1.0 and one of zoo 1.0 \(module zoo\); uninstall one"):
        registry.names(animals)


def test_entry_point_of_a_former_group_raises(site, animals, monkeypatch):
    monkeypatch.setattr(registry, "FORMER_GROUPS", {"steadfast.animals": "steadfast.beasts"})
    site.install("zoo", zebra="zoo")
    with pytest.raises(
        ConfigError, match=r"'zebra' is of the group steadfast.animals, which is called steadfast.beasts"
    ):
        registry.names(animals)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("zebra", "zoo:build", "'zebra' of zoo 1.0 .* its value 'zoo:build' must be the dotted name of a module"),
        ("Zebra", "zoo", "'Zebra' of zoo 1.0 .* its name must consist of lowercase letters"),
    ],
)
def test_unusable_entry_point_raises(site, animals, name, value, message):
    site.install("zoo", **{name: value})
    with pytest.raises(ConfigError, match=message):
        registry.names(animals)


@pytest.mark.parametrize(
    ("module", "message"),
    [("import nothing_of_the_kind\n", "No module named 'nothing_"), (None, "No module named 'zoo'")],
)
def test_plug_in_import_error_names_the_distribution(site, animals, module, message):
    site.install("zoo", module=module, zebra="zoo")
    with pytest.raises(ConfigError, match=rf"'zebra' of zoo 1.0 \(module zoo\) cannot be imported: Mod.*{message}"):
        registry.load(animals, "zebra")


def test_every_entry_point_group_has_a_registry():
    for package, group in registry.GROUPS.items():
        assert registry.own_names(package), group


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
def test_suggest_proposes_close_names_or_lists_all(name, known, message):
    assert suggest(name, known).startswith(message)


def test_errors_for_the_user_share_one_base():
    assert issubclass(UnknownNameError, SteadfastError)


def test_parsing_the_workflow_imports_no_heavy_library():
    code = """
        import sys
        import steadfast.config.checks, steadfast.grid.grid, steadfast.core.registry, steadfast.core.code_digest
        heavy = {"torch", "transformers", "vllm", "openai", "matplotlib", "scipy"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)

        import yaml
        with open("config/config.yaml", encoding="utf-8") as file:
            steadfast.config.checks.prepare(yaml.safe_load(file))
        # statistics that figures name load it
        heavy -= {"scipy"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    subprocess.run(command, check=True, cwd=SCRIPTS.parents[1], env={"PYTHONPATH": str(SCRIPTS)})
