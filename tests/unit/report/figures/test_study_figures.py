import itertools
import re
from pathlib import Path

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from tests.pictures import saved_pixels, touches_its_edge

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.agreement import agreement_from_counts, square_matrix
from steadfast.analysis.tables.counts import read_counts
from steadfast.analysis.tables.display_names import Labels
from steadfast.core.errors import DataError
from steadfast.report.counts_tables import figures_from_counts, slugs, tables_from_counts
from steadfast.report.figures import look, style
from steadfast.report.figures.drawing import draw_figure, save_all
from steadfast.report.figures.kinds import judge_correlation, refusal_counts, refusal_heatmap

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
        "refusal_counts": refusal_counts.figure(table, judge, labels),
        "judge_correlation": judge_correlation.figure(square_matrix(agreement_from_counts(table)), labels),
        "refusal_heatmap_harmful": refusal_heatmap.figure(table, "harmful", labels),
        "refusal_heatmap_harmless": refusal_heatmap.figure(table, "harmless", labels),
    }


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_text()]


def test_figures_show_the_published_counts(counts):
    assert {"49", "34", "35", "15"} <= set(texts_of(refusal_counts.figure(counts, "ChatGPT5")))
    harmful = counts[counts["label"] == "harmful"]["refused"].astype(str).tolist()
    shown = texts_of(refusal_heatmap.figure(counts, "harmful", numbers="counts"))
    assert sorted(text for text in shown if text.isdigit()) == sorted(harmful)
    correlations = texts_of(judge_correlation.figure(square_matrix(agreement_from_counts(counts))))
    assert {".83", "−.89"} <= set(correlations)


def test_correlation_figure_states_the_number_of_responses(counts):
    drawn = judge_correlation.draw({"agreement": agreement_from_counts(counts)}, About(), judge_correlation.Settings())
    notes = " ".join(" ".join(texts_of(drawn["judge_correlation"])).split())
    responses = counts.groupby("judge")["total"].sum().unique()
    assert len(responses) == 1 and f"n = {int(responses[0]):,} responses per pair" in notes


@pytest.mark.parametrize(("models", "judges"), [(4, 3), pytest.param(40, 14, marks=pytest.mark.slow)])
def test_every_study_figure_fits_its_page(models, judges, tmp_path):
    for name, figure in figures_of(grid(models, judges), "judge 0", LONG).items():
        pixels = saved_pixels(figure, tmp_path)
        assert not touches_its_edge(pixels), name
        assert pixels.std() > 0.05


@pytest.mark.slow
def test_labels_do_not_overlap_in_small_and_large_heat_map():
    for models, judges in ((4, 3), (40, 14)):
        figure = refusal_heatmap.figure(grid(models, judges), "harmful")
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
    figure = refusal_heatmap.figure(grid(3, 4, variants=("original", "abliterated without any mercy")), "harmful")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    variants = min(text.get_window_extent().x0 for text in axes.get_yticklabels())
    models = max(text.get_window_extent().x1 for text in axes.child_axes[0].get_yticklabels())
    assert models <= variants


def test_unscored_responses_are_marked(counts):
    counts = counts.copy()
    cell = (counts["judge"] == "ChatGPT5") & (counts["model"] == "SmolLM2") & (counts["label"] == "harmful")
    counts.loc[cell, ["refused", "not_refused", "unscored"]] = [0, 0, 50]
    heatmap = refusal_heatmap.figure(counts, "harmful")
    assert texts_of(heatmap).count("– +50?") == 2
    assert any(patch.get_hatch() for patch in heatmap.axes[0].patches)
    drawn = texts_of(refusal_counts.figure(counts, "ChatGPT5"))
    assert drawn.count("0 (+50?)") == 2 and "unscored" in drawn
    assert not any(patch.get_hatch() for patch in refusal_heatmap.figure(counts, "harmless").axes[0].patches)


@pytest.mark.slow
def test_all_figures_of_a_counts_table_are_written(counts, tmp_path):
    small = counts[counts["judge"].isin(["regex", "ChatGPT5"])]
    tables = tables_from_counts(small, confidence=0.95, margin=0.1)
    save_all(figures_from_counts(small, tables, margin=0.1), tmp_path)
    names = {
        "judge_correlation",
        "refusal_heatmap_harmful",
        "refusal_heatmap_harmless",
        "conclusions",
        "rank_stability",
    }
    names |= {"refusal_counts_regex", "refusal_counts_chatgpt5"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.{kind}" for name in names for kind in ("pdf", "png")}


def test_slugs_of_similar_judge_names_stay_distinct():
    assert slugs(["A+B", "a b", "A-B-2", "評価", "??"]) == ["a-b", "a-b-2", "a-b-2-2", "judge", "judge-2"]


def test_undefined_agreement_is_drawn_as_a_dash(counts):
    matrix = square_matrix(agreement_from_counts(counts))
    matrix.iloc[3, 1] = np.nan
    assert texts_of(judge_correlation.figure(matrix)).count("–") == 1


def test_figures_exclude_named_controls_only():
    table = grid(3, 2, variants=("original", "abliterated", "random"))
    about = About(judge="judge 0", controls=("random",))
    edits = draw_figure("refusal_counts", {}, {"counts": table}, about)["refusal_counts"]
    assert "random" not in texts_of(edits)
    assert "random" in texts_of(draw_figure("controls", {}, {"counts": table}, about)["controls"])
    assert "random" not in texts_of(refusal_heatmap.figure(table, "harmful", controls=["random"]))


def test_labels_are_shown_verbatim(counts):
    shown = texts_of(refusal_heatmap.figure(counts, "harmful", LONG))
    assert "Phrases $of$ refusal, as the study lists them" in shown
    assert LONG.models["GLM-4"] in " ".join(" ".join(shown).split())


def test_unknown_judge_raises_listing_known_judges(counts):
    with pytest.raises(DataError, match=r"'gpt'.*ChatGPT5"):
        refusal_counts.figure(counts, "gpt")


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_equal_data_gives_byte_identical_figures(suffix, tmp_path):
    for name in ("one", "two"):
        style.save(refusal_counts.figure(tables_of({"m": (9, 2, 8)}), "judge"), tmp_path / f"{name}.{suffix}")
    first = (tmp_path / f"one.{suffix}").read_bytes()
    assert first == (tmp_path / f"two.{suffix}").read_bytes()
    assert not re.search(rb"CreationDate|ModDate|tIME", first)


def test_the_pdf_embeds_its_fonts_as_outlines(tmp_path):
    style.save(refusal_counts.figure(tables_of({"m": (9, 2, 8)}), "judge"), tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in content and b"/Type3" not in content


def test_unknown_figure_formats_are_rejected(counts, tmp_path):
    with pytest.raises(DataError, match="pdf, png, svg"):
        style.save(refusal_counts.figure(counts, "ChatGPT5"), tmp_path / "figure.tiff")
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


def tables_of(refused):
    """Counts of 10 by model: those refused before and after the edit, and under a control."""
    rows = [
        (model, variant, "judge", "harmful", number, 10 - number, 0, 10)
        for model, numbers in refused.items()
        for variant, number in zip(("original", "abliterated", "random"), numbers, strict=True)
    ]
    columns = ["model", "variant", "judge", "label", "refused", "not_refused", "unscored", "total"]
    return pd.DataFrame(rows, columns=columns)


def test_models_are_sorted_by_what_remains_of_their_refusals():
    table = tables_of({"lost": (10, 0, 10), "kept": (9, 8, 9), "half": (9, 4, 9), "untuned": (2, 0, 2)})
    drawn = refusal_counts.figure(table, "judge", controls=["random"])
    assert [text.get_text() for text in drawn.axes[0].get_yticklabels()] == ["kept", "half", "lost", "untuned"]
    listed = refusal_counts.figure(table, "judge", controls=["random"], order="configuration")
    assert [text.get_text() for text in listed.axes[0].get_yticklabels()] == ["lost", "kept", "half", "untuned"]


def test_lines_lead_to_edits_and_not_to_controls():
    drawn = refusal_counts.figure(tables_of({"one": (10, 2, 9)}), "judge", controls=["random"], stacked=False)
    bars = [line for line in drawn.axes[0].lines if line.get_linewidth() > 2]
    assert [sorted(line.get_xdata()) for line in bars] == [[20, 100]]


def test_edit_has_one_color_everywhere_and_controls_are_hollow():
    styles = style.variant_styles(["original", "abliterated", "random"], ["random"])
    assert matplotlib.colors.to_hex(styles["abliterated"]["color"]) == look.Look().edit
    assert not styles["random"]["filled"] and styles["abliterated"]["filled"]
    assert len({str(entry["marker"]) for entry in styles.values()}) == 3


@pytest.mark.parametrize("column", ["single", "double"])
def test_figures_have_the_width_of_their_column(column):
    with look.drawn_as(look.Look(single_column=3.3, double_column=7.0), column):
        for name, drawn in figures_of(grid(4, 3), "judge 0", LONG).items():
            assert drawn.get_size_inches()[0] == {"single": 3.3, "double": 7.0}[column], name


def test_titles_judge_and_numbers_of_responses_are_in_every_figure():
    for name, drawn in figures_of(grid(4, 3), "judge 0").items():
        title, note = (text.get_text() for text in drawn.texts[:2])
        assert title and "n = " in note, name
    assert "Judge: judge 0; n = 50 responses" in refusal_counts.figure(grid(2, 1), "judge 0").texts[1].get_text()


def test_titles_can_be_left_out_and_notes_stay():
    with look.drawn_as(look.Look(titles=False)):
        (note,) = refusal_counts.figure(grid(2, 1), "judge 0").texts
    assert note.get_text().startswith("Judge: judge 0")


def test_baselines_stand_apart_in_the_heat_map():
    drawn = refusal_heatmap.figure(grid(2, 3), "harmful", baselines=["judge 0"])
    places = drawn.axes[0].get_xticks()
    assert [text.get_text() for text in drawn.axes[0].get_xticklabels()] == ["judge 1", "judge 2", "judge 0"]
    assert places[2] - places[1] > places[1] - places[0]
    assert "baseline" in texts_of(drawn)


def test_text_of_svg_files_stays_text(tmp_path):
    style.save(refusal_counts.figure(grid(1, 1), "judge 0"), tmp_path / "figure.svg")
    assert ">Harmful prompts</text>" in (tmp_path / "figure.svg").read_text()
