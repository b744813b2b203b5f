import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadfast.core.errors import ConfigError
from steadfast.judges.annotation.items import collect_items
from steadfast.judges.annotation.sampling import allocate, disputed_responses, select

RESPONSE = ["model", "variant", "prompt_id", "sample"]


@pytest.fixture
def items(prompts, responses):
    return collect_items(prompts, responses)


@pytest.fixture
def judgments(items):
    """Two judges that agree but on the zebra's harmful prompts; a third that scores nothing."""
    disputed = (items["model"] == "zebra-7b") & (items["label"] == "harmful")
    tables = [
        items[RESPONSE].assign(judge="first", verdict="refusal"),
        items[RESPONSE].assign(judge="second", verdict=np.where(disputed, "non_refusal", "refusal")),
        items[RESPONSE].assign(judge="third", verdict="unscored"),
    ]
    return pd.concat(tables, ignore_index=True)


def draw(items, prompts, **settings):
    return select(items, prompts, **{"mode": "sampled", "size": 8, "samples": None, "seed": 0, **settings})


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(0, 60), st.integers(0, 5))
def test_allocation_is_as_even_as_the_sizes_allow(sizes, total, seed):
    taken = allocate(sizes, total, np.random.default_rng(seed))
    assert sum(taken) == min(total, sum(sizes))
    assert all(0 <= count <= size for count, size in zip(taken, sizes, strict=True))
    unfilled = [count for count, size in zip(taken, sizes, strict=True) if count < size]
    assert not unfilled or max(taken) <= min(unfilled) + 1


def test_disputed_responses_have_differing_verdicts(items, judgments):
    expected = items[(items["model"] == "zebra-7b") & (items["label"] == "harmful")]
    assert set(disputed_responses(judgments)) == set(expected[RESPONSE].itertuples(index=False, name=None))


def test_one_scoring_judge_gives_no_disputed_responses(judgments):
    assert len(disputed_responses(judgments[judgments["judge"] != "second"])) == 0


def test_sample_spreads_over_all_strata(items, prompts, judgments):
    chosen = draw(items, prompts, judgments=judgments)
    strata = chosen[chosen["selected"]]["stratum"].value_counts()
    assert len(strata) == 2 * 2 * 2
    assert set(strata) == {1}
    assert "zebra-7b|pristine|harmful|disputed" in strata.index


def test_strata_without_judgments_ignore_disagreement(items, prompts):
    chosen = draw(items, prompts, judgments=None)
    assert set(chosen["stratum"]) == {
        f"{m}|{v}|{c}" for m, v, c in zip(chosen["model"], chosen["variant"], chosen["label"], strict=True)
    }


def test_sampling_weights_sum_to_the_population(items, prompts, judgments):
    chosen = draw(items, prompts, size=11, judgments=judgments)
    assert chosen["selected"].sum() == 11
    assert chosen["weight"].sum() == pytest.approx(len(items))
    assert chosen.loc[~chosen["selected"], "weight"].isna().all()


def test_size_above_the_population_selects_everything(items, prompts):
    chosen = draw(items, prompts, size=10_000)
    assert chosen["selected"].all()
    assert set(chosen["weight"]) == {1.0}


def test_sample_depends_on_the_seed(items, prompts):
    assert draw(items, prompts).equals(draw(items, prompts))
    others = [draw(items, prompts, seed=seed)["selected"] for seed in range(1, 6)]
    assert any(not other.equals(draw(items, prompts)["selected"]) for other in others)


def test_only_eligible_samples_are_drawn(items, prompts):
    chosen = draw(items, prompts, samples=1, size=1000)
    assert set(chosen.loc[chosen["selected"], "sample"]) == {0}
    assert set(chosen.loc[chosen["sample"] == 1, "stratum"]) == {""}


def test_human_subset_selects_marked_prompts_of_every_pair(items, prompts):
    chosen = select(items, prompts, mode="human_subset", size=1, samples=None, seed=0)
    marked = set(prompts.loc[prompts["human"], "prompt_id"])
    assert chosen["selected"].equals(chosen["prompt_id"].isin(marked))


@pytest.mark.parametrize("settings", [{"mode": "everything"}, {"size": 0}])
def test_impossible_sampling_settings_are_rejected(items, prompts, settings):
    with pytest.raises(ConfigError, match=r"annotation\.(mode|size)"):
        draw(items, prompts, **settings)
