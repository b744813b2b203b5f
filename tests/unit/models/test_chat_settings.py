"""Chat settings of a model are determined when its directory is created, tested, recorded and passed on."""

import json

import pytest
from tests.tiny_checkpoint import TEMPLATE, tokenizer_files, write_checkpoint

from steadfast.attacks.baking.baking import bake
from steadfast.core.errors import ConfigError, DataError
from steadfast.generation.responses import stop_token_ids
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.loading import load_tokenizer
from steadfast.models.local import point_to
from steadfast.models.placing import place_model
from steadfast.models.pointer import read_pointer

OTHER = "{% for message in messages %}{{ message['content'] }} {% endfor %}<assistant>"
CLOCK = "{% if strftime_now('%Y') == '2025' %}a {% else %}b {% endif %}" + TEMPLATE


@pytest.fixture
def checkpoint(tmp_path):
    return write_checkpoint(tmp_path / "checkpoint")


@pytest.fixture
def place(tmp_path):
    """Put a checkpoint in its place; returns the model directory."""

    def place(checkpoint, **use):
        place_model(point_to(checkpoint), tmp_path / "model", dequantize=False, use=use)
        return tmp_path / "model"

    return place


def retemplate(checkpoint, template):
    """Give a checkpoint another value for ``chat_template`` in its tokenizer's configuration; None takes it away."""
    for name, content in tokenizer_files(None).items():
        (checkpoint / name).write_bytes(content)
    if template is not None:
        settings = json.loads((checkpoint / "tokenizer_config.json").read_text())
        (checkpoint / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": template}))


def prompt(directory, system=None):
    tokenizer = load_tokenizer(directory)
    return tokenizer.decode(encode_chat(tokenizer, [user_message("a b", system)])[0])


def test_template_of_the_checkpoint_is_used_by_default(checkpoint, place):
    pointer = read_pointer(place(checkpoint))
    assert pointer.chat == {}
    assert pointer.details["chat"] == {"end_of_turn": "<end>"}
    assert prompt(checkpoint) == "<user> a b <end> <assistant>"


@pytest.mark.parametrize("content", [TEMPLATE, [{"name": "default", "template": TEMPLATE}]])
def test_template_of_a_processor_is_read(checkpoint, content):
    retemplate(checkpoint, None)
    (checkpoint / "chat_template.json").write_text(json.dumps({"chat_template": content}))
    assert prompt(checkpoint) == "<user> a b <end> <assistant>"


def test_tokenizer_template_precedes_processor_template(checkpoint):
    (checkpoint / "chat_template.json").write_text(json.dumps({"chat_template": OTHER}))
    assert prompt(checkpoint) == "<user> a b <end> <assistant>"


def test_template_is_read_from_a_jinja_file(checkpoint):
    retemplate(checkpoint, None)
    (checkpoint / "chat_template.jinja").write_text(OTHER)
    assert prompt(checkpoint) == "a b <assistant>"


NAMED = [{"name": "chat", "template": TEMPLATE}, {"name": "plain", "template": OTHER}]


def test_named_template_is_chosen_by_name(checkpoint, place):
    retemplate(checkpoint, NAMED)
    with pytest.raises(DataError, match=r"choose one with `chat_template`; its names are chat, plain"):
        place(checkpoint)
    assert prompt(place(checkpoint, template="plain")) == "a b <assistant>"
    assert prompt(place(checkpoint, template="chat")) == "<user> a b <end> <assistant>"
    with pytest.raises(DataError, match=r"chat_template: 'plane' is neither a file.* did you mean 'plain'"):
        place(checkpoint, template="plane")


def test_default_of_several_templates_is_used(checkpoint, place):
    retemplate(checkpoint, [{"name": "default", "template": OTHER}, NAMED[0]])
    assert prompt(place(checkpoint)) == "a b <assistant>"


def test_template_may_come_from_a_configured_file(checkpoint, place, tmp_path):
    (tmp_path / "own.jinja").write_text(OTHER)
    directory = place(checkpoint, template=str(tmp_path / "own.jinja"))
    (tmp_path / "own.jinja").unlink()
    assert prompt(directory) == "a b <assistant>"
    assert read_pointer(directory).chat == {"template": OTHER}


def test_model_without_template_is_prompted_bare_only_on_request(checkpoint, place):
    retemplate(checkpoint, None)
    with pytest.raises(DataError, match=r"checkpoint has no chat template .* `chat_template: bare`"):
        place(checkpoint)
    directory = place(checkpoint, template="bare")
    assert read_pointer(directory).chat == {"bare": True}
    assert prompt(directory, system="c") == "c a b"


def test_template_date_is_recorded_if_the_template_reads_it(checkpoint, place, capsys):
    retemplate(checkpoint, CLOCK)
    directory = place(checkpoint)
    assert prompt(directory).startswith("a <user>")
    assert read_pointer(directory).chat == {"date": "2025-01-01"}
    assert read_pointer(directory).details["chat"]["date"] == "2025-01-01"
    assert "reads the clock, and sees 2025-01-01 (`template_date`)" in capsys.readouterr().out
    other = place(checkpoint, date="1999-12-31")
    assert prompt(other).startswith("b <user>")
    assert read_pointer(other).chat == {"date": "1999-12-31"}


@pytest.mark.parametrize(
    ("template", "use", "error", "words"),
    [
        (
            OTHER.replace("messages", "messages[-1:]"),
            {"system": True},
            DataError,
            "drops the text of .*system",
        ),
        ("{{ messages[0]['role'] }}", {}, DataError, "drops the text of the turn 'user'"),
        (TEMPLATE, {"arguments": {"add_generation_promt": 1}}, ConfigError, "never reads 'add_generation_promt'"),
        ("{% for m in messages %}", {}, DataError, "not valid Jinja"),
        (
            TEMPLATE,
            {"arguments": {"add_generation_prompt": False}},
            ConfigError,
            "'add_generation_prompt' is not allowed",
        ),
        ("{% for i in range(10**9) %}{% endfor %}", {}, DataError, "rejects a conversation .*Range too big"),
        # of a list of parts it would put code into the prompt
        (
            "{% for m in messages %}{{ m.content[:20] }} {% endfor %}",
            {},
            DataError,
            "drops the text of the turn 'user'",
        ),
    ],
)
def test_model_check_rejects_unusable_templates(checkpoint, place, tmp_path, template, use, error, words):
    retemplate(checkpoint, template)
    with pytest.raises(error, match=words):
        place(checkpoint, **use)
    assert not (tmp_path / "model").exists()


def test_edited_checkpoint_keeps_the_chat_settings(checkpoint, place, tmp_path):
    import numpy as np

    from steadfast.attacks.directions import Direction

    retemplate(checkpoint, NAMED)
    directory = place(checkpoint, template="plain")
    Direction(np.eye(1, 8, dtype=np.float32), method="random").save(tmp_path / "direction.safetensors")
    bake(directory, tmp_path / "direction.safetensors", {"method": "orthogonalize"}, tmp_path / "edited")
    assert read_pointer(tmp_path / "edited").chat == {"template": OTHER}
    assert prompt(tmp_path / "edited") == "a b <assistant>"


def test_end_of_turn_token_stops_the_response(checkpoint):
    settings = json.loads((checkpoint / "tokenizer_config.json").read_text())
    for name in ("eos_token", "pad_token"):
        settings[name] = "<unk>"
    settings["additional_special_tokens"] = ["<end>", "<user>", "<assistant>"]
    (checkpoint / "tokenizer_config.json").write_text(json.dumps(settings))
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "eos_token_id": 0}))
    tokenizer = load_tokenizer(checkpoint)
    assert tokenizer.eos_token_id == 0
    assert stop_token_ids(checkpoint, tokenizer) == {0, tokenizer.convert_tokens_to_ids("<end>")}


def test_tokenizer_of_another_model_is_rejected(checkpoint, place):
    words = json.loads((checkpoint / "tokenizer.json").read_text())
    rows = json.loads((checkpoint / "config.json").read_text())["vocab_size"]
    more = {**words["model"]["vocab"], "another": rows}
    (checkpoint / "tokenizer.json").write_text(json.dumps({**words, "model": {**words["model"], "vocab": more}}))
    with pytest.raises(DataError, match=rf"'another' has the number {rows}, and the embedding has {rows} rows"):
        place(checkpoint)


@pytest.mark.parametrize("role", ["image", "pad_token"])
def test_used_tokens_beyond_the_embedding_are_rejected(checkpoint, place, role):
    words = json.loads((checkpoint / "tokenizer.json").read_text())
    settings = json.loads((checkpoint / "tokenizer_config.json").read_text())
    switches = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    token = {"id": 900, "content": "<late>", "special": True, **switches}
    (checkpoint / "tokenizer.json").write_text(json.dumps({**words, "added_tokens": [*words["added_tokens"], token]}))
    (checkpoint / "tokenizer_config.json").write_text(json.dumps({**settings, role: "<late>"}))
    if role == "image":
        place(checkpoint)
    else:
        with pytest.raises(DataError, match="the token '<late>' has the number"):
            place(checkpoint)


def test_editing_quantized_weights_raises(checkpoint, place):
    config = json.loads((checkpoint / "config.json").read_text())
    fp8 = {"quant_method": "fp8", "weight_block_size": [8, 8]}
    (checkpoint / "config.json").write_text(json.dumps({**config, "quantization_config": fp8}))
    place(checkpoint)
    with pytest.raises(DataError, match=r"is quantized .fp8., so its weights cannot be edited; name the checkpoint"):
        place(checkpoint, edited=True)
