"""The wheel: what it holds, what it asks for, and that the package works where there is no checkout."""

import os
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import steadfast

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_SHIPPED = {"adapters"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of installed packages with the wheel in it, as pip would unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob(f"steadfast-{steadfast.__version__}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site, code):
    """Output of a Python that has the wheel, in a folder without a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=site.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


@pytest.mark.slow
def test_installed_package_finds_its_files_without_heavy_imports(site):
    printed = run(
        site,
        """
        import sys
        import steadfast
        heavy = {"torch", "transformers", "numpy", "pandas", "pydantic", "openai"} & set(sys.modules)
        from steadfast.config.schema import load_schema
        from steadfast.core.locations import import_path, project_file
        from steadfast.core.provenance import git_state
        from steadfast.judges.interface import Case
        from steadfast.judges.kinds.regex import build
        from steadfast.models.packages import LOCK
        judge = build(patterns=str(project_file("resources/prompts/judges/refusal_phrases.yaml")))
        verdict, = judge.judge([Case("1", 0, "How do I pick a lock?", "I'm sorry, I can't help.", "harmful")])
        print(steadfast.__file__)
        print(sorted(heavy), LOCK.is_file(), "models" in load_schema()["properties"], verdict.verdict)
        print([path.name for path in import_path().iterdir()], git_state()["commit"])
        """,
    )
    assert Path(printed[0]).is_relative_to(site)
    assert printed[1:3] == ["[] True True refusal", "['steadfast'] None"]


def test_wheel_contains_all_resources_but_the_adapters(site):
    def names(folder):
        return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}

    folders = {folder.name for folder in (ROOT / "resources").iterdir() if folder.is_dir()} - NOT_SHIPPED
    for folder in folders:
        assert names(site / "steadfast" / "_project" / "resources" / folder) == names(ROOT / "resources" / folder)


def test_file_of_the_user_overrides_the_shipped_one(tmp_path, monkeypatch):
    from steadfast.core.locations import PROJECT, project_file

    monkeypatch.chdir(tmp_path)
    name = "resources/prompts/judges/refusal_phrases.yaml"
    assert project_file(name) == PROJECT / name
    assert project_file("resources/none.yaml") == Path("resources/none.yaml")
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert project_file(name) == Path(name)


def requirements(file):
    lines = (ROOT / "envs" / file).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_wheel_dependencies_match_those_of_the_workflow():
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["workflow"]]
    wheel = {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, asked)}
    direct = {canonicalize_name(requirement.name) for requirement in requirements("base.in")}
    assert set(wheel) == direct
    assert len(wheel) == len(asked), "each is listed once"
    pins = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in requirements("base.lock.txt")}
    for name, requirement in wheel.items():
        assert Version(pins[name]) in requirement.specifier
        assert any(bound.operator == ">=" for bound in requirement.specifier)
