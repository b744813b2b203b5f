"""Every figure is a module with described settings that announces what it reads and draws."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.unit.config.conftest import SMALL

from steadfast.analysis.tables.about import About
from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.plug_ins import FIGURES
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid
from steadfast.report.figures.drawing import draw_figure, write_figures
from steadfast.report.figures.kinds import refusal_counts
from steadfast.report.figures.look import Look

COUNTS = pd.DataFrame(
    [("m", variant, "j", "harmful", refused, 10 - refused, 0, 10) for variant, refused in (("original", 9), ("e", 1))],
    columns=["model", "variant", "judge", "label", "refused", "not_refused", "unscored", "total"],
)


@pytest.fixture
def config():
    return yaml.safe_load(SMALL)


def test_figures_read_tables_and_have_a_place():
    for name in FIGURES.names():
        settings = FIGURES.settings(name)
        assert bool(settings.reads) != settings.reads_directions, name
        assert callable(FIGURES.load(name).draw)


def test_reading_the_settings_of_figures_loads_no_matplotlib():
    code = "from steadfast.core.plug_ins import FIGURES\nimport sys\nlist(map(FIGURES.settings, FIGURES.names()))\n"
    code += "sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)"
    scripts = str(Path(__file__).parents[4] / "workflow" / "scripts")
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": scripts}, check=False).returncode == 0


def test_figures_of_tables_that_a_grid_lacks_are_not_drawn(config):
    figures = Figures(Grid(prepare(config)))
    assert {"refusal_counts", "side_effects"} <= set(figures.chosen())
    assert not {"outcomes", "search", "replicates"} & set(figures.chosen())
    assert "results/figures/refusal_heatmap_harmless.png" in figures.files
    assert figures.folders[0] == "results/figures/judges" and "results/tables/bias.csv" in figures.tables("judges")


def test_figures_are_left_out_and_written_as_configured(config):
    config["figures"] = {"formats": ["svg"], "refusal_counts": {"draw": False}, "judge_bias": {"width": "single"}}
    figures = Figures(Grid(prepare(config)))
    assert "refusal_counts" not in figures.chosen() and figures.chosen("judges")["judge_bias"]["width"] == "single"
    assert figures.printed == [] and all(path.endswith(".svg") for path in figures.shown)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"refusal_count": {}}, "figures: unknown key 'refusal_count'; did you mean 'refusal_counts'?"),
        ({"controls": {"width": "wide"}}, "figures.controls.width: 'wide' is not allowed; known: double, single"),
        ({"font": "Nosuch Sans"}, "figures.font: 'Nosuch Sans' is not a font of this machine; it has "),
        ({"formats": []}, "figures.formats"),
        ({"palette": {"edit": "red"}}, "figures.palette.edit"),
    ],
)
def test_wrong_settings_are_named_with_what_is_allowed(config, section, message):
    config["figures"] = section
    with pytest.raises(ConfigError) as caught:
        prepare(config)
    assert message.lower() in str(caught.value).lower()


def test_pictures_are_written_where_the_rule_expects_them(tmp_path):
    chosen = {"refusal_counts": {"width": "single"}}
    outputs = [tmp_path / f"refusal_counts.{suffix}" for suffix in ("pdf", "png", "svg")]
    look = Look(formats=("pdf", "png", "svg"), resolution=50)
    write_figures(chosen, {"counts": COUNTS}, About(judge="j"), look, outputs)
    assert all(path.stat().st_size > 1000 for path in outputs)
    assert not list(tmp_path.glob("*.p[dn]*.*"))


def test_picture_without_anything_to_draw_says_so(monkeypatch):
    monkeypatch.setattr(refusal_counts, "draw", lambda *_: {})
    drawn = draw_figure("refusal_counts", {}, {"counts": COUNTS}, About(judge="j"))
    assert drawn["refusal_counts"].texts[0].get_text() == "There is nothing to draw."
    monkeypatch.setattr(refusal_counts, "draw", lambda *_: {"other": drawn["refusal_counts"]})
    with pytest.raises(DataError, match="drew other; its pictures are refusal_counts"):
        draw_figure("refusal_counts", {}, {"counts": COUNTS}, About(judge="j"))
