"""The tiny models' tokenizer: every word of the world is one token, anything else falls back to bytes."""

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from steadfast.prompts.synthetic.world import World

PAD, BEGIN, END, USER, ASSISTANT = "<|pad|>", "<|bos|>", "<|end|>", "<|user|>", "<|assistant|>"
SPECIAL = (PAD, BEGIN, END, USER, ASSISTANT)

CHAT_TEMPLATE = (
    "{{ '<|bos|>' }}"
    "{% for message in messages %}"
    "{% if message.role == 'assistant' %}{{ '<|assistant|>' + message.content + '<|end|>' }}"
    "{% else %}{{ '<|user|>' + message.content + '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def build_tokenizer(world: World, extra: Iterable[str] = (), max_length: int = 512) -> PreTrainedTokenizerFast:
    """Build the tokenizer, which is the same for every recipe and seed.

    It is a byte-level BPE without merges that looks words up whole (as Llama 3's does), so nothing is trained.

    Args:
        world: its words become tokens.
        extra: further texts whose words become tokens.
        max_length: maximum input length of the model, in tokens.
    """
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    words = {word for text in (*_texts(world), *extra) for word, _ in splitter.pre_tokenize_str(text)}
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = [*SPECIAL, *alphabet, *sorted(words.difference(alphabet))]
    tokenizer = Tokenizer(models.BPE({entry: index for index, entry in enumerate(entries)}, [], ignore_merges=True))
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )


def _texts(world: World) -> list[str]:
    """Texts with every word of the world, both at the beginning of a text and after a space."""
    domains = (*world.harmful, *world.harmless)
    names: Sequence[str] = [
        word
        for domain in domains
        for group in (
            domain.verbs,
            domain.objects,
            domain.harmless_verbs,
            domain.harmless_objects,
            domain.tools,
            domain.parts,
        )
        for word in group
    ]
    names = [*names, *world.everyday.tools, *world.everyday.parts]
    templates = [
        *(phrasing.text for phrasing in world.phrasings),
        *world.answers.values(),
        *(form.text for form in world.refusals.values()),
        *(text for texts in world.documents.values() for text in texts),
        world.tag,
        *(f"{pair.opener}," for pair in world.pairs),
    ]
    sentences = [*world.suffixes, *(domain.reason for domain in domains)]
    phrases = [*names, *(phrase for domain in domains for phrase in domain.alternatives)]
    starts = [_without_slots(template) for template in templates]
    return [*starts, *(f" {text}" for text in (*starts, *sentences, *phrases))]


def _without_slots(template: str) -> str:
    slots = "verb object suffix tool part reason alternative prompt answer refusal text".split()
    return template.format(**dict.fromkeys(slots, "")).strip()
