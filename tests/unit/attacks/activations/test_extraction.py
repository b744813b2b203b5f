from functools import wraps

import numpy as np
import pytest
import torch
from transformers import LlamaModel

from steadfast.attacks.activations import Activations, extract_activations
from steadfast.attacks.activations.extraction import batches, decoder_blocks
from steadfast.core.errors import DataError
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.loading import load_model, load_tokenizer


def reference_states(checkpoint, text, system=None):
    """Every block's output for one unpadded prompt, and the state after the final norm."""
    model, tokenizer = load_model(checkpoint), load_tokenizer(checkpoint)
    ids = torch.tensor(encode_chat(tokenizer, [user_message(text, system)]))
    with torch.no_grad():
        state = model.model.embed_tokens(ids)
        embeddings = model.model.rotary_emb(state, torch.arange(ids.shape[1])[None])
        mask = torch.full((ids.shape[1], ids.shape[1]), float("-inf")).triu(1)[None, None]
        states = []
        for layer in model.model.layers:
            state = layer(state, attention_mask=mask, position_embeddings=embeddings)
            states.append(state[0].numpy())
        return np.stack(states, axis=1), model.model.norm(state)[0].numpy()


def test_activations_are_block_outputs_for_any_batch_size(checkpoint, prompts):
    for batch_tokens in (1, 30, 8192):
        found = extract_activations(checkpoint, prompts, positions=(-3, -1), batch_tokens=batch_tokens, device="cpu")
        for group, label in ((found.harmful, "harmful"), (found.harmless, "harmless")):
            expected = prompts[prompts["label"] == label]
            assert list(group.prompt_ids) == expected["prompt_id"].tolist()
            for row, text in enumerate(expected["text"]):
                blocks, final = reference_states(checkpoint, text)
                np.testing.assert_allclose(group.blocks[row, 1], blocks[-1], atol=2e-5)
                np.testing.assert_allclose(group.blocks[row, 0], blocks[-3], atol=2e-5)
                np.testing.assert_allclose(group.final_norm[row, 1], final[-1], atol=2e-5)


def test_shared_prefix_is_run_once_without_changing_activations(checkpoint, prompts, monkeypatch):
    system = "You answer in one sentence, and you never say more than you know about anything at all."
    seen = []
    forward = LlamaModel.forward

    @wraps(forward)
    def counted(self, input_ids=None, **arguments):
        seen.append(input_ids.numel())
        return forward(self, input_ids=input_ids, **arguments)

    monkeypatch.setattr(LlamaModel, "forward", counted)
    found = extract_activations(checkpoint, prompts, positions=(-3, -1), device="cpu", system_prompt=system)
    monkeypatch.undo()
    tokenizer = load_tokenizer(checkpoint)
    lengths = [len(ids) for ids in encode_chat(tokenizer, [user_message(text, system) for text in prompts["text"]])]
    assert sum(seen) < sum(lengths) / 2
    for row, text in enumerate(prompts[prompts["label"] == "harmful"]["text"]):
        blocks, final = reference_states(checkpoint, text, system)
        np.testing.assert_allclose(found.harmful.blocks[row], blocks[[-3, -1]], atol=2e-5)
        np.testing.assert_allclose(found.harmful.final_norm[row], final[[-3, -1]], atol=2e-5)


def test_last_block_differs_from_the_final_norm(checkpoint, prompts):
    found = extract_activations(checkpoint, prompts, device="cpu")
    assert np.abs(found.harmful.blocks[:, 0, -1] - found.harmful.final_norm[:, 0]).max() > 0.1


def test_post_instruction_positions_are_the_template_suffix(checkpoint, prompts):
    found = extract_activations(checkpoint, prompts, positions="post_instruction", device="cpu")
    assert found.positions == (-2, -1)
    assert found.template_tokens == ("<end>", "<assistant>")
    assert (found.depth, found.hidden_size) == (3, 16)


def test_activations_round_trip_through_their_file(checkpoint, prompts, tmp_path):
    found = extract_activations(checkpoint, prompts, device="cpu")
    found.save(tmp_path / "a.safetensors")
    again = Activations.load(tmp_path / "a.safetensors")
    assert again.harmful.prompt_ids == found.harmful.prompt_ids
    assert again.harmful.categories == ("c1", "c0", "c2", "c1", "c0", "c2")
    assert (again.positions, again.template_tokens, again.model) == (
        found.positions,
        found.template_tokens,
        found.model,
    )
    np.testing.assert_array_equal(again.harmless.blocks, found.harmless.blocks)
    found.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_file_of_another_kind_is_rejected(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match="not an activations file"):
        Activations.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize("positions", [(0,), (-99,), ()])
def test_positions_outside_the_prompt_are_rejected(checkpoint, prompts, positions):
    with pytest.raises(DataError, match="count from the end"):
        extract_activations(checkpoint, prompts, positions=positions, device="cpu")


def test_label_without_prompts_is_rejected(checkpoint, prompts):
    with pytest.raises(DataError, match="no harmless calibration prompts"):
        extract_activations(checkpoint, prompts[prompts["label"] == "harmful"], device="cpu")


def test_batches_hold_every_prompt_once_within_the_budget():
    encoded = [[1] * length for length in (3, 9, 4, 4, 30, 1, 9)]
    found = list(batches(encoded, 20, pad_token_id=0))
    assert sorted(row for batch in found for row in batch.rows) == list(range(7))
    assert [batch.input_ids.numel() for batch in found if len(batch.rows) > 1] == [18, 16]
    for batch in found:
        for index, row in enumerate(batch.rows):
            assert batch.input_ids[index].sum() == len(encoded[row])
            assert batch.input_ids[index, -1] == 1


def test_extraction_removes_its_hooks(checkpoint, prompts, monkeypatch):
    kept = []
    original = load_model

    def remember(*args, **kwargs):
        kept.append(original(*args, **kwargs))
        return kept[-1]

    monkeypatch.setattr("steadfast.attacks.activations.extraction.load_model", remember)
    extract_activations(checkpoint, prompts, device="cpu")
    assert all(not block._forward_hooks for block in decoder_blocks(kept[0]))
