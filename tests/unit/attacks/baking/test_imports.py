import subprocess
import sys
from pathlib import Path

import pytest

import steadfast

SCRIPTS = str(Path(steadfast.__file__).parents[1])


@pytest.mark.parametrize(
    "module",
    [
        "steadfast.attacks.baking",
        "steadfast.attacks.direction_search.search",
        "steadfast.attacks.edits.methods.orthogonalize",
    ],
)
def test_edit_and_direction_modules_do_not_import_torch(module):
    """A job per model and variant: importing torch would take longer than the work on a small model."""
    code = f"import {module}, sys; print({{'torch', 'transformers', 'scipy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": SCRIPTS}, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
