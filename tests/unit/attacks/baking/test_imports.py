import subprocess
import sys
from pathlib import Path

import steadfast

SCRIPTS = str(Path(steadfast.__file__).parents[1])
MODULES = [
    "steadfast.attacks.edits.methods.orthogonalize",
    "steadfast.attacks.direction_search.search",
    "steadfast.attacks.baking",
]


def test_edit_and_direction_modules_do_not_import_torch():
    """A job per model and variant: importing torch would take longer than the work on a small model."""
    code = "import sys\nfrom importlib import import_module\n"
    code += f"for name in {MODULES}:\n    import_module(name)\n"
    code += "    print({'torch', 'transformers', 'scipy'} & set(sys.modules))\n"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": SCRIPTS}, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["set()"] * len(MODULES), done.stdout + done.stderr
