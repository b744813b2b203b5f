"""A clone, and with it the interpreter, in a folder whose name holds a space."""

import site
import subprocess
import venv

import pytest
from tests.grids import copy_workflow


@pytest.mark.slow
def test_scripts_run_with_an_interpreter_path_containing_a_space(tmp_path):
    folder = copy_workflow(tmp_path / "my clone")
    environment = folder / ".venv"
    venv.create(environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "parent.pth").write_text("\n".join(site.getsitepackages()))
    python = environment / "bin" / "python"
    command = [python, "-m", "snakemake", "--cores", "1", "results/prompts/prompts.parquet"]
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert (folder / "results" / "prompts" / "prompts.parquet").is_file()
