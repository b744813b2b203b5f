"""What a model's chat template has to do, by all who speak to the model."""

import json
import warnings

import pytest

from steadfast.config.checks import prepare
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.models import ModelDirectoryJobs

WORDS = "{prompt}\n\n{response}\n\nREFUSAL or NON-REFUSAL?\n"


@pytest.fixture
def trial(config, tmp_path):
    """What a model is tried for, given further models, judges and a judge's prompt with a system turn."""
    (tmp_path / "with_system.md").write_text(f"<!-- system -->\nYou judge.\n<!-- user -->\n{WORDS}")
    (tmp_path / "plain.md").write_text(WORDS)

    def trial(name, models=None, generation=None, **judges):
        config["models"] |= models or {}
        config["generation"] = generation or {}
        for judge, entry in judges.items():
            asked = {"prompt": str(tmp_path / entry["prompt"])} if "prompt" in entry else {}
            config["judges"][judge] = {**entry, **asked}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = json.loads(ModelDirectoryJobs(Grid(prepare(config))).trial(ModelVariant(name, "original")))
        return found.get("system"), found.get("arguments")

    return trial


def test_model_under_test_is_tried_with_prompts_and_self_judgment(trial):
    assert trial("raw") == (False, {})
    assert trial("raw", generation={"system_prompt": "Be brief."}) == (True, {})
    assert trial("raw", own={"kind": "self", "prompt": "with_system.md"}) == (True, {})


def test_judge_model_is_tried_with_the_prompts_of_its_judges(trial):
    reader = {"reader": {"source": "hub", "repo": "a/b", "revision": "main", "role": "judge"}}
    local = {"kind": "local", "model": "reader"}
    assert trial("reader", reader) == (None, None), "nobody speaks to it"
    assert trial("reader", one={**local, "prompt": "plain.md"}) == (False, {})
    assert trial("reader", one={"kind": "learned", "model": "reader"}) == (None, None), "it is read and not spoken to"
    served = {"kind": "chat", "serve": {"model": "reader"}, "template_arguments": {"thinking": False}}
    assert trial("reader", two={**served, "prompt": "with_system.md"}) == (True, {"thinking": False})


def test_served_judge_weights_use_the_configured_chat_template(config, refused, tmp_path):
    (tmp_path / "plain.md").write_text(WORDS)
    weights = {"repo": "a/b", "revision": "main", "chat_template": "bare"}
    config["judges"]["open"] = {"kind": "chat", "serve": weights, "prompt": str(tmp_path / "plain.md")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = Grid(prepare(config))
    assert ModelDirectoryJobs(grid).chat(ModelVariant("served-open", "original")) == {"template": "bare", "date": None}
    config["judges"]["open"]["serve"] = {"model": "tiny", "chat_template": "bare"}
    assert refused(config) == ("judges.open.serve.chat_template: give it to the model: models.tiny.chat_template")
