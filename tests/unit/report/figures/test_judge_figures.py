import numpy as np
import pandas as pd
import pytest
from tests.pictures import saved_pixels, touches_its_edge

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.agreement import agreement_table
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.judge_validity import bias_table
from steadfast.analysis.tables.ranking import ranking_table
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.core.errors import DataError
from steadfast.core.plug_ins import FIGURES
from steadfast.report.figures.drawing import draw_all as draw_chosen
from steadfast.report.figures.kinds import agreement_with_reference, corrected_rates, judge_bias, rank_stability
from steadfast.report.figures.kinds import conclusions as conclusions_figure
from steadfast.report.figures.look import Look

NAMES = [name for name in FIGURES.names() if FIGURES.settings(name).folder == "judges"]


def world(models=3, prompts=10, variants=("original", "abliterated", "random"), judges=("exact", "noisy", "always")):
    rng = np.random.default_rng(0)
    rows = []
    for model in range(models):
        for variant in variants:
            for index in range(2 * prompts):
                label = "harmful" if index < prompts else "harmless"
                chance = (0.4 if variant == "abliterated" else 0.9) if label == "harmful" else 0.1
                truth = rng.random() < chance
                for judge in judges:
                    yes = judge == "always" or (truth if judge == "exact" or rng.random() < 0.85 else not truth)
                    rows.append((f"m{model}", variant, judge, f"p{index}", 0, label, "", index % prompts < 3, yes))
    columns = ["model", "variant", "judge", "prompt_id", "sample", "label", "category", "human", "yes"]
    table = pd.DataFrame(rows, columns=columns)
    verdict = table["yes"].map({True: "refusal", False: "non_refusal"})
    return table.drop(columns="yes").assign(verdict=verdict, score=np.nan)


def draw_all(verdicts, labels=None, column="double"):
    quick, controls = Inference(resamples=30), ["random"]
    robustness = robustness_table(verdicts, controls=controls, inference=quick)
    data = {
        "agreement": agreement_table(verdicts, controls=controls, inference=quick),
        "conclusions": conclusion_table(robustness, "exact", controls=controls),
        "ranking": ranking_table(verdicts, controls=controls, inference=quick),
        "bias": bias_table(verdicts, "exact", quick),
        "robustness": robustness,
    }
    about = About(
        labels or Labels(),
        judge=verdicts["judge"].iloc[-1],
        truth="exact",
        baselines=("always",),
        controls=("random",),
    )
    drawn = draw_chosen({name: {"width": column} for name in NAMES}, data, about, Look())
    return {name: figure for _, name, figure in drawn}


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_text()]


def test_constant_and_redundant_agreement_figures_are_omitted():
    drawn = draw_all(world(models=5))
    assert not {"agreement_pearson_counts", "agreement_coverage", "corrected_rates"} & set(drawn)
    assert {"agreement_cohen_kappa", "conclusions", "rank_stability", "judge_bias"} <= set(drawn)


@pytest.mark.parametrize(
    "verdicts",
    [
        world(),
        world(models=1, variants=("original",)),
        world(judges=("exact",)),
        pd.concat([world(), world(judges=("human",)).query("human")]),
    ],
    ids=["usual", "one model, nothing edited", "one judge", "with human labels"],
)
@pytest.mark.slow
def test_every_judge_figure_fits_its_page(verdicts, tmp_path):
    figures = draw_all(verdicts, Labels(models={"m0": "A model with a long and telling name, too long for a line"}))
    assert "agreement_with_reference" in figures
    for name, figure in figures.items():
        assert not touches_its_edge(saved_pixels(figure, tmp_path)), name


def test_agreement_interval_is_drawn_at_the_table_values():
    table = agreement_table(world(), inference=Inference(resamples=30))
    figure = agreement_with_reference.figure(table, "exact")
    panel = next(axes for axes in figure.axes if axes.get_title() == "Cohen's κ")
    chosen = table.query("judge_b == 'exact' and metric == 'cohen_kappa' and subset == 'all'")
    drawn = panel.lines[0].get_xdata()
    np.testing.assert_allclose(drawn, chosen["value"], equal_nan=True)


def test_bias_figure_from_csv_equals_that_from_memory(tmp_path):
    table = bias_table(world(), "exact", Inference(resamples=30))
    table.to_csv(tmp_path / "bias.csv", index=False)
    drawn, again = (
        [text for text in texts_of(judge_bias.figure(rows, "exact"))]
        for rows in (table, pd.read_csv(tmp_path / "bias.csv"))
    )
    assert drawn == again
    assert "all models" in again and "nan" not in again


def test_unknown_reference_raises():
    with pytest.raises(DataError, match="'gpt'"):
        agreement_with_reference.figure(agreement_table(world(), inference=Inference(resamples=5)), "gpt")
    with pytest.raises(DataError, match="'gpt'"):
        corrected_rates.figure(robustness_table(world(), inference=Inference(resamples=5)), "gpt")


def test_conclusions_are_marked_and_flips_are_framed():
    rows = [
        ("a", "edited", "first", -0.4, "changed", "does not survive", False),
        ("a", "edited", "second", -0.004, "not changed", "survives", True),
        ("b", "edited", "first", np.nan, "", "", False),
        ("b", "edited", "second", 0.1, "not changed", "inconclusive", False),
    ]
    columns = ["model", "variant", "judge", "change", "changed", "conclusion", "flips"]
    table = pd.DataFrame(rows, columns=columns).assign(reference="first")
    figure = conclusions_figure.figure(table, Labels(judges={"first": "The first"}))
    shown = texts_of(figure)
    assert any("framed" in text and " ".join(text.split()).endswith("differs from The first") for text in shown)
    assert {"−40 ✗", "0 ✓", "–", "+10 ?"} <= set(shown)
    axes = figure.axes[0]
    assert sum(1 for patch in axes.patches if patch.get_linewidth() == 1.1) == 1


def test_legend_without_reference_mentions_no_frame():
    columns = ["model", "variant", "judge", "change", "changed", "conclusion", "flips"]
    rows = [("a", "edited", "first", -0.4, "changed", "does not survive", False)]
    figure = conclusions_figure.figure(pd.DataFrame(rows, columns=columns).assign(reference=""))
    assert not [text for text in texts_of(figure) if "framed" in text]


def test_rounded_changes_keep_sensible_signs():
    texts = [conclusions_figure.change_text(value, "") for value in (0.5, 0.05, 0.004, -0.004, -0.05, -0.5, 0.0)]
    assert texts == ["+50", "+5", "0", "0", "−5", "−50", "0"]


def test_extreme_judge_bias_does_not_compress_the_colors():
    """Its bias lies beyond the colors' ends; a bias of ten points is then not one of the middle shades."""
    columns = ["judge", "model", "bias", "excess_low", "excess_high", "n"]
    rows = [
        ("always", "", 0.6, -1, 1, 40),
        ("always", "a", 0.6, -1, 1, 40),
        ("fair", "", 0.1, -1, 1, 40),
        ("fair", "a", -0.1, -1, 1, 40),
    ]
    figure = judge_bias.figure(pd.DataFrame(rows, columns=columns), "human")
    shades = [patch.get_facecolor() for patch in figure.axes[0].patches if patch.get_facecolor()[3]]
    distance = np.abs(np.array(shades)[:, None, :3] - np.array(shades)[None, :, :3]).sum(axis=-1)
    assert len(shades) == 4
    assert distance[1, 3] > 0.3
    assert {"+60", "+10", "−10"} <= set(texts_of(figure))


def test_rank_stability_leaves_out_baselines_and_the_original():
    ranking = ranking_table(world(models=5), controls=["random"], inference=Inference(resamples=5))
    drawn = rank_stability.figure(ranking, baselines=["always"])
    assert [axes.get_title(loc="left") for axes in drawn.axes if axes.get_title(loc="left")] == [
        "Refusal rate, abliterated",
        "Change of refusals, abliterated",
    ]
    assert "always" not in texts_of(drawn)


def test_colors_of_changes_are_white_at_zero():
    rows = [("a", "edited", "first", -0.6, "changed", "does not survive", False)]
    columns = ["model", "variant", "judge", "change", "changed", "conclusion", "flips"]
    figure = conclusions_figure.figure(pd.DataFrame(rows, columns=columns).assign(reference=""), prompts=[50])
    assert figure.axes[1].get_ylim() == (-60, 60)
    assert "n = 50 responses" in figure.texts[1].get_text()


def test_corrected_rates_say_by_whom_and_of_how_many():
    verdicts = pd.concat([world(), world(judges=("human",)).query("human")])
    table = robustness_table(verdicts, controls=["random"], inference=Inference(resamples=5))
    drawn = corrected_rates.figure(table, "noisy", controls=["random"])
    assert "Judge: noisy; n = 10 responses" in drawn.texts[1].get_text()
    assert "95% intervals" in " ".join(drawn.texts[1].get_text().split())


def test_legend_of_agreement_names_only_what_is_drawn():
    table = agreement_table(world(), inference=Inference(resamples=10))
    table["value"] = table["value"].mask(table["subset"] == "harmless")
    figure = agreement_with_reference.figure(table, "exact", confidence=0.9)
    assert "90% intervals" in " ".join(figure.texts[1].get_text().split())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["all prompts", "harmful prompts"]
