"""Pages of results that several measurements write."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pages.py"


def test_put_section_replaces_a_section_in_place(tmp_path):
    spec = importlib.util.spec_from_file_location("pages", SCRIPT)
    assert spec is not None and spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    page = tmp_path / "folder" / "page.md"
    pages.put_section(page, "First", "old")
    page.write_text("# Title\n\nWritten by hand.\n\n" + page.read_text())
    pages.put_section(page, "Second", "other")
    pages.put_section(page, "First", "new\n\n### Part\n")
    assert pages.command("x.py", ["--report", "a.md", "--models", "1"]) == "`python benchmarks/x.py --models 1`"
    assert page.read_text() == "# Title\n\nWritten by hand.\n\n## First\n\nnew\n\n### Part\n\n## Second\n\nother\n"
