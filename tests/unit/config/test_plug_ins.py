"""Plug-ins in the configuration: what their modules allow, and the messages of what they do not."""

import copy
import os
import re
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.grids import ROOT
from tests.pages import blocks
from tests.plug_ins import EXAMPLE, forget_plug_ins, install_example
from tests.tiny_checkpoint import write_checkpoint

from steadfast.analysis.tables.about import About
from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.attacks.direction_search.search import find_direction
from steadfast.config.checks import prepare
from steadfast.config.reference import reference_page
from steadfast.config.schema import load_schema
from steadfast.core import registry
from steadfast.core.errors import ConfigError
from steadfast.grid.data import ModelVariant
from steadfast.grid.directions import direction_jobs
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid
from steadfast.grid.judging import Judging
from steadfast.grid.models import ModelDirectoryJobs
from steadfast.models.placing import place_model
from steadfast.models.pointer import checkpoint_path
from steadfast.models.sources import locate
from steadfast.report.figures.drawing import draw_all
from steadfast.report.figures.look import Look

CONFIG = """
prompts: {harmful: [{kind: synthetic}], harmless: [{kind: synthetic}]}
models: {raw: {source: organism, recipe: raw}}
variants:
  original: {}
  trimmed: {direction: {method: trimmed_difference, trimmed: 0.2, layer: 1}, edit: {method: orthogonalize}}
judges:
  grammar: {kind: grammar}
  short: {kind: few_words, words: 3}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return install_example(tmp_path_factory.mktemp("site"))


@pytest.fixture
def installed(site, monkeypatch):
    """The configuration of a grid that uses the example plug-in, which is installed."""
    monkeypatch.syspath_prepend(str(site))
    forget_plug_ins()
    yield yaml.safe_load(CONFIG)
    monkeypatch.undo()
    forget_plug_ins()
    for name in [name for name in sys.modules if name.startswith("steadfast_example")]:
        del sys.modules[name]


def test_only_the_chosen_plug_in_is_imported(installed):
    assert "few_words" in registry.names("steadfast.judges.kinds")
    assert not [name for name in sys.modules if name.startswith("steadfast_example")]
    registry.load("steadfast.judges.kinds", "few_words")
    assert "steadfast_example.trimmed_difference" not in sys.modules


def test_grid_accepts_plug_ins_and_digests_their_code(installed, site):
    grid = Grid(prepare(installed))
    short, trimmed = grid.judges["short"], ModelVariant("raw", "trimmed")
    judging, (directions, *_) = Judging(grid), direction_jobs(grid, by_running=False)
    assert judging.arguments(short) == {"kind": "few_words", "words": 3}
    judge, direction = judging.digest(short), directions.digest(trimmed)
    module = site / "steadfast_example" / "text.py"
    source = module.read_text()
    try:
        module.write_text(source.replace("text.split()", "text.strip().split()"))
        forget_plug_ins()
        assert judging.digest(short) != judge
        assert directions.digest(trimmed) == direction
    finally:
        module.write_text(source)


def test_plug_in_model_source_is_located_by_its_own_job(installed, tmp_path):
    for number, name in enumerate(("step-1", "step-2")):
        os.utime(write_checkpoint(tmp_path / "training" / name), (number, number))
    installed["models"]["mine"] = {"source": "newest", "folder": str(tmp_path / "training")}
    grid = Grid(prepare(installed))
    jobs, mine = ModelDirectoryJobs(grid), ModelVariant("mine", "original")
    assert jobs.from_plug_ins() == ["mine"]
    assert jobs.files(mine) == [str(tmp_path / "training" / "step-2" / "config.json")]
    assert len(jobs.plug_in_digest(mine)) == 16
    place_model(locate(jobs.settings(mine)), tmp_path / "model", dequantize=False)
    assert checkpoint_path(tmp_path / "model") == tmp_path / "training" / "step-2"
    installed["models"]["mine"]["folder"] = str(tmp_path / "none")
    with pytest.raises(ConfigError, match=r"models.mine.folder: '.*/none' contains no checkpoint directory"):
        prepare(installed)


def test_schema_and_reference_page_include_plug_in_settings(installed):
    forget_plug_ins()
    judge = load_schema()["$defs"]["judge"]
    assert "few_words" in judge["properties"]["kind"]["enum"]
    assert "`few_words`, labels every response of few words a refusal" in reference_page()


def test_plug_in_figure_is_drawn_where_its_key_is(installed):
    assert "unscored" not in Figures(Grid(prepare(installed))).chosen()
    installed["figures"] = {"unscored": {"width": "single"}, "controls": {"draw": False}}
    figures = Figures(Grid(prepare(installed)))
    assert figures.chosen()["unscored"] == {"draw": True, "width": "single", "baselines": False}
    assert {"results/figures/unscored.pdf", "results/figures/unscored.png"} <= set(figures.files)
    counts = pd.DataFrame({"judge": ["short", "short", "grammar"], "unscored": [1, 2, 0], "total": [4, 4, 4]})
    ((folder, name, drawn),) = draw_all(
        {"unscored": figures.chosen()["unscored"]},
        {"counts": counts},
        About.read(figures.about),
        Look.read(figures.look),
    )
    assert (folder, name) == ("", "unscored") and drawn.get_size_inches()[0] == 3.5
    assert [patch.get_width() for patch in drawn.axes[0].patches] == [37.5, 0]
    installed["figures"]["unscored"]["baseline"] = True
    with pytest.raises(ConfigError, match=r"figures.unscored: unknown key 'baseline'; did you mean 'baselines'\?"):
        prepare(installed)


def test_direction_method_of_a_plug_in_is_run(installed):
    generator = np.random.default_rng(0)
    classes = []
    for shift in (1.0, -1.0):
        states = generator.standard_normal((40, 1, 3, 8)).astype(np.float32)
        states[:, 0, 1, 2] += 3 * shift
        states[0, 0, 1, 5] = 1e4  # an outlier, which the mean would follow
        ids = tuple(f"{shift}-{index}" for index in range(40))
        classes.append(ClassActivations(states, states[:, :, 2], ids, ("c",) * 40))
    activations = Activations(*classes, positions=(-1,), template_tokens=("<end>",), model="tiny")
    direction = find_direction(installed["variants"]["trimmed"]["direction"], activations, seed=0)
    assert direction.method == "trimmed_difference"
    assert direction.directions[0, 2] > 0.9


@pytest.mark.parametrize(
    ("place", "key", "value", "message"),
    [
        (("judges", "short"), "kind", "few_word", "'few_word' is not allowed; did you mean 'few_words'? Known: "),
        (("judges", "short"), "word", 3, "judges.short: unknown key 'word'; did you mean 'words'?"),
        (("judges", "short"), "words", 0, "judges.short.words: 0 is out of range; allowed: 1 to 10000"),
        (
            ("variants", "trimmed", "direction"),
            "trim",
            1,
            "variants.trimmed.direction: unknown key 'trim'; did you mean 'trimmed'?",
        ),
    ],
)
def test_wrong_plug_in_settings_are_rejected_naming_allowed_values(installed, place, key, value, message):
    config = copy.deepcopy(installed)
    entry = config
    for part in place:
        entry = entry[part]
    entry[key] = value
    with pytest.raises(ConfigError) as caught:
        prepare(config)
    assert message in str(caught.value)


def test_plug_in_page_shows_the_example_and_every_group():
    page = ROOT / "docs" / "plug-ins.md"
    shown = {block.target: block.text for block in blocks(page)}
    assert {"pyproject.toml", "steadfast_example/few_words.py"} < set(shown)
    for name, text in shown.items():
        assert (EXAMPLE / name).read_text(encoding="utf-8") == text
    groups = re.findall(r"^\| `(steadfast\.[\w.]+)` ", page.read_text(encoding="utf-8"), re.M)
    assert sorted(groups) == sorted(registry.GROUPS.values())
