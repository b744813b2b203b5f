import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from tests.pictures import saved_pixels

from steadfast.analysis.tables.display_names import Labels
from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.attacks.directions import Direction, build_method
from steadfast.core.errors import DataError
from steadfast.report.figures.kinds import directions as direction_figures
from steadfast.report.figures.kinds import scales as scale_figures
from steadfast.report.figures.place_selection import draw_selection
from steadfast.report.figures.projections import MOST_PANELS, FoundDirection, draw_projections, score_axis, spread
from steadfast.report.figures.separation_by_depth import at_one_position, draw_separation


def activations(depth, hidden=8, prompts=12):
    generator = np.random.default_rng(0)
    groups = []
    for sign in (1, -1):
        blocks = generator.standard_normal((prompts, 2, depth, hidden)).astype(np.float32)
        blocks[:, 1, depth // 2, 2] += 3 * sign
        final = generator.standard_normal((prompts, 2, hidden)).astype(np.float32)
        groups.append(ClassActivations(blocks, final, tuple(f"{sign}{row}" for row in range(prompts)), ("",) * prompts))
    return Activations(*groups, positions=(-2, -1), template_tokens=("<|end|>", "\n"), model="tiny")


def direction(found, **settings):
    return build_method({"method": "mean_difference", "resamples": 0, **settings}).find(found, seed=0)


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_text()]


@pytest.mark.parametrize("depth", [1, 4, 40])
def test_projections_show_the_chosen_block(depth, tmp_path):
    found = activations(depth)
    figure = draw_projections(found, direction(found, layer="auto"))
    assert f"block {depth // 2} *" in texts(figure)
    assert len(figure.axes) == 2 * min(depth, MOST_PANELS)
    assert saved_pixels(figure, tmp_path).std() > 0.05


def drawn_points(figure, column=0):
    """Places along the direction of harmful and harmless prompts in a column of the upper row."""
    return [np.sort(points.get_offsets()[:, 0]) for points in figure.axes[column].collections]


def test_projected_points_are_held_out_activations():
    found = activations(3)
    chosen = direction(found, layer=1)
    harmful, harmless = drawn_points(draw_projections(found, chosen), column=1)
    held_out = [row for row, name in enumerate(found.harmful.prompt_ids) if name in chosen.details["held_out"]]
    others = np.setdiff1d(np.arange(12), held_out)
    assert len(harmful) == len(harmless) == len(held_out) == 6
    rest = [row for row, name in enumerate(found.harmless.prompt_ids) if name not in chosen.details["held_out"]]
    axis = found.harmful.at(1, 1)[others].mean(axis=0) - found.harmless.at(1, 1)[rest].mean(axis=0)
    expected = found.harmful.at(1, 1)[held_out] @ axis / np.linalg.norm(axis)
    np.testing.assert_allclose(harmful, np.sort(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{"method": "mean_difference"}, {"method": "pca", "count": 3}])
def test_noise_in_many_dimensions_does_not_look_separated(settings):
    """Along a direction that the drawn prompts gave the classes would not even overlap."""
    found = activations(3, hidden=2000)
    noise = direction(found, layer=0, **settings)
    harmful, harmless = drawn_points(draw_projections(found, noise))
    gap = harmful.mean() - harmless.mean()
    assert abs(gap) < 2 * np.sqrt((harmful.var() + harmless.var()) / 2)
    assert any("held-out half" in text for text in texts(draw_projections(found, noise)))


def test_external_direction_is_drawn_with_all_prompts():
    found = activations(3)
    random = build_method({"method": "random"}).find(found, seed=0)
    figure = draw_projections(found, random)
    assert [len(points) for points in drawn_points(figure)] == [12, 12]
    assert any("all calibration prompts;" in text for text in texts(figure))


def test_figure_says_that_prompts_fitted_the_direction():
    found = activations(3)
    everything = dataclasses.replace(direction(found, layer=1), details={})
    assert any("used to fit the direction" in text for text in texts(draw_projections(found, everything)))


def test_projections_work_for_several_directions_and_no_layer():
    found = activations(3)
    several = build_method({"method": "pca", "count": 2, "layer": 1, "resamples": 0}).find(found, seed=0)
    axis = score_axis(found, several.directions.astype(float), 1, 1)
    assert np.linalg.norm(axis) == pytest.approx(1)
    assert (found.harmful.at(1, 1).mean(axis=0) - found.harmless.at(1, 1).mean(axis=0)) @ axis > 0
    random = build_method({"method": "random"}).find(found, seed=0)
    assert not any("*" in text for text in texts(draw_projections(found, random)))


def test_figure_states_that_no_direction_is_valid():
    none = Direction(np.zeros((0, 8), np.float32), "mean_difference", reason="none induces refusal")
    assert any("none induces refusal" in text for text in texts(draw_projections(activations(2), none)))


def test_drawn_blocks_are_spread_and_include_the_chosen_one():
    assert spread(4, 2) == [0, 1, 2, 3]
    layers = spread(80, 47, 8)
    assert len(layers) == 8 and 47 in layers and {0, 79} <= set(layers)
    assert spread(80, 0)[0] == 0


def test_separation_figure_draws_every_block_and_the_norm():
    grids = {name: direction(activations(5), layer=layer).selection for name, layer in (("one", "auto"), ("two", 0))}
    figure = draw_separation(grids)
    expected = at_one_position(grids["one"]).query("layer != 'final_norm'")
    for axes, column in zip(figure.axes, ("separation", "accuracy", "probe_accuracy"), strict=True):
        np.testing.assert_allclose(axes.lines[0].get_ydata(), expected[column])
    low, high = figure.axes[0].get_ylim()
    highest = max(np.nanmax(line.get_ydata()) for line in figure.axes[0].lines)
    assert highest < high - 0.05 * (high - low), "the large marker of the selected place is not cut"
    assert {"one", "two", "norm"} <= set(texts(figure))
    with_numbers = draw_separation(grids, prompts={"harmful": [8, 8], "harmless": [7, 9]})
    assert (
        "held-out prompts (n = 8 harmful, 7 to 9 harmless)" in " ".join(texts(with_numbers)).replace("\n", " ").lower()
    )


def test_selection_figure_marks_the_chosen_cell():
    grid = direction(activations(4), layer="auto", position="auto").selection
    figure = draw_selection(grid, ("<|end|>", "\n"))
    (frame,) = figure.axes[0].lines
    assert frame.get_xdata().mean() == pytest.approx(2, abs=0.2)


def causal_grid():
    """Of the blocks at the last position 0 induces too little, 1 diverges, 2 is chosen and 3 was not tried."""
    grid = direction(activations(4), layer="auto").selection
    grid = grid[grid["position"] == -1].reset_index(drop=True)
    tried = grid["layer"].isin(["0", "1", "2"])
    scores = {"bypass": -1.5, "induce": 2.5, "divergence": 0.04}
    grid = grid.assign(**{name: np.where(tried, value, np.nan) for name, value in scores.items()})
    dropped = grid["layer"].map({"0": "induce", "1": "bypass divergence"}).fillna("")
    return grid.assign(valid=grid["layer"] == "2", selected=grid["layer"] == "2", dropped_by=dropped)


@pytest.mark.parametrize("from_file", [False, True])
def test_causal_selection_figure_shows_scores_and_rejections(from_file, tmp_path):
    grid = causal_grid()
    if from_file:
        grid.to_csv(tmp_path / "grid.csv", index=False)
        grid = pd.read_csv(tmp_path / "grid.csv", dtype={"layer": str})
    figure = draw_selection(grid, ("\n",))
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left").split(":")[0].split(" on ")[0] for axes in panels] == [
        "bypass score",
        "induce score",
        "KL score",
    ]
    hatched = [{round(patch.get_x() + 0.5) for patch in axes.patches if patch.get_hatch()} - {3, 4} for axes in panels]
    assert hatched == [{0, 1}, {0}, {1}]
    for text in ("−1.5", "2.5", "0.04"):
        assert texts(figure).count(text) == 3
    assert [axes.lines[0].get_xdata().mean() for axes in panels] == pytest.approx([1.9] * 3)


def test_figure_states_that_there_was_no_selection():
    random = build_method({"method": "random"}).find(activations(2), seed=0)
    assert any("No selection for this" in text for text in texts(draw_selection(random.selection)))
    assert any("No selection" in text for text in texts(draw_separation({})))


@pytest.mark.parametrize("scale", [1e-4, 0.03, 1.0, 40.0, 3e4])
def test_tick_labels_of_projections_do_not_overlap(scale):
    found = activations(40)
    parts = [
        dataclasses.replace(group, blocks=(group.blocks * scale).astype(np.float32))
        for group in (found.harmful, found.harmless)
    ]
    figure = draw_projections(
        dataclasses.replace(found, harmful=parts[0], harmless=parts[1]), direction(found, layer=20)
    )
    figure.canvas.draw()
    ends = []
    for axes in figure.axes[:MOST_PANELS]:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        low, high = axes.get_xlim()
        inside = [box for box, place in zip(boxes, axes.get_xticks(), strict=False) if low <= place <= high]
        ends += [(box.x0, box.x1) for box in inside]
    assert all(left[1] < right[0] for left, right in itertools.pairwise(ends))


def test_one_figure_per_direction_and_one_per_variant():
    found = activations(3)
    items = [
        FoundDirection("raw", "auto", direction(found, layer="auto", position="auto"), found),
        FoundDirection("raw", "fixed", direction(found, layer=0), found),
        FoundDirection("score0", "fixed", direction(found, layer=1), found),
    ]
    figures = direction_figures.figures(items, Labels(models={"raw": "Raw data"}))
    assert set(figures) == {
        "projections_raw_auto",
        "selection_raw_auto",
        "separation_auto",
        "projections_raw_fixed",
        "selection_raw_fixed",
        "projections_score0_fixed",
        "selection_score0_fixed",
        "separation_fixed",
    }
    assert {"Raw data", "score0"} <= set(texts(figures["separation_fixed"]))
    assert "(n = " in " ".join(texts(figures["separation_auto"]))
    assert any(text.endswith("Raw data, fixed") for text in texts(figures["projections_raw_fixed"]))


def scale_table(directions=("mean", "probe"), further=()):
    rows = []
    for change in ("orthogonalize", "rank one"):
        for name in directions:
            for scale, rate in ((0.0, 0.9), (0.5, 0.4), (1.0, 0.1)):
                rows.append({"direction": name, "change": change, "scale": scale, "rate": rate, "control": False})
    rows += [
        {"direction": "random", "change": "orthogonalize", "scale": scale, "rate": 0.9, "control": True}
        for scale in (0.0, 1.0)
    ]
    table = pd.DataFrame(rows).assign(model="raw", least_scale=lambda table: table["scale"] == 0.5)
    table = table.assign(rate_low=table["rate"] - 0.05, rate_high=table["rate"] + 0.05)
    return table.assign(**dict.fromkeys(further, 0.3))


@pytest.mark.parametrize("count", [1, 8])
def test_attack_scales_shows_all_attacks_and_side_effects(count, tmp_path):
    names = [f"direction {number}" for number in range(count)]
    figure = scale_figures.figure(scale_table(names, ("harmless_rate", "harmless_low", "harmless_high")), "Raw data")
    shown = set(texts(figure))
    assert {*names, "orthogonalize", "rank one", "controls", "harmful refused", "harmless refused"} <= shown
    assert "Refusals by scale of the attack: Raw data" in shown
    assert "random" not in shown, "controls are drawn in every panel"
    assert saved_pixels(figure, tmp_path).std() > 0.05


def test_smallest_halving_scale_is_filled():
    figure = scale_figures.figure(scale_table(["mean"]))
    filled = [line for line in figure.axes[0].lines if len(line.get_ydata()) == 1]
    assert [line.get_ydata().tolist() for line in filled] == [[0.4], [0.4]]
    assert any("filled" in text for text in texts(figure))
    assert any("whiskers: 95% intervals" in " ".join(text.split()).lower() for text in texts(figure))
    none = scale_figures.figure(scale_table(["mean"]).assign(least_scale=False))
    assert not any("filled" in text for text in texts(none))


def test_attack_scales_have_one_figure_per_model():
    table = pd.concat([scale_table(), scale_table().assign(model="all models")])
    assert set(scale_figures.figures(table)) == {"raw", "all_models"}


def test_attack_scales_without_rows_says_so():
    assert any("No attacks" in text for text in texts(scale_figures.figure(scale_table().iloc[:0])))
    with pytest.raises(DataError, match="rate_low"):
        scale_figures.figure(pd.DataFrame({"model": ["m"]}))


def test_constant_activations_are_drawn():
    found = activations(2)
    flat = dataclasses.replace(
        found, harmful=dataclasses.replace(found.harmful, blocks=np.zeros_like(found.harmful.blocks))
    )
    draw_projections(flat, direction(found, layer=1))
