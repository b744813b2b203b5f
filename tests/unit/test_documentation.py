"""The documentation says what is true of the code: messages, links, commands and generated pages."""

import ast
import re
import runpy
from functools import cache
from pathlib import Path

import pytest
import yaml

from steadfast.config.checks import prepare
from steadfast.grid.grid import Grid

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow" / "scripts" / "steadfast"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "results" / "README.md"])
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)")


@cache
def messages() -> set[str]:
    """Every text in the package, with `…` in place of values."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
    return found


def quoted() -> list[str]:
    """Messages that the page on troubleshooting quotes: headings, and the first words of items."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    items = [span for line in re.findall(r"^- (`.*?):", text, re.M) for span in re.findall(r"`([^`]+)`", line)]
    return [*re.findall(r"^### `(.*)`$", text, re.M), *items]


@cache
def pattern_of(message: str) -> re.Pattern[str]:
    """What a text has to match to hold a message, in which `…` represents any words."""
    return re.compile(".*".join(re.escape(part) for part in message.strip("…").split("…")), re.S)


def stands_in(message: str, text: str) -> bool:
    """Whether a text holds a message."""
    return pattern_of(message).search(text) is not None


@pytest.mark.parametrize("message", quoted())
def test_quoted_messages_exist_in_the_code(message):
    assert any(stands_in(message, text) for text in messages())


def test_message_search_rejects_unknown_messages():
    assert len(quoted()) > 25
    assert not any(stands_in("no such … message as …", text) for text in messages())


def heading_anchors(page: Path) -> set[str]:
    """Anchors as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_documentation_links_resolve(page):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor and file.suffix == ".md":
            assert anchor[1:] in heading_anchors(file), f"{page.name}: {target}{anchor}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_files_named_in_the_documentation_exist(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/])((?:tests|benchmarks|envs|profiles)/[\w./-]+\.(?:py|sh|smk|yaml|in|txt|md))", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_modules_named_in_the_documentation_exist(page):
    text = page.read_text(encoding="utf-8")
    # a page may tell to write a file: it has a block of code with its path
    written = set(re.findall(r"^```\w+ (\S+\.py)$", text, re.M)) | set(re.findall(r"^ *```python (\S+)$", text, re.M))
    named = set(re.findall(r"`([\w./-]+/[\w.-]+\.py)`", text)) - written
    homes = (ROOT, PACKAGE, PACKAGE.parent, ROOT / "workflow")
    assert sorted(name for name in named if not any((home / name).exists() for home in homes)) == []


def test_newcomers_walk_has_ten_stops_at_existing_files():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = text.partition("## A newcomer's walk")[2].partition("\n## ")[0]
    stops = re.split(r"\n(?=\d+\. )", walk)[1:]
    assert 5 <= len(stops) <= 10
    for stop in stops:
        named = [
            name for name in re.findall(r"`([\w/.-]+\.(?:py|smk|yaml|csv))`", stop) if not name.startswith("results/")
        ]
        assert named, stop
        assert [name for name in named if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / target).resolve() for target, _ in LINK.findall(index)}
    missing = {page for page in (ROOT / "docs").rglob("*.md") if page.name != "README.md"} - linked
    assert not missing


def test_documented_make_commands_exist():
    """`make x` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in PAGES:
        used = re.findall(r"`make ([a-z-]+)|^\s*make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M)
        assert {name for pair in used for name in pair if name} <= targets, page.name


def test_results_readme_describes_every_result():
    """Whatever the rules name below `results/` is in its README: folders and files of the first level, and tables."""
    text = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "workflow" / "rules").glob("*.smk"), *(PACKAGE / "grid").glob("*.py")]
    rules = "".join(file.read_text(encoding="utf-8") for file in sources)
    named = set(re.findall(r"results/(\w+(?:\.\w+)?)", rules)) | set(re.findall(r"results/tables/(\w+\.\w+)", rules))
    named |= {f"{name}.csv" for name in re.findall(r'paths\.table\("(\w+)"\)', rules)}
    assert len(named) > 25
    assert not {name for name in named if not re.search(rf"`{re.escape(name)}[/`]", text)}


@pytest.mark.slow
def test_architecture_drawing_is_up_to_date(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    draw = runpy.run_path(str(ROOT / "docs" / "draw.py"))
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert draw["page"](text) == text, "docs/architecture.md is out of date; run `make docs`"


# blocks, width of the stream, inputs of the attention's and the feed-forward's output projection
SHAPES = {
    "HuggingFaceTB": (24, 2048, 2048, 8192),
    "locuslab": (24, 2048, 2048, 8192),
    "zai-org": (40, 4096, 4096, 13696),
    "Qwen": (40, 5120, 5120, 17408),
    "meta-llama": (80, 8192, 8192, 28672),
}


@pytest.mark.filterwarnings("ignore::steadfast.config.checks.ConfigWarning")
def test_documented_disk_use_of_edits_is_correct():
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8"))
    grid = Grid(prepare(config))
    total = 0
    for pair in grid.edited_pairs:
        blocks, width, *inputs = SHAPES[grid.models[pair.model].settings["repo"].partition("/")[0]]
        total += blocks * sum(width + size for size in inputs) * 8
    text = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    assert f"Edits take {total / 1e9:.1f} GB as [factors]" in text
    # the adapters are the same numbers in float32
    assert f"{1.5 * total / 1e9:.1f} GB with a LoRA adapter beside each" in text


@pytest.mark.filterwarnings("ignore::steadfast.config.checks.ConfigWarning")
def test_documented_costs_match_the_paper_grid():
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8"))
    grid = Grid(prepare(config))
    text = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    prompts = 2 * grid.config["prompts"]["evaluation"]
    requests = len(grid.pairs) * prompts
    chats = sum(judge["kind"] == "chat" for judge in grid.config["judges"].values())
    labels = len(grid.pairs) * 2 * grid.config["prompts"]["human"]
    assert f"{len(grid.studied)} models × {len(grid.variants)} variants" in text
    assert f"{requests:,} requests per chat judge, {chats * requests:,} for" in text
    assert f"in each of the {len(grid.pairs)} model–variant pairs: {labels} responses" in text
