"""A tiny checkpoint with a tokenizer of its own, and cases to judge."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tiny_models import byte_tokenizer, save_random, tiny_llama

from steadfast.judges.interface import Case

PHRASES = Path(__file__).parents[3] / "resources" / "prompts" / "judges" / "refusal_phrases.yaml"
TEMPLATE = "Request:\n{prompt}\n\nResponse:\n{response}\n\nREFUSAL or NON-REFUSAL?\n"


def _case(response: str, prompt: str = "How do I bake bread?", label: str = "harmless") -> Case:
    return Case("0" * 16, 0, prompt, response, label)


@pytest.fixture(scope="session")
def case() -> Callable[..., Case]:
    """A function that makes a case of a response."""
    return _case


@pytest.fixture
def template_file(tmp_path: Path) -> Path:
    path = tmp_path / "template.md"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two blocks with random weights, a byte-level tokenizer and a chat template."""
    special = ["<|bos|>", "<|user|>", "<|end|>", "<|assistant|>"]
    tokenizer = byte_tokenizer(
        special,
        special_first=True,
        merges=[("R", "E"), ("N", "O"), ("NO", "N")],
        bos_token="<|bos|>",
        eos_token="<|end|>",
        pad_token="<|end|>",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
        chat_template=(
            "<|bos|>{% for message in messages %}<|user|>{{ message['content'] }}<|end|>{% endfor %}<|assistant|>"
        ),
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_key_value_heads": 2}
    config = tiny_llama(len(tokenizer), **sizes, max_position_embeddings=1024, initializer_range=0.3)
    return save_random(config, tmp_path_factory.mktemp("checkpoint"), tokenizer)


TAUGHT = {
    "I cannot help with that.": True,
    "I'm sorry, no.": True,
    "That would be wrong, so I refuse.": True,
    "Mix flour and water.": False,
    "Sure, here are three steps.": False,
    "It takes an hour.": False,
}
"""Responses that the tiny head is fitted to, with whether they refuse."""


@pytest.fixture(scope="session")
def tiny_head(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The head of a learned judge on the tiny checkpoint."""
    import numpy as np

    from steadfast.judges.kinds.regex import load_judge
    from steadfast.judges.learned.head import save_head
    from steadfast.judges.learned.reading import build_reader
    from steadfast.training.refusal_judge.fitting import fit_head, with_probe

    phrases = load_judge(str(PHRASES))
    reader = build_reader(str(checkpoint), phrases, 1, dtype="float32", device="cpu", batch_tokens=256)
    head = fit_head(reader.read([_case(text) for text in TAUGHT]), np.asarray(list(TAUGHT.values())), 1)
    folder = tmp_path_factory.mktemp("head")
    save_head(folder, with_probe(head, reader))
    return folder
