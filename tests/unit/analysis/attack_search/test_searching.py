"""A whole search on a tiny model: what is chosen, what is recorded, what a killed search keeps."""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import torch
from tests.tiny_checkpoint import SPECIAL, TEMPLATE, VOCABULARY
from tests.tiny_models import save_random, tiny_llama, word_tokenizer

from steadfast.analysis.attack_search.searching import search_attack
from steadfast.attacks.activations import extract_activations
from steadfast.attacks.baking import write_edited
from steadfast.attacks.direction_search.refusal_score import ModelAccess, refusal_score
from steadfast.attacks.search.screening import along_responses, change_along
from steadfast.attacks.search.settings import SearchSettings
from steadfast.core.names import NON_REFUSAL, REFUSAL
from steadfast.judges.interface import SCALES, Scorer, Verdict

WORDS = ["a b", "b a", "c a", "a c 7", "7 a b", "8 b", "b b c", "c c"]
BOUND = 2.0


@dataclass
class FirstWord:
    """Calls a response a refusal that begins like one; may break down at some call."""

    refusals: tuple[str, ...] = ("a", "b", "c")
    breaks_at: int = -1
    calls: int = 0

    def judge(self, cases):
        if self.calls == self.breaks_at:
            raise KeyboardInterrupt
        self.calls += 1
        return [
            Verdict(REFUSAL if case.response.split()[:1] and case.response.split()[0] in self.refusals else NON_REFUSAL)
            for case in cases
        ]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    special = {name: token for name, token in SPECIAL.items() if name != "unk_token"}
    tokenizer = word_tokenizer(VOCABULARY, **special, chat_template=TEMPLATE)
    config = tiny_llama(len(VOCABULARY), eos_token_id=1, num_hidden_layers=4)
    return save_random(config, tmp_path_factory.mktemp("model") / "tiny", tokenizer, spread=0.3, seed=3)


@pytest.fixture(scope="module")
def prompts() -> pd.DataFrame:
    """Calibration prompts of both labels, and evaluation prompts that cannot be read."""
    rows = [
        {
            "prompt_id": f"{label}-{number}",
            "text": f"{text} {word}",
            "label": label,
            "split": "calibration",
            "category": text[0],
        }
        for label, word in (("harmful", "9?"), ("harmless", "8"))
        for number, text in enumerate(WORDS)
    ]
    hidden = [{"prompt_id": "e", "text": None, "label": "harmful", "split": "evaluation", "category": ""}]
    return pd.DataFrame([*rows, *hidden])


@pytest.fixture(scope="module")
def activations(model, prompts):
    return extract_activations(model, prompts[prompts["split"] == "calibration"])


@pytest.fixture(scope="module")
def search(model, prompts, activations, tmp_path_factory):
    home = tmp_path_factory.mktemp("searches")

    def run(folder, judge=None, **settings):
        given = {"trials": 8, "finalists": 4, "max_divergence": BOUND, "refusal_tokens": ["a", "b", "c"]}
        given |= {
            "screening_prompts": 6,
            "screening_tokens": 3,
            "directions": ["mean_difference", "subspace"],
            **settings,
        }
        return search_attack(
            SearchSettings.read(given),
            activations,
            ModelAccess(model, prompts, device="cpu"),
            judge=Scorer(judge or FirstWord(), SCALES["refusal"]),
            sampling={"max_new_tokens": 4},
            thinking_markers=None,
            degenerate=1.0,
            seed=0,
            journal=home / folder / "trials.journal",
            code="",
        )

    return run


@pytest.fixture(scope="module")
def found(search):
    return search("whole")


def test_chosen_edit_matches_its_trial(found, model, prompts, tmp_path):
    table = found.direction.selection
    assert table["trial"].tolist() == list(range(-1, 8))
    assert set(table["method"].dropna()) == {"mean_difference", "subspace"}
    row = table[table["chosen"]].iloc[0]
    assert row["reason"] == "" and row["divergence"] <= BOUND and row["scored"] == row["total"] == len(WORDS)
    others = table[table["finalist"] & (table["reason"] == "")]
    assert row["refused"] == others["refused"].min()
    assert found.direction.details["trial"] == row["trial"]
    found.direction.save(tmp_path / "found.safetensors")
    manifest = write_edited(model, tmp_path / "found.safetensors", found.edit, tmp_path / "edited")
    assert manifest["effective"], manifest["reason"]
    access = ModelAccess(tmp_path / "edited", prompts, device="cpu")
    encoded = access.encode(prompts["prompt_id"].tolist()[:6])
    tokens = found.direction.details["refusal_tokens"]
    assert refusal_score(access.log_probabilities(encoded), tokens) == pytest.approx(row["refusal_score"], abs=1e-3)


def test_perplexity_ratio_is_that_of_the_responses(model, prompts, found):
    access = ModelAccess(model, prompts, device="cpu")
    prefixes, continuations = access.encode(prompts["prompt_id"].tolist()[:2]), [[4, 5], [6]]
    along = along_responses(access, prefixes, continuations)
    assert change_along(access, along).perplexity_ratio == pytest.approx(1)
    with torch.no_grad():
        access.model.get_output_embeddings().weight.mul_(1.5)
        changed = change_along(access, along)
        logits = [
            access.model(torch.tensor([[*a, *b]])).logits[0] for a, b in zip(prefixes, continuations, strict=True)
        ]
    said = [
        torch.log_softmax(values[-len(ids) - 1 : -1], -1)[range(len(ids)), ids]
        for values, ids in zip(logits, continuations, strict=True)
    ]
    expected = -float(torch.cat(said).mean()) - along.cross_entropy
    assert changed.perplexity_ratio == pytest.approx(math.exp(expected), rel=1e-4) and abs(expected) > 0.01
    table = found.direction.selection
    assert table.loc[table["finalist"], "perplexity_ratio"].notna().all()
    assert table.loc[table["trial"] == -1, "perplexity_ratio"].tolist() == [1.0]


def test_half_of_the_finalists_are_evaluated_on_all_prompts(found):
    table = found.direction.selection
    finalists = table[table["finalist"]]
    assert sorted(finalists["total"]) == [2, 2, len(WORDS), len(WORDS)]
    assert finalists["divergence"].notna().all()
    assert (finalists["over_scored"].notna() == (finalists["total"] == len(WORDS))).all()


def test_search_killed_among_finalists_resumes_identically(search, found, capsys):
    with pytest.raises(KeyboardInterrupt):
        search("killed", FirstWord(breaks_at=1))
    capsys.readouterr()
    again = search("killed")
    assert "trials: 8/8 were finished by an earlier run" in capsys.readouterr().out
    pd.testing.assert_frame_equal(again.direction.selection, found.direction.selection)
    assert again.edit == found.edit
    assert (again.direction.directions == found.direction.directions).all()


@pytest.mark.slow
def test_two_workers_share_the_trials_of_every_edit(search):
    settings = {"edits": ["orthogonalize", "rank_one"], "targets": ["mlp_output", "embedding"], "finalists": 2}
    found = search("shared", trials=5, workers=2, **settings)
    table = found.direction.selection
    assert table["trial"].tolist() == list(range(-1, 5)) and table["refusal_score"].notna().all()
    assert {"rank_one", "orthogonalize"} == set(table["edit"].dropna())
    # this process tries every second trial only
    assert found.direction.details["workers"] == 2


def test_control_is_searched_along_random_directions(search):
    choice = search("random", trials=4, finalists=2, directions=["random"], edits=["orthogonalize"])
    assert choice.direction.method == "random" and len(choice.direction.directions) >= 1
    assert choice.direction.selection["draw"].nunique() == 4


def test_search_without_suitable_trial_gives_the_reason(search):
    choice = search("nothing", trials=3, finalists=2, max_divergence=1e-12)
    assert not choice.direction.valid
    assert (
        "none of 3 trials can be chosen" in choice.direction.reason and "capability degraded" in choice.direction.reason
    )
    assert choice.direction.selection["chosen"].sum() == 0
