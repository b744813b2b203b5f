"""The space of a search, and the trials that its sampler draws: resumable, reproducible, the fixed recipe first."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.storages.journal import JournalFileBackend  # noqa: F401  (the import takes a while: not within a test)

from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.attacks.edits import build_edit
from steadfast.attacks.search.gaps import fills_gap
from steadfast.attacks.search.opening import ANYWHERE, LENGTH, Opening
from steadfast.attacks.search.sampling import Screened, Search, Trial
from steadfast.attacks.search.searched_directions import Directions, between_blocks, why_not_searched
from steadfast.attacks.search.settings import SearchSettings
from steadfast.attacks.search.space import Range, Space
from steadfast.models.architectures import Writer

DEPTH, HIDDEN, FEW = 5, 8, 6


@pytest.fixture(scope="module")
def activations():
    generator = np.random.default_rng(0)

    def group(shift: float, name: str) -> ClassActivations:
        blocks = generator.standard_normal((12, 2, DEPTH, HIDDEN)).astype(np.float32)
        blocks[..., 0] += shift * np.arange(1, DEPTH + 1)
        ids = tuple(f"{name}-{number}" for number in range(12))
        return ClassActivations(blocks, blocks[:, :, -1], ids, tuple("ab" * 6))

    return Activations(group(1.0, "harmful"), group(-1.0, "harmless"), (-2, -1), ("a", "b"), "model")


def space_of(**settings):
    return Space(SearchSettings.read(settings), DEPTH)


def quality(point):
    """A trial without a model: stronger edits leave fewer refusals and diverge more, 0.6 is the best depth."""
    scale = sum(point[f"{target}_scale"] for target in ("attention_output", "mlp_output"))
    return Screened(-scale * (1 - abs(point["layer"] / DEPTH - 0.6)), 0.05 * scale**2)


def search_of(folder, **settings):
    return Search(space_of(**settings), folder / "trials.journal", "name", 0.1, 0, opening=FEW)


def test_killed_search_resumes_with_identical_trials(tmp_path):
    trials = FEW + 3
    whole = search_of(tmp_path / "whole").run(trials, quality)
    seen = []

    def killed(point):
        if len(seen) == FEW + 1:
            raise KeyboardInterrupt
        seen.append(point)
        return quality(point)

    with pytest.raises(KeyboardInterrupt):
        search_of(tmp_path / "killed").run(trials, killed)
    again = []
    resumed = search_of(tmp_path / "killed").run(trials, lambda point: again.append(point) or quality(point))
    assert resumed == whole
    assert len(again) == trials - len(seen)


def test_more_trials_extend_a_search_and_fewer_truncate_it(tmp_path):
    short = search_of(tmp_path).run(4, quality)
    longer = search_of(tmp_path).run(7, quality)
    assert longer[:4] == short and len(longer) == 7
    assert search_of(tmp_path).run(4, lambda _point: pytest.fail("nothing is new")) == short


@pytest.mark.parametrize("slow", [0, 1])
def test_trials_do_not_depend_on_the_speed_of_workers(tmp_path, slow):
    trials, workers = FEW + 3, 2

    def run(worker):
        def screen(point):
            time.sleep(0.02 * (worker == slow))
            return quality(point)

        return replace(search_of(tmp_path), workers=workers).run(trials, screen, worker)

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(run, range(workers)))
    assert found[0] == found[1] and [trial.number for trial in found[0]] == list(range(trials))
    # the first trials depend on nothing before them
    assert found[0][:FEW] == search_of(tmp_path / "alone").run(FEW, quality)


def test_waiting_worker_raises_when_another_failed(tmp_path):
    def fail():
        raise ValueError("it is gone")

    with pytest.raises(ValueError, match="it is gone"):
        replace(search_of(tmp_path), workers=2).run(4, quality, check=fail)


def test_search_space_includes_the_layer_of_rank_one(activations):
    space = space_of(edits=["orthogonalize", "rank_one"], targets=["attention_output", "embedding"], depth=[0.25, 0.75])
    assert space.ranges["rank_one_layer"] == Range(1, 3, whole=True) and space.first["rank_one_layer"] == 2
    assert space.targets == ["attention_output", "embedding", "mlp_output"]
    assert {name for name in space.ranges if name.startswith("embedding")} == {"embedding_scale"}
    point = {**space.first, "edit": "rank_one", "rank_one_layer": 1, "rank_one_scale": 0.5}
    assert space.edit(point) == {"method": "rank_one", "layer": 1, "scale": 0.5}
    flat = build_edit(space.edit({**space.first, "embedding_scale": 0.3}))
    assert flat.profile.at(Writer("w", "embedding", None, axis=1), DEPTH) == pytest.approx(0.3)
    asked = []

    class Model:
        def keys(self, harmful, harmless, layer, position, seed):
            asked.append((layer, position))
            return {"key": np.ones(3, np.float32), "key_solved": np.ones(3, np.float32)}

    directions = Directions(activations, 0, model=Model())
    found, _ = directions.at(point), directions.at(point)
    assert found.details["keys_layer"] == 1 and len(found.tensors["key"]) == 3 and asked == [(1, -1)]
    assert "key" not in directions.at(space.first).tensors


def test_gradient_search_shares_starts_of_nearby_depths(activations):
    starts = []

    class Model:
        scores = property(lambda self: self)

        def descend(self, rows, prompts, descent, seed):
            starts.append(rows)
            return -rows, {"loss_after": 0.0}

    directions = Directions(activations, 0, (0.0, DEPTH - 1), Model())
    points = [{**space_of().first, "method": "gradient", "layer": layer} for layer in (1.2, 0.9, 3.4)]
    found = [directions.at(point) for point in points]
    assert len(starts) == 2 and [one.layer for one in found] == ["1", "1", "3"]
    plain = Directions(activations, 0).at({**points[1], "method": "mean_difference", "layer": 1.0})
    assert found[1].directions == pytest.approx(-plain.directions, abs=1e-6)
    assert why_not_searched("gradient") == ""


def test_sampled_trials_outperform_as_many_random_ones(tmp_path):
    count, seeds = 14, range(3)
    wide = [number for number in range(ANYWHERE * (count + 1)) if number and number % ANYWHERE == 0][:count]

    def best(found):
        """Lowest refusal scores within bounds on the divergence, averaged over the bounds."""
        lowest = [
            min((each.refusal_score for each in found if each.divergence <= bound), default=0.0)
            for bound in np.geomspace(0.001, 0.1, 30)
        ]
        return np.mean(lowest)

    def of_seed(seed):
        search = replace(search_of(tmp_path / str(seed)), seed=seed)
        sampled = [trial.screened for trial in search.run(FEW + count, quality)[FEW:]]
        return best(sampled), best([quality(Opening(search.space, seed, 64).at(number)) for number in wide])

    sampled, random = np.mean([of_seed(seed) for seed in seeds], axis=0)
    # on average over the bounds a tenth fewer log odds
    assert sampled < 1.1 * random


def test_opening_stays_in_the_space_and_is_mostly_cheap():
    space = space_of(edits=["orthogonalize", "rank_one"], directions=["probe", "random"], scale=[0.1, 1.0])
    points = [Opening(space, 0).at(number) for number in range(LENGTH)]
    assert points[0] == space.first
    for point in points:
        assert set(point) == {*space.choices, *space.ranges}
        assert all(point[name] in values for name, values in space.choices.items())
        assert all(bounds.low <= point[name] <= bounds.high for name, bounds in space.ranges.items())
    cheap = [point for number, point in enumerate(points) if number % ANYWHERE]
    assert all(point["mlp_output_peak"] >= 0.5 and point["mlp_output_scale"] >= 0.2 for point in cheap)
    assert all(0.4 <= point["layer"] / (DEPTH - 1) <= 0.9 for point in cheap)
    assert any(point["mlp_output_peak"] < 0.5 for point in points)
    assert {type(point["draw"]) for point in points[1:]} == {int}
    assert [Opening(space, 1).at(number) for number in range(1, LENGTH)] != points[1:]


def test_cheap_part_outside_the_space_gives_way_to_the_space():
    points = [Opening(space_of(depth=[0.0, 0.3], scale=[2.0, 3.0]), 0).at(number) for number in range(1, LENGTH)]
    assert all(0 <= point["layer"] <= 0.3 * (DEPTH - 1) and 2 <= point["mlp_output_scale"] <= 3 for point in points)


def test_trials_of_a_round_know_the_points_of_each_other(tmp_path):
    search = replace(search_of(tmp_path), workers=8)
    points = [Opening(search.space, 0, FEW).at(number) for number in range(FEW)]
    known = [Trial(number, point, quality(point)) for number, point in enumerate(points)]
    round_of_trials = range(FEW, FEW + search.workers)
    aware = [search._point(known, number) for number in round_of_trials]
    assert aware[-1] == search._point(known, round_of_trials[-1])
    unaware = []
    for number in [number for number in round_of_trials if not fills_gap(number)]:
        study = optuna.create_study(directions=["minimize"] * 2, sampler=search._sampler(number))
        study.add_trials([search._frozen(trial, list(search._goals(trial.screened))) for trial in known])
        unaware.append(study.ask(search._distributions()).params)
    drawn = [point for number, point in zip(round_of_trials, aware, strict=True) if not fills_gap(number)]
    assert drawn != unaware
    gaps = [point for number, point in zip(round_of_trials, aware, strict=True) if fills_gap(number)]
    assert gaps == [search._weaker(known, number) for number in round_of_trials if fills_gap(number)]


def test_goals_of_the_sampler_are_bounded_and_logarithmic(tmp_path):
    search = search_of(tmp_path, degradation=["divergence", "perplexity"])
    goals = [search._goals(Screened(score, 0.1 * share, math.e)) for score, share in ((0.5, 1.0), (3, 0.1), (-9, 1e-4))]
    assert [goal[0] for goal in goals] == [0.5, 3, -4]
    assert [goal[1] for goal in goals] == pytest.approx([math.log(100), math.log(10), 0.0])
    # one nat per token is ten times the bound
    assert goals[0][2] == pytest.approx(math.log(1000))
    assert len(search.run(FEW + 1, quality)) == FEW + 1


def test_first_trial_is_the_default_recipe(tmp_path):
    space = space_of()
    first = search_of(tmp_path).run(2, quality)[0]
    assert dict(first.point) == space.first
    edit = build_edit(space.edit(first.point))
    shares = {
        edit.profile.at(Writer("w", target, layer, axis=0), DEPTH)
        for target in ("attention_output", "mlp_output")
        for layer in range(DEPTH)
    }
    assert shares == {1.0}
    assert (first.point["method"], first.point["layer"]) == ("mean_difference", pytest.approx(0.6 * (DEPTH - 1)))


def test_search_point_sets_one_kernel_per_target():
    space = space_of()
    point = {**space.first, "attention_output_scale": 1.5, "attention_output_peak": 0.0, "attention_output_edge": 0.0}
    point |= {"attention_output_width": 0.5, "mlp_output_scale": 0.25}
    edit = build_edit(space.edit(point))
    attention, mlp = (
        [edit.profile.at(Writer("w", target, layer, axis=0), DEPTH) for layer in range(DEPTH)]
        for target in ("attention_output", "mlp_output")
    )
    assert attention == pytest.approx([1.5, 0.75, 0, 0, 0])
    assert mlp == pytest.approx([0.25] * DEPTH)
    assert [edit.selects(Writer("w", "attention_output", layer, axis=0), DEPTH) for layer in range(DEPTH)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_activations_are_interpolated_between_blocks(activations):
    directions = Directions(activations, 0)
    point = {**space_of().first, "layer": 1.25}
    states = [between_blocks(group, 1.25, 1) for group in (activations.harmful, activations.harmless)]
    assert states[0] == pytest.approx(0.75 * activations.harmful.at(1, 1) + 0.25 * activations.harmful.at(2, 1))
    difference = states[0].mean(axis=0) - states[1].mean(axis=0)
    found = directions.at(point)
    assert found.directions[0] == pytest.approx(difference / np.linalg.norm(difference), abs=1e-6)
    assert found.tensors["harmless_mean"] == pytest.approx(states[1].mean(axis=0), abs=1e-6)
    whole = directions.at({**point, "layer": 2.0})
    plain = activations.harmful.at(2, 1).mean(axis=0) - activations.harmless.at(2, 1).mean(axis=0)
    assert whole.directions[0] == pytest.approx(plain / np.linalg.norm(plain), abs=1e-6)


def test_per_block_scope_uses_the_direction_of_each_block(activations):
    point = {**space_of().first, "scope": "per_block", "layer": 2.5}
    found = Directions(activations, 0).at(point).tensors["block_directions"]
    assert found.shape == (DEPTH, 1, HIDDEN)
    alone = {**point, "scope": "global", "layer": 3.0}
    assert found[3] == pytest.approx(Directions(activations, 0).at(alone).directions, abs=1e-6)
    assert "block_directions" not in Directions(activations, 0).at(alone).tensors


def test_count_applies_only_to_methods_with_several_directions(activations):
    directions, first = Directions(activations, 0), space_of().first
    counts = {
        name: len(directions.at({**first, "method": name, "count": 2, "draw": 3}).directions)
        for name in ("mean_difference", "subspace", "pca", "random")
    }
    assert counts == {"mean_difference": 1, "subspace": 2, "pca": 2, "random": 2}


def test_control_search_varies_the_random_draw(activations, tmp_path):
    search = search_of(tmp_path, directions=["random"])
    trials = search.run(6, quality)
    assert len({trial.point["draw"] for trial in trials}) > 3
    rows = [Directions(activations, 0).at(trial.point).directions[0] for trial in trials[:2]]
    assert abs(rows[0] @ rows[1]) < 0.99


@pytest.mark.parametrize(("method", "problem"), [("mean_difference", ""), ("random", ""), ("file", "settings")])
def test_why_not_searched_explains_unsearchable_methods(method, problem):
    assert (problem in why_not_searched(method)) and bool(why_not_searched(method)) == bool(problem)
