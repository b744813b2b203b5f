"""All variants of a model in one process: the responses that each gives alone, and one load of the weights."""

import numpy as np
import pandas as pd
import pytest
from tests.unit.generation.engines.tiny_llama import save_checkpoint

from steadfast.attacks.baking import bake, keep_factors
from steadfast.attacks.directions import Direction
from steadfast.core.files import read_table
from steadfast.generation.responses import generate_responses
from steadfast.generation.variants import VariantResponses, write_variant_responses
from steadfast.models import loading

PROMPTS = pd.DataFrame({"prompt_id": ["a", "b", "c"], "text": ["How?", "Why not?", "When is it?"]})
SETTINGS = {"max_new_tokens": 12}
HOOK = {"kind": "intervention", "settings": {"hook": {"method": "projection", "scale": 1.0}}}


@pytest.fixture
def family(tmp_path):
    """An original, an edit of it kept as factors and baked, and directions."""
    original = save_checkpoint(tmp_path / "original")
    rows = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 2)))[0].T.astype(np.float32)
    Direction(rows, method="random").save(tmp_path / "direction.safetensors")
    Direction(rows[:0], method="random", reason="none").save(tmp_path / "none.safetensors")
    edit = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output", "embedding"]}
    keep_factors(original, tmp_path / "direction.safetensors", edit, tmp_path / "edited")
    keep_factors(original, tmp_path / "none.safetensors", edit, tmp_path / "in_vain")
    bake(original, tmp_path / "direction.safetensors", edit, tmp_path / "baked")
    return tmp_path


@pytest.fixture
def loads(monkeypatch):
    """Every load of weights from files."""
    seen = []
    real = loading.load_original
    monkeypatch.setattr(loading, "load_original", lambda *place: seen.append(place[0]) or real(*place))
    return seen


def cell(family, variant, checkpoint, **settings):
    return VariantResponses(variant, str(family / checkpoint), str(family / f"{variant}.parquet"), **settings)


def write(family, cells):
    write_variant_responses(
        cells,
        PROMPTS,
        engine="transformers",
        dtype="float32",
        cache=family / "cache",
        machine={"device": "cpu"},
        settings=SETTINGS,
    )
    return {variant.variant: read_table(variant.output) for variant in cells}


def test_variants_of_a_batch_respond_like_single_ones(family, loads):
    direction = {"direction": str(family / "direction.safetensors")}
    found = write(
        family,
        [
            cell(family, "edited", "edited"),
            cell(family, "hooked", "original", **HOOK, **direction),
            cell(family, "original", "original"),
            cell(family, "in_vain", "in_vain"),
            cell(family, "no_direction", "original", **HOOK, direction=str(family / "none.safetensors")),
        ],
    )
    assert len(loads) == 1
    assert found["in_vain"].empty and found["no_direction"].empty
    for variant, checkpoint in (("edited", "baked"), ("original", "original")):
        alone = generate_responses(family / checkpoint, PROMPTS, settings=SETTINGS, dtype="float32", device="cpu")
        pd.testing.assert_frame_equal(found[variant], alone, check_dtype=False)
    texts = {variant: tuple(found[variant]["response"]) for variant in ("edited", "hooked", "original")}
    # projecting out of what is written and out of the weights that write is the same
    assert texts["hooked"] == texts["edited"] != texts["original"]


def test_cached_variants_are_not_generated_again(family, loads):
    first = write(family, [cell(family, "original", "original")])
    assert write(family, [cell(family, "original", "original")])["original"].equals(first["original"])
    assert len(loads) == 1
    write(family, [cell(family, "original", "original"), cell(family, "edited", "edited")])
    assert len(loads) == 2
    kept = [line for segment in (family / "cache").iterdir() for line in segment.read_text().splitlines()]
    assert len(kept) == 2 * len(PROMPTS)


def test_each_variant_may_have_its_own_prompts(family):
    found = write(family, [cell(family, "edited", "edited", first=2), cell(family, "original", "original")])
    assert {variant: table["prompt_id"].tolist() for variant, table in found.items()} == {
        "edited": ["a", "b"],
        "original": ["a", "b", "c"],
    }


def test_changed_code_generates_responses_again(family, loads):
    for code in ("first", "first", "second"):
        write(family, [cell(family, "original", "original", code=code)])
    assert len(loads) == 2
