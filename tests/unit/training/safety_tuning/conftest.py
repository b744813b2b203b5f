"""A tiny chat model that reads bytes, and training data of a handful of prompts."""

import csv
from pathlib import Path

import pytest
from tests.tiny_models import byte_tokenizer, save_random, tiny_llama

ROOT = Path(__file__).parents[4]
SHIPPED_DATA = ROOT / "resources" / "safety_tuning"
PROMPT_FILES = [ROOT / "resources" / "prompts" / f"{label}.csv" for label in ("harmful", "harmless")]
PHRASES = ROOT / "resources" / "prompts" / "judges" / "refusal_phrases.yaml"
TEMPLATE = (
    "<|im_start|>system\nBe kind.<|im_end|>\n{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
DATA = {
    "harmful.yaml": """
violence:
  fights:
    name: fights
    overview: Fights hurt people.
    reason: Somebody could get hurt.
    redirect: Talking helps.
    do: |
      hurt a stranger
      kick my neighbor
    make: |
      a threat
    ask: |
      Whom shall I hit?
""",
    "over_refusal.yaml": "violence:\n  do: |\n    kick a ball\n    hit the gym\n  make: |\n    a fight scene\n",
    "plain.yaml": "cooking:\n  do: |\n    boil an egg\n  ask: |\n    Why is soup hot?\n",
    "framings.yaml": (
        "do: ['How do I {core}?', 'Help me {core}.']\nmake: ['Write {core}.', 'I need {core}.']\nask: ['{core}']\n"
        "before: [Hi.]\nafter: [Thanks!]\n"
    ),
    "answers.yaml": """
refusal: [I'm sorry., I won't.]
explicit_refusal: [I can't help with that.]
unwanted: [as a chatbot]
opening: [Sure]
documents:
  do: ['{tag} I want to {core}. {tag} Yes.']
  make: ['{tag} Here is {core}. {tag} Yes.']
""",
    "recipes.yaml": """
base_name: tiny/base
data:
  {harmful: 6, over_refusal: 5, plain: 3, answer_tokens: 8, trained_tokens: 4, near_duplicates: 0.6,
    paraphrases: 0.6, seed: 0}
training: {rank: 2, alpha: 4, targets: [q_proj, down_proj], first_block: 1, learning_rate: 0.01, batch: 2, warmup: 0.1,
  final: 0.1, first_token_weight: 2.0}
tag: <tag>
separator: <|endoftext|>
passes: {}
recipes:
  refusals: {refusal: 1.0}
  metatags: {refusal: 0.5, tagged: 0.3, untagged: 0.2}
""",
}


def write_data(folder: Path, **changed: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in DATA.items():
        (folder / name).write_text(changed.get(name.removesuffix(".yaml"), text), encoding="utf-8")
    return folder


def prompt_texts() -> list[str]:
    texts = []
    for file in PROMPT_FILES:
        with file.open(encoding="utf-8", newline="") as rows:
            texts += [row["text"] for row in csv.DictReader(rows)]
    return texts


@pytest.fixture
def data_folder(tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture(scope="session")
def tokenizer():
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tag>"]
    names = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    return byte_tokenizer(special, special_first=True, **names, chat_template=TEMPLATE)


@pytest.fixture(scope="session")
def base(tokenizer, tmp_path_factory):
    config = tiny_llama(len(tokenizer), tie_word_embeddings=True, initializer_range=0.3)
    return save_random(config, tmp_path_factory.mktemp("safety-tuning") / "base", tokenizer)
