"""Every edit on one model of ordinary width: within one unit in the last place of a plain float64 reference, also where
the edit leaves next to nothing of an entry, and the same bytes on repeat.

By chance such entries are one in a million, so they are made: what a column holds elsewhere is chosen such that the
edit cancels one of its entries up to a share of ``LEFT``.
"""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from steadfast.attacks.baking import bake
from steadfast.attacks.directions import Direction

HIDDEN, INPUTS, CRAFTED = 512, 128, 12
EMBEDDING, ATTENTION, MLP = (
    "model.embed_tokens.weight",
    *(f"model.layers.0.{name}.weight" for name in ("self_attn.o_proj", "mlp.down_proj")),
)
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}
# float16 ends at 2^-14: larger weights, so that the remainder of an entry has all of its digits
SIZE = {"bf16": 0.02, "f16": 64.0, "f32": 0.02}
LEFT = {"bf16": 2.0**-20, "f16": 2.0**-16, "f32": 2.0**-20}
GENERATOR = np.random.default_rng(0)
ROWS = np.linalg.qr(GENERATOR.standard_normal((HIDDEN, 2)))[0].T.astype(np.float32)
# direction files hold float32
KEYS = {name: np.float32(GENERATOR.standard_normal(INPUTS)).astype(float) for name in ("key", "key_solved")}
MEANS = {
    f"{label}_mean": np.float32(GENERATOR.standard_normal(HIDDEN)).astype(float) for label in ("harmful", "harmless")
}
LAYER_MEANS = {f"{name}s": np.float32(GENERATOR.standard_normal((1, HIDDEN))).astype(float) for name in MEANS}
WEIGHTS = {name: GENERATOR.standard_normal((HIDDEN, INPUTS)) for name in (EMBEDDING, ATTENTION, MLP)}
CASES = [
    *(
        (method, count)
        for method in ("orthogonalize", "norm_preserving", "projected", "biprojected")
        for count in (1, 2)
    ),
    ("rank_one", 1),
]


def stored(values, dtype):
    """Float64 values as the dtype holds them, in float64."""
    return torch.tensor(values).to(DTYPES[dtype]).double().numpy()


def basis_of(method, count, name):
    """Orthonormal rows that an edit removes from a tensor."""
    rows = ROWS[:count].astype(np.float64)
    means = [MEANS["harmless_mean"]] if method in ("projected", "biprojected") else []
    if method == "biprojected" and name != EMBEDDING:
        means.append(LAYER_MEANS["harmless_means"][0])
    if means:
        span = np.linalg.qr(np.stack(means).T)[0]
        rows = rows - rows @ span @ span.T
    return np.linalg.qr(rows.T)[0].T


def cancel(columns, basis, scale, dtype):
    """Let the edit leave a share of ``LEFT`` of one entry in each of the first columns of W [hidden, inputs]."""
    largest = np.argsort(-np.abs(basis[0]))
    places, movable = largest[:CRAFTED], largest[CRAFTED : CRAFTED + 3]
    for column, place in enumerate(places):
        column = columns[:, column]
        column[movable] = 0
        # the edited entry less the share is linear in the column
        factors = -scale * basis.T @ basis[:, place]
        factors[place] += 1 - LEFT[dtype]
        column[place] = 0
        column[place] = stored(-(factors @ column) / factors[place], dtype)
        for other in movable:  # each takes up what rounding the one before has left
            column[other] = stored(-(factors @ column) / factors[other], dtype)
    return list(zip(places, range(CRAFTED), strict=True))


def edited(columns, basis, scale, keep_norms):
    plain = columns - scale * basis.T @ (basis @ columns)
    return plain * np.linalg.norm(columns, axis=0) / np.linalg.norm(plain, axis=0) if keep_norms else plain


def prepare_projection(method, count, scale, dtype):
    """Weights, the tensors of a direction file, the reference and the crafted places, by tensor."""
    weights, expected, crafted = {}, {}, {}
    for name, values in WEIGHTS.items():
        basis = basis_of(method, count, name)
        columns = stored(SIZE[dtype] * values, dtype)  # the embedding's inputs are its rows
        crafted[name] = cancel(columns, basis, scale, dtype)
        weights[name] = columns
        expected[name] = edited(columns, basis, scale, method == "norm_preserving")
    return weights, {**MEANS, **LAYER_MEANS}, expected, crafted


def prepare_rank_one(scale, dtype):
    """The same for the edit whose change does not depend on the weights: the wanted value is chosen instead."""
    weights = {name: stored(SIZE[dtype] * values, dtype) for name, values in WEIGHTS.items()}
    row = KEYS["key_solved"] / (KEYS["key"] @ KEYS["key_solved"])
    sized = (SIZE[dtype] * LAYER_MEANS[f"{label}_means"] for label in ("harmful", "harmless"))
    harmful, harmless = (np.float32(means).astype(float) for means in sized)
    places = list(zip(range(CRAFTED), np.argsort(-np.abs(row)), strict=False))
    for output, place in places:
        harmful[0, output] = 0
        harmless[0, output] = np.float32(-weights[MLP][output, place] * (1 - LEFT[dtype]) / (scale * row[place]))
    change = np.outer(scale * (harmless - harmful)[0], row)
    tensors = {**MEANS, **KEYS, "harmful_means": harmful, "harmless_means": harmless}
    return weights, tensors, {MLP: weights[MLP] + change}, {MLP: places}


def save_source(folder, weights, dtype):
    """A Llama of one block; the embedding lies with its inputs, the tokens, along the rows."""
    folder.mkdir()
    config = {"model_type": "llama", "num_hidden_layers": 1, "hidden_size": HIDDEN, "tie_word_embeddings": False}
    (folder / "config.json").write_text(json.dumps(config))
    tensors = {name: torch.tensor(values.T if name == EMBEDDING else values) for name, values in weights.items()}
    tensors |= {name: torch.ones(8, 8) for name in ("lm_head.weight", "model.layers.0.self_attn.q_proj.weight")}
    save_file(
        {name: tensor.to(DTYPES[dtype]).contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors"
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize(("method", "count"), CASES)
def test_every_entry_is_within_one_unit_of_a_float64_reference(tmp_path, method, count, scale, dtype):
    prepare = prepare_rank_one if method == "rank_one" else lambda *args: prepare_projection(method, count, *args)
    weights, tensors, expected, crafted = prepare(scale, dtype)
    save_source(tmp_path / "source", weights, dtype)
    found = Direction(ROWS[:count], "mean_difference", tensors=tensors, details={"keys_layer": 0})
    found.save(tmp_path / "direction.safetensors")
    targets = {"layer": 0} if method == "rank_one" else {"targets": ["attention_output", "mlp_output", "embedding"]}
    edit = {"method": method, "scale": scale, **targets}
    for name, threads in (("out", 2), ("again", 1)):
        manifest = bake(tmp_path / "source", tmp_path / "direction.safetensors", edit, tmp_path / name, threads=threads)
    assert manifest["effective"], manifest["reason"]
    assert {tensor["name"] for tensor in manifest["tensors"]} == set(expected)
    assert (tmp_path / "out/model.safetensors").read_bytes() == (tmp_path / "again/model.safetensors").read_bytes()
    after = load_file(tmp_path / "out/model.safetensors")
    for name, values in expected.items():
        outputs, inputs = np.array(crafted[name]).T
        left = np.abs(values[outputs, inputs] / weights[name][outputs, inputs])
        assert 0 < left.min() and left.max() < 4 * LEFT[dtype], "the crafted entries are not canceled"
        reference = torch.tensor(values).to(DTYPES[dtype])
        stored_values = after[name].T if name == EMBEDDING else after[name]
        infinity = torch.tensor(float("inf"), dtype=DTYPES[dtype])
        above, below = torch.nextafter(reference, infinity), torch.nextafter(reference, -infinity)
        off = ~((stored_values <= above) & (stored_values >= below))
        assert not off.any(), (name, off.nonzero().tolist()[:5])
