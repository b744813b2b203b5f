"""Where a run cannot work it says why, before Snakemake fails in words of its own."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.core.test_disk import small_disk

from steadfast.core.errors import ConfigError
from steadfast.runs import working_folder
from steadfast.runs.working_folder import require_usable_place


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    (tmp_path / "cache").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def complaint() -> str:
    with pytest.raises(ConfigError) as raised:
        require_usable_place()
    return str(raised.value)


def refuse(monkeypatch, folder: Path, number: int) -> None:
    """Let writing into a folder fail."""
    real = working_folder.tempfile.TemporaryFile

    def temporary_file(dir):
        if Path(dir).absolute() == folder:
            raise OSError(number, os.strerror(number))
        return real(dir=dir)

    monkeypatch.setattr(working_folder.tempfile, "TemporaryFile", temporary_file)


def test_ordinary_folder_passes_unchanged(tmp_path):
    require_usable_place()
    assert list(Path.cwd().iterdir()) == []


def test_folder_with_braces_is_rejected(tmp_path, monkeypatch):
    (tmp_path / "{y}").mkdir()
    monkeypatch.chdir(tmp_path / "{y}")
    assert complaint() == (
        f"the path of this folder contains braces, which Snakemake interprets as wildcards: {tmp_path}/{{y}}\n"
        "Rename the folder."
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "it is read-only"),
        (errno.EACCES, "this user may not write there"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_unwritable_folder_is_rejected(monkeypatch, number, words):
    refuse(monkeypatch, Path.cwd(), number)
    assert complaint().splitlines()[0] == f"{Path.cwd()} cannot be written to: {words}"


def test_results_on_a_full_disk_are_rejected(tmp_path):
    with small_disk(tmp_path / "disk") as folder:
        Path("results").symlink_to(folder)
        (folder / "filling").write_bytes(bytes(900 << 10))
        text = complaint()
    assert text.startswith(f"disk full: {Path.cwd()}/results could not be written (124 KiB of 1.0 MiB free)")
    assert "Free space there." in text


def test_dangling_results_link_is_rejected():
    Path("results").symlink_to("/nowhere/at/all")
    assert complaint().startswith(f"{Path.cwd()}/results cannot be written to: No such file or directory")


def test_unusable_home_is_rejected_with_a_remedy(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert complaint() == (
        f"HOME ({tmp_path}/file) cannot be used: {tmp_path}/file/.cache/snakemake cannot be written to: Not a directory"
        "\nSet XDG_CACHE_HOME to a folder that can be written to."
    )


def test_unusable_cache_folder_is_rejected(tmp_path, monkeypatch):
    refuse(monkeypatch, tmp_path / "cache" / "snakemake", errno.EROFS)
    assert complaint().startswith(
        f"XDG_CACHE_HOME cannot be used: {tmp_path}/cache/snakemake cannot be written to: it is"
    )


def test_missing_temporary_folder_is_rejected(monkeypatch):
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(working_folder.tempfile, "gettempdir", none)
    assert complaint().startswith("no folder for temporary files: No usable temporary directory found")
    assert complaint().endswith("Set TMPDIR to a folder that can be written to.")


def test_make_checks_the_folder_before_snakemake_starts(tmp_path):
    """A home that cannot be used would let Snakemake fail with a traceback before it reads the workflow."""
    root = Path(working_folder.__file__).parents[4]
    (tmp_path / "file").touch()
    (tmp_path / "workflow").symlink_to(root / "workflow")
    environment = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    done = subprocess.run(
        ["make", "-f", str(root / "Makefile"), "-o", ".venv/base", f"RUN='{sys.executable}'", "run"],
        cwd=tmp_path,
        env={**environment, "HOME": str(tmp_path / "file")},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert done.stderr.count("Set XDG_CACHE_HOME to a folder") == 1 and "Traceback" not in done.stderr
