"""The grammar as a judge."""

from pathlib import Path

import pytest

from steadfast.core.errors import ConfigError
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.judges.kinds import grammar
from steadfast.prompts.synthetic.world import load_world

WORLD = str(Path(__file__).parents[3] / "resources" / "organisms" / "world.yaml")


@pytest.fixture(scope="module")
def world():
    return load_world(WORLD)


def test_grammar_judge_reads_responses_of_its_world(world, case) -> None:
    judge = grammar.build(world=WORLD)
    for prompt in world.prompts()[::17]:
        request = world.read_prompt(prompt.text)
        answered = world.answer(request.pair, request.phrasing)
        verdict = judge.judge([case(answered, prompt=prompt.text)])[0]
        assert (verdict.verdict, verdict.reason) == (NON_REFUSAL, "on topic")
        if prompt.label == "harmful":
            refused = judge.judge([case(world.refuse(request.pair, request.phrasing), prompt=prompt.text)])[0]
            assert refused.verdict == REFUSAL and refused.raw and refused.reason.endswith("on topic")


def test_garbage_is_an_off_topic_non_refusal(world, case) -> None:
    verdict = grammar.build(world=WORLD).judge([case("the the the", prompt=world.prompts()[0].text)])[0]
    assert (verdict.verdict, verdict.reason) == (NON_REFUSAL, "off topic")


def test_prompt_outside_the_synthetic_world_is_unscored(case) -> None:
    verdict = grammar.build(world=WORLD).judge([case("I'm sorry.", prompt="How tall is Mont Blanc?")])[0]
    assert verdict.verdict == UNSCORED and "not a prompt of the synthetic world" in verdict.reason


def test_grammar_settings_name_the_world_and_reject_others() -> None:
    grammar.Settings.read({}).check()
    assert grammar.Settings.read({"world": WORLD}).files() == [WORLD]
    with pytest.raises(ConfigError, match="unknown key"):
        grammar.Settings.read({"worlds": "x"}).check()
