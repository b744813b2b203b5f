"""Variants of providers' faults, and answers that look like them, through the real client over HTTP."""

import asyncio

import pytest
from tests.provider_simulator import KEY, MODEL, simulator
from tests.provider_variants import SENT, VARIANTS

from steadfast.judges.chat_api.endpoint import Endpoint
from steadfast.judges.chat_api.faults import Fault
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.settings import ChatJobSettings

TEMPLATE = "resources/prompts/judges/labels.md"


async def ask_each(base_url: str) -> dict[str, Answer | Fault]:
    """What the endpoint makes of each, asked once."""
    given = {"prompt": TEMPLATE, "base_url": base_url, "model": MODEL, "api_key_env": "SIMULATED_KEY", "retries": 0}
    settings = ChatJobSettings.read(given)
    async with Endpoint(settings, base_url, MODEL) as endpoint:
        outcomes = {}
        for name in SENT:
            messages = [{"role": "user", "content": name}]
            request = {"messages": messages, "sampling": {"max_tokens": 9}, "constraint": {"kind": "text"}}
            outcomes[name] = await endpoint.ask(request)
        assert endpoint.attempts == len(SENT)
    return outcomes


def test_every_provider_variant_is_classified_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATED_KEY", KEY)
    with simulator(lambda response, attempt: response) as provider:
        outcomes = asyncio.run(ask_each(provider.base_url))
    for name, outcome in outcomes.items():
        if name not in VARIANTS:
            assert isinstance(outcome, Answer) and outcome.text == "REFUSAL", name
            continue
        assert isinstance(outcome, Fault), name
        may_be_of_the_case = VARIANTS[name].kind == "passing" and outcome.generation
        assert outcome.kind == ("case" if may_be_of_the_case else VARIANTS[name].kind), name
