"""Code digests: they change with the meaning of the code that a script reaches, and with nothing else."""

import ast
import shutil
from pathlib import Path

import pytest
from tests.plug_ins import forget_code

from steadfast.core import code_digest

MODULES = {
    "__init__.py": '"""Package."""\n__version__ = "1"\n',
    "base.py": '"""Base."""\n\nLIMIT = 3\n\n\ndef area(x: int) -> int:\n    """Square."""\n    return x * x  # size\n'
    'WIDTH = Field(1, ge=0, description="Width.")\n',
    "middle.py": "from steadfast.base import area\n\n\ndef twice(x):\n    return 2 * area(x)\n",
    "lazy.py": "def later(x):\n    from steadfast import deep\n    return deep.f(x)\n",
    "deep.py": "import steadfast.judges._shared\n\n\ndef f(x):\n    return x\n",
    "unrelated.py": "VALUE = 1\n",
    "core/__init__.py": "",
    "core/progress.py": "INTERVAL = 1\n",
    "core/registry.py": "def load(package, name):\n    return package + name\n",
    "judges/__init__.py": '"""Judges."""\n',
    "judges/regex.py": "from steadfast.judges import _shared\n\n\ndef build():\n    return _shared.X\n",
    "judges/self.py": "def build():\n    return 2\n",
    "judges/_shared.py": "X = 1\n",
    "relative/__init__.py": "",
    "relative/a.py": "from . import b\nfrom .b import Y\nfrom ..unrelated import VALUE\n",
    "relative/b.py": "Y = 1\n",
}
SCRIPT = '''"""Do it."""

from steadfast.middle import twice
from steadfast.core.progress import INTERVAL
from steadfast.core.registry import load

if True:
    print(twice(3), load)
'''


class Tree:
    """A package and a script in a temporary folder, with edits and digests."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "steadfast"
        for name, content in MODULES.items():
            file = self.package / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.script = folder / "work.py"
        self.script.write_text(SCRIPT)

    def edit(self, name: str, old: str, new: str) -> None:
        file = self.script if name == "work.py" else self.package / name
        content = file.read_text()
        assert old in content
        file.write_text(content.replace(old, new))

    def digest(self, *roots: str | Path) -> str:
        forget_code()
        return code_digest.code_digest(*(roots or (self.script,)))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    tree = Tree(tmp_path)
    monkeypatch.setattr(code_digest, "ROOT", tree.package)
    yield tree
    forget_code()


def test_a_digest_is_sixteen_hex_digits_and_stable(tree):
    digest = tree.digest()
    assert len(digest) == 16
    assert int(digest, 16) >= 0
    assert tree.digest() == digest


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("base.py", "# size", "# another comment"),
        ("base.py", '"""Square."""', '"""Multiply by itself.\n\n    At length.\n    """'),
        ("base.py", '    """Square."""\n', ""),
        ("base.py", '"""Base."""', '"""A base."""'),
        ("base.py", "return x * x", "return (x *\n            x)"),
        ("base.py", "LIMIT = 3", "\n\nLIMIT   =   3"),
        ("work.py", '"""Do it."""', "'''Do it well.'''\n# really"),
        ("unrelated.py", "VALUE = 1", "VALUE = 2"),
        ("judges/regex.py", "return _shared.X", "return 5"),
        ("core/progress.py", "INTERVAL = 1", "INTERVAL = 2"),
        ("base.py", 'description="Width."', 'description="Width of " "all.", title="W", examples=[3]'),
        ("__init__.py", '__version__ = "1"', '__version__ = "2"'),
    ],
)
def test_comments_docstrings_and_unused_code_do_not_change_the_digest(tree, name, old, new):
    before = tree.digest()
    tree.edit(name, old, new)
    assert tree.digest() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("work.py", "twice(3)", "twice(4)"),
        ("middle.py", "2 * area", "3 * area"),
        ("base.py", "x * x", "x + x"),
        ("base.py", "LIMIT = 3", "LIMIT = 4"),
        ("base.py", "Field(1, ge=0", "Field(1, ge=1"),
        ("base.py", "Field(1, ge=0", "Field(2, ge=0"),
        ("core/registry.py", "package + name", "name + package"),
    ],
)
def test_changed_logic_in_any_imported_module_changes_the_digest(tree, name, old, new):
    before = tree.digest()
    tree.edit(name, old, new)
    assert tree.digest() != before


def test_touching_files_does_not_change_the_digest(tree):
    before = tree.digest()
    for file in tree.package.rglob("*.py"):
        file.touch()
    tree.script.touch()
    assert tree.digest() == before


def test_digest_includes_imports_inside_functions_and_their_packages(tree):
    before = tree.digest("steadfast.lazy")
    tree.edit("deep.py", "return x", "return -x")
    deep = tree.digest("steadfast.lazy")
    assert deep != before
    tree.edit("judges/_shared.py", "X = 1", "X = 2")
    shared = tree.digest("steadfast.lazy")
    assert shared != deep
    tree.edit("judges/__init__.py", '"""Judges."""', "Z = 1")
    assert tree.digest("steadfast.lazy") != shared


def test_digest_includes_relative_imports(tree):
    before = tree.digest("steadfast.relative.a")
    tree.edit("relative/b.py", "Y = 1", "Y = 2")
    after = tree.digest("steadfast.relative.a")
    assert after != before
    tree.edit("unrelated.py", "VALUE = 1", "VALUE = 2")
    assert tree.digest("steadfast.relative.a") != after


def test_digest_includes_a_registry_module_only_if_named(tree):
    regex, own = (
        tree.digest(tree.script, "steadfast.judges.regex"),
        tree.digest(tree.script, "steadfast.judges.self"),
    )
    alone = tree.digest(tree.script)
    assert len({regex, own, alone}) == 3
    tree.edit("judges/_shared.py", "X = 1", "X = 2")
    assert tree.digest(tree.script, "steadfast.judges.regex") != regex
    assert tree.digest(tree.script, "steadfast.judges.self") == own
    assert tree.digest(tree.script) == alone


def test_digest_does_not_depend_on_the_order_of_modules(tree):
    assert tree.digest("steadfast.deep", "steadfast.base") == tree.digest("steadfast.base", "steadfast.deep")


def test_digest_accepts_a_package_name(tree):
    before = tree.digest("steadfast.judges")
    tree.edit("judges/__init__.py", '"""Judges."""', "Z = 1")
    assert tree.digest("steadfast.judges") != before


@pytest.mark.parametrize("name", ["steadfast.nothing", "steadfast.judges.nothing", "other.base", "numpy"])
def test_digest_of_an_unknown_module_raises(tree, name):
    with pytest.raises(ModuleNotFoundError, match=name):
        tree.digest(name)


def test_digest_does_not_depend_on_the_folder(tree, tmp_path, monkeypatch):
    here = tree.digest()
    other = tmp_path / "with a space"
    shutil.copytree(tree.package, other / "steadfast")
    shutil.copy(tree.script, other)
    monkeypatch.setattr(code_digest, "ROOT", other / "steadfast")
    assert tree.digest(other / "work.py") == here


def test_digest_handles_import_cycles(tree):
    tree.edit("base.py", "LIMIT = 3", "import steadfast.middle\nLIMIT = 3")
    assert len(tree.digest()) == 16


@pytest.mark.slow
def test_digest_exists_for_every_file_of_the_package():
    package = Path(code_digest.__file__).parents[1]
    for file in package.rglob("*.py"):
        ast.parse(file.read_text(encoding="utf-8"))
        assert len(code_digest.code_digest(file)) == 16


def test_digest_memory_on_disk_avoids_parsing_the_code_again(tree, tmp_path, monkeypatch):
    found_out = []
    find_out = code_digest._find_out
    monkeypatch.setattr(code_digest, "_find_out", lambda source: found_out.append(source) or find_out(source))
    monkeypatch.setattr(code_digest, "_memory", None)
    plain = tree.digest()
    code_digest.remember_in(tmp_path / "memory" / "code")
    assert tree.digest() == plain
    found_out.clear()
    assert tree.digest() == plain and found_out == []
    tree.edit("base.py", "x * x", "x + x")
    changed = tree.digest()
    assert changed != plain and len(found_out) == 1
    tree.edit("base.py", "x + x", "x * x")
    assert tree.digest() == plain and len(found_out) == 1
    for kept in (tmp_path / "memory" / "code").iterdir():
        kept.write_text("[")  # torn
    assert tree.digest() == plain
