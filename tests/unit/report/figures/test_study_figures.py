import itertools
import re
from pathlib import Path

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from tests.pictures import saved_pixels, touches_its_edge

from steadfast.analysis.tables.agreement import agreement_from_counts, square_matrix
from steadfast.analysis.tables.counts import read_counts
from steadfast.analysis.tables.display_names import Labels
from steadfast.core.errors import DataError
from steadfast.report.figures import judge_correlation, refusal_counts, refusal_heatmap, style
from steadfast.report.figures.study import save_all, slugs, study_figures

PAPER = Path(__file__).parents[3] / "data" / "paper_counts_100_prompts.csv"
LONG = Labels(
    models={"GLM-4": "A model with a very long name that nobody will ever shorten for a figure"},
    judges={"regex": "Phrases $of$ refusal, as the study lists them"},
)


@pytest.fixture(scope="module")
def counts():
    return read_counts(PAPER)


def grid(models, judges, variants=("original", "abliterated"), total=50):
    rng = np.random.default_rng(0)
    keys = pd.MultiIndex.from_product(
        [
            [f"model {i}" for i in range(models)],
            variants,
            [f"judge {i}" for i in range(judges)],
            ["harmful", "harmless"],
        ],
        names=["model", "variant", "judge", "label"],
    )
    refused = rng.integers(0, total - 5, len(keys))
    unscored = np.where(rng.random(len(keys)) < 0.1, 5, 0)
    table = pd.DataFrame({"refused": refused, "unscored": unscored, "total": total}, index=keys).reset_index()
    return table.assign(not_refused=table["total"] - table["refused"] - table["unscored"])


def figures_of(table, judge, labels=None):
    return {
        "refusal_counts": refusal_counts.draw(table, judge, labels),
        "judge_correlation": judge_correlation.draw(square_matrix(agreement_from_counts(table)), labels),
        "refusal_heatmap_harmful": refusal_heatmap.draw(table, "harmful", labels),
        "refusal_heatmap_harmless": refusal_heatmap.draw(table, "harmless", labels),
    }


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_text()]


def test_figures_show_the_published_counts(counts):
    drawn = figures_of(counts, "ChatGPT5")
    assert "49 → 34" in texts_of(drawn["refusal_counts"])
    assert "35 → 15" in texts_of(drawn["refusal_counts"])
    harmful = counts[counts["label"] == "harmful"]["refused"].astype(str).tolist()
    shown = texts_of(drawn["refusal_heatmap_harmful"])
    assert sorted(text for text in shown if text.isdigit()) == sorted(harmful)
    assert ".83" in texts_of(drawn["judge_correlation"]) and "−.89" in texts_of(drawn["judge_correlation"])


@pytest.mark.parametrize(("models", "judges"), [(4, 3), pytest.param(40, 14, marks=pytest.mark.slow)])
def test_every_study_figure_fits_its_page(models, judges, tmp_path):
    for name, figure in figures_of(grid(models, judges), "judge 0", LONG).items():
        pixels = saved_pixels(figure, tmp_path)
        assert not touches_its_edge(pixels), name
        assert pixels.std() > 0.05


def test_labels_do_not_overlap_in_small_and_large_heat_map():
    for models, judges in ((4, 3), (40, 14)):
        figure = refusal_heatmap.draw(grid(models, judges), "harmful")
        figure.draw_without_rendering()
        axes = figure.axes[0]
        boxes = [text.get_window_extent() for text in axes.get_yticklabels()]
        ordered = sorted(boxes, key=lambda box: box.y0)
        assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(ordered))
        cells = axes.transData.transform([(0, 0), (1, 1)])
        size = np.abs(cells[1] - cells[0])
        for text in axes.texts:
            box = text.get_window_extent()
            assert box.width <= size[0] and box.height <= size[1]


def test_model_names_do_not_overlap_variant_names():
    figure = refusal_heatmap.draw(grid(3, 4, variants=("original", "abliterated without any mercy")), "harmful")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    variants = min(text.get_window_extent().x0 for text in axes.get_yticklabels())
    models = max(text.get_window_extent().x1 for text in axes.child_axes[0].get_yticklabels())
    assert models <= variants


def test_unscored_responses_are_marked(counts):
    counts = counts.copy()
    cell = (counts["judge"] == "ChatGPT5") & (counts["model"] == "SmolLM2") & (counts["label"] == "harmful")
    counts.loc[cell, ["refused", "not_refused", "unscored"]] = [0, 0, 50]
    heatmap = refusal_heatmap.draw(counts, "harmful")
    assert texts_of(heatmap).count("– +50?") == 2
    assert any(patch.get_hatch() for patch in heatmap.axes[0].patches)
    assert "0 (+50?) → 0 (+50?)" in texts_of(refusal_counts.draw(counts, "ChatGPT5"))
    assert not any(patch.get_hatch() for patch in refusal_heatmap.draw(counts, "harmless").axes[0].patches)


def test_all_figures_of_a_counts_table_are_written(counts, tmp_path):
    small = counts[counts["judge"].isin(["regex", "ChatGPT5"])]
    matrix = square_matrix(agreement_from_counts(small))
    save_all(study_figures(small, matrix, judges=["regex", "ChatGPT5"]), tmp_path)
    names = {"judge_correlation", "refusal_heatmap_harmful", "refusal_heatmap_harmless"}
    names |= {"refusal_counts_regex", "refusal_counts_chatgpt5"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.{kind}" for name in names for kind in ("pdf", "png")}


def test_slugs_of_similar_judge_names_stay_distinct():
    assert slugs(["A+B", "a b", "A-B-2", "評価", "??"]) == ["a-b", "a-b-2", "a-b-2-2", "judge", "judge-2"]


def test_undefined_agreement_is_drawn_as_a_dash(counts):
    matrix = square_matrix(agreement_from_counts(counts))
    matrix.iloc[3, 1] = np.nan
    assert texts_of(judge_correlation.draw(matrix)).count("–") == 1


def test_figures_exclude_named_controls_only():
    table = grid(3, 2, variants=("original", "abliterated", "random"))
    assert "random" not in texts_of(refusal_counts.draw(table, "judge 0", controls=["random"]))
    assert "random" in texts_of(refusal_counts.draw(table, "judge 0"))
    assert "random" not in texts_of(refusal_heatmap.draw(table, "harmful", controls=["random"]))


def test_labels_are_shown_verbatim(counts):
    shown = texts_of(refusal_heatmap.draw(counts, "harmful", LONG))
    assert "Phrases $of$ refusal, as the study lists them" in shown
    assert LONG.models["GLM-4"] in " ".join(" ".join(shown).split())


def test_unknown_judge_raises_listing_known_judges(counts):
    with pytest.raises(DataError, match=r"'gpt'.*ChatGPT5"):
        refusal_counts.draw(counts, "gpt")


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_equal_data_gives_byte_identical_figures(counts, suffix, tmp_path):
    for name in ("one", "two"):
        style.save(refusal_counts.draw(counts, "ChatGPT5"), tmp_path / f"{name}.{suffix}")
    first = (tmp_path / f"one.{suffix}").read_bytes()
    assert first == (tmp_path / f"two.{suffix}").read_bytes()
    assert not re.search(rb"CreationDate|ModDate|tIME", first)


def test_the_pdf_embeds_its_fonts_as_outlines(counts, tmp_path):
    style.save(refusal_counts.draw(counts, "ChatGPT5"), tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in content and b"/Type3" not in content


def test_unknown_figure_formats_are_rejected(counts, tmp_path):
    with pytest.raises(DataError, match="pdf or png"):
        style.save(refusal_counts.draw(counts, "ChatGPT5"), tmp_path / "figure.tiff")
    assert not list(tmp_path.iterdir())


def test_text_on_cells_has_enough_contrast():
    colors = style.color_map()
    for fraction in np.linspace(0, 1, 101):
        ink = style.ink_on(colors, fraction)
        levels = sorted(luminance(color) for color in (colors(fraction)[:3], rgb(ink)))
        assert (levels[1] + 0.05) / (levels[0] + 0.05) >= 4.1


def test_color_map_lightness_is_monotonic():
    levels = [luminance(style.color_map()(fraction)[:3]) for fraction in np.linspace(0, 1, 51)]
    assert (np.diff(levels) > 0).all()


def luminance(color):
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def rgb(name):
    return matplotlib.colors.to_rgb(name)
