"""What a test has done to its tree is undone for the next one."""

import os
import shutil

from tests.workflow.trees import Place


def state(folder):
    """Kind, permissions, time and content of everything in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        content = None if path.is_dir() else path.read_bytes()
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, content)
    return found


def test_every_change_of_a_tree_is_undone(tmp_path):
    template, other = tmp_path / "template", tmp_path / "other"
    for name in ("code/a.py", "code/b.py", "results/tables/x.csv", "results/report.html", "weights.safetensors"):
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text(name)
    other.mkdir()
    place = Place(tmp_path / "here" / "tree")
    tree = place.put(template)
    assert state(tree) == state(template)

    (tree / "code/a.py").write_text("CODE/A.PY")
    os.utime(tree / "code/a.py", ns=(0, (template / "code/a.py").stat().st_mtime_ns))
    os.utime(tree / "code/b.py")
    (tree / "code").chmod(0o500)
    (tree / "code/new").mkdir()
    (tree / "code/new/c.py").touch()
    shutil.rmtree(tree / "results/tables")
    (tree / "results/report.html").unlink()
    (tree / "results/report.html").mkdir()
    (tree / "weights.safetensors").unlink()

    assert state(place.put(other)) == {}
    assert state(place.put(template)) == state(template)
    assert (template / "weights.safetensors").read_text() == "weights.safetensors"
