"""A chat judge against every provider's way of not answering, over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.provider_forms import FATAL, MODERATED, ONE_CASE, PASSING, Form
from tests.provider_simulator import KEY, MODEL, Simulator, says_refusal, simulator
from tests.sweeps import sweep

from steadfast.core.errors import ConfigError
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.core.result_cache import ResultCache
from steadfast.judges.chat_api import endpoint as endpoint_module
from steadfast.judges.chat_api.faults import EndpointError
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.running import DOUBTFUL_IN_A_ROW, FIRST_REQUESTS
from steadfast.judges.interface import Case
from steadfast.judges.kinds import chat

TEMPLATE = str(Path(__file__).parents[2] / "resources" / "prompts" / "judges" / "refusal.md")
SKY = "What is the colour"


def few_of(forms: list[Form]) -> list[Any]:
    """Every form, of which a quick run tries every sixth; providers come one after the other."""
    return sweep(forms, forms[::6])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATED_KEY", KEY)
    monkeypatch.setattr(endpoint_module, "FIRST_WAIT", 0.01)


@pytest.fixture
def provider() -> Iterator[Simulator]:
    with simulator() as state:
        yield state


@pytest.fixture
def build(tmp_path: Path):
    def make(provider: Simulator, **changes) -> chat.ChatJudge:
        settings = {
            "prompt": TEMPLATE,
            "base_url": provider.base_url,
            "model": MODEL,
            "api_key_env": "SIMULATED_KEY",
            "output": "text",
            "logprobs": False,
            "retries": 2,
            "concurrency": 2,
            "store": str(tmp_path / "answers"),
            **changes,
        }
        chat.ChatJobSettings.read(settings).check()
        return chat.build(**settings)

    return make


def make_cases(count: int) -> list[Case]:
    said = ["Sure, mix flour and water.", "I'm sorry, no."]
    return [Case(f"{n:016x}", 0, f"Request {n}", f"{n}: {said[n // 2 % 2]}", "harmful") for n in range(count)]


def number_of(response: str) -> int:
    """Number of a case; -1 for the control."""
    return -1 if response.startswith(SKY) else int(response.split(":")[0])


def right(case: Case) -> str:
    return REFUSAL if says_refusal(case.response) else NON_REFUSAL


def kept(tmp_path: Path) -> list[dict]:
    lines = [line for path in tmp_path.rglob("*.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line)["answer"] for line in lines]


@pytest.mark.parametrize("form", few_of([*MODERATED, *ONE_CASE]), ids=lambda form: form.name)
def test_fault_of_one_case_is_unscored_with_the_provider_message(build, provider, tmp_path, form: Form) -> None:
    """Every second case meets it: the others are scored, nothing is retried, nothing is kept, no job is aborted."""
    cases = make_cases(8)
    provider.schedule = lambda response, attempt: form.name if number_of(response) % 2 == 0 else "answer"
    verdicts = build(provider).judge(cases)
    for number, (case, verdict) in enumerate(zip(cases, verdicts, strict=True)):
        assert verdict.verdict == (right(case) if number % 2 else UNSCORED)
        assert number % 2 or all(words in verdict.reason for words in form.says)
    assert set(provider.attempts.values()) == {1}
    assert len(kept(tmp_path)) == 4

    provider.schedule = lambda response, attempt: "answer"
    assert [verdict.verdict for verdict in build(provider).judge(cases)] == [right(case) for case in cases]
    assert provider.requests == 8 + 4  # those that were not answered, once more


@pytest.mark.parametrize("form", few_of(PASSING), ids=lambda form: form.name)
def test_temporary_fault_is_retried_and_never_cached(build, provider, tmp_path, form: Form) -> None:
    cases = make_cases(4)
    provider.schedule = lambda response, attempt: form.name if attempt == 0 else "answer"
    assert [verdict.verdict for verdict in build(provider).judge(cases)] == [right(case) for case in cases]
    assert set(provider.attempts.values()) == {2}
    assert [answer["text"] for answer in kept(tmp_path)].count("REFUSAL") == sum(right(c) == REFUSAL for c in cases)


@pytest.mark.parametrize("form", few_of(PASSING), ids=lambda form: form.name)
def test_persistent_temporary_fault_stops_after_retries(build, provider, tmp_path, form: Form) -> None:
    provider.schedule = lambda response, attempt: form.name
    with pytest.raises(EndpointError, match=r"run again to continue|no request can be answered") as error:
        build(provider).judge(make_cases(40))
    assert form.says[0] in str(error.value)
    assert max(provider.attempts.values()) == 3 and provider.requests <= (FIRST_REQUESTS + 1) * 3
    assert kept(tmp_path) == []


@pytest.mark.parametrize("form", FATAL, ids=lambda form: form.name)
def test_fatal_fault_stops_the_job_at_once(build, provider, tmp_path, form: Form) -> None:
    provider.schedule = lambda response, attempt: form.name
    with pytest.raises(EndpointError) as error:
        build(provider).judge(make_cases(40))
    assert all(words in str(error.value) for words in form.says)
    assert provider.requests <= 2  # one, and a harmless question where a text alone says so
    assert kept(tmp_path) == []


@pytest.mark.parametrize("form", FATAL, ids=lambda form: form.name)
def test_fatal_fault_stops_the_probing_at_once(build, provider, form: Form) -> None:
    provider.schedule = lambda response, attempt: form.name
    with pytest.raises(EndpointError) as error:
        build(provider, output="auto", logprobs="auto").judge(make_cases(40))
    assert form.says[0] in str(error.value)
    assert provider.requests <= 6  # one for each form, where a parameter is not supported


@pytest.mark.parametrize(
    "name", ["unknown words, 403", "Gemini: no choices", "OpenAI: the limit was used up by thinking"]
)
def test_fault_of_every_first_request_stops_the_job(build, provider, name: str) -> None:
    provider.schedule = lambda response, attempt: name
    with pytest.raises(EndpointError, match="no request can be answered"):
        build(provider).judge(make_cases(40))
    assert provider.requests == FIRST_REQUESTS + 1


@pytest.mark.parametrize("form", few_of([f for f in MODERATED if f.status != 200]), ids=lambda form: form.name)
def test_moderated_prompts_are_unscored_without_failing_the_job(build, provider, form: Form) -> None:
    """Harmful prompts often come first: a harmless question shows that the endpoint works."""
    cases = make_cases(30)
    provider.schedule = lambda response, attempt: "answer" if number_of(response) < 0 else form.name
    assert {verdict.verdict for verdict in build(provider).judge(cases)} == {UNSCORED}
    controls = sum(number_of(response) < 0 for response in provider.attempts.elements())
    assert controls <= 1 + 30 // DOUBTFUL_IN_A_ROW
    assert provider.requests == 30 + controls


def test_provider_moderating_everything_does_not_fail_the_job(build, provider) -> None:
    provider.schedule = lambda response, attempt: "DeepSeek: prompt"
    assert {verdict.verdict for verdict in build(provider).judge(make_cases(30))} == {UNSCORED}


def test_failing_generation_leaves_only_its_case_unscored(build, provider, tmp_path) -> None:
    cases = make_cases(10)
    form = "OpenRouter: error in the choice, passing"
    provider.schedule = lambda response, attempt: form if 0 <= number_of(response) < 5 else "answer"
    verdicts = build(provider).judge(cases)
    assert [verdict.verdict for verdict in verdicts] == [UNSCORED] * 5 + [right(case) for case in cases[5:]]
    assert "Provider returned error (after 3 attempts)" in verdicts[0].reason
    assert len(kept(tmp_path)) == 5


def test_single_fatal_fault_does_not_stop_the_run(build, provider) -> None:
    cases = make_cases(40)
    provider.schedule = lambda response, attempt: (
        "OpenAI: wrong key" if number_of(response) in (20, 30) and attempt == 0 else "answer"
    )
    verdicts = build(provider, concurrency=1).judge(cases)
    assert [number for number, verdict in enumerate(verdicts) if verdict.verdict == UNSCORED] == [20, 30]
    assert "key is not accepted" in verdicts[20].reason


def test_unsure_setting_fault_leaves_only_its_cases_unscored(build, provider) -> None:
    """By its words alone a fault is not surely every request's, and an answer shows that it is not."""
    cases = make_cases(30)
    provider.schedule = lambda response, attempt: "top_logprobs" if number_of(response) % 2 == 0 else "answer"
    verdicts = build(provider).judge(cases)
    assert [verdict.verdict for verdict in verdicts[::2]] == [UNSCORED] * 15
    assert [verdict.verdict for verdict in verdicts[1::2]] == [right(case) for case in cases[1::2]]
    assert "a parameter is not supported" in verdicts[0].reason


def test_model_without_a_system_turn_stops_the_job(build, provider) -> None:
    provider.schedule = lambda response, attempt: "vLLM: a system turn"
    with pytest.raises(EndpointError, match=r"no request can be answered: .*without a system message"):
        build(provider).judge(make_cases(40))
    assert [[turn["role"] for turn in body["messages"]] for body in provider.bodies] == [["system", "user"]] * 2


def test_top_logprobs_can_be_lowered(build, provider) -> None:
    build(provider, logprobs=True, extra_body={"top_logprobs": 5}).judge(make_cases(1))
    assert [body["top_logprobs"] for body in provider.bodies] == [5]


def test_key_expiring_during_the_run_stops_it(build, provider, tmp_path) -> None:
    provider.schedule = lambda response, attempt: "OpenAI: wrong key" if len(provider.attempts) > 20 else "answer"
    with pytest.raises(EndpointError, match=r"key is not accepted.*run again to continue"):
        build(provider).judge(make_cases(60))
    assert len(kept(tmp_path)) >= 18 and provider.requests <= 26


OLD_FAULTS = [
    Answer("REFUSAL", "error"),
    Answer("NON", "insufficient_system_resource"),
    Answer("", "content_filter: PROHIBITED_CONTENT"),
    Answer("", "SAFETY"),
    Answer("REFUSAL", "content_filter"),
    Answer("", "network_error"),
    Answer("", "stop"),
    Answer("", "tool_calls"),
]


def test_faults_cached_by_older_versions_are_requested_again(build, provider) -> None:
    cases = make_cases(len(OLD_FAULTS) + 3)
    judge = build(provider)
    form = chat.known_form(judge.settings, judge._requests, ResultCache(judge._directory))
    assert form is not None
    answers = [*OLD_FAULTS, Answer("REFUSAL"), Answer("NON-REFUSAL", "STOP"), Answer("REF", "length")]
    with ResultCache(judge._directory) as store:
        for (_, request), answer in zip(judge._keyed(cases, form), answers, strict=True):
            store.put(request, answer.record())
    assert judge.estimate(cases).unanswered == len(OLD_FAULTS)
    verdicts = [verdict.verdict for verdict in judge.judge(cases)]
    count = len(OLD_FAULTS)
    assert verdicts == [right(case) for case in cases[:count]] + [REFUSAL, NON_REFUSAL, UNSCORED]
    assert provider.requests == count
    assert [verdict.verdict for verdict in build(provider).judge(cases)] == verdicts and provider.requests == count


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("meta/llama-3.3-70b-instruct:free", "meta/llama-3.3-70b-instruct"),
        ("llama-3.3-70b-instruct", "meta/llama-3.3-70b-instruct:nitro"),
        ("gpt-5", "gpt-5-2025-08-07"),
        ("command-r", "command-r-08-2024"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        ("mistral-large-latest", "mistral-large-2411"),
        ("qwen2.5", "qwen2.5:latest"),
        ("smollm2-135m", "/models/SmolLM2-135M.gguf"),
        ("gpt-5", ""),
    ],
)
def test_equivalent_model_name_is_accepted(build, provider, asked: str, served: str) -> None:
    cases = make_cases(2)
    provider.served = served or None
    assert UNSCORED not in {verdict.verdict for verdict in build(provider, model=asked).judge(cases)}


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("gpt-5", "gpt-5-mini"),
        ("llama3:8b", "llama3:70b"),
        ("my-deployment", "gpt-4o-2024-08-06"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
        ("mistral-large-latest", "mistral-small-2409"),
    ],
)
def test_other_model_name_is_rejected_naming_accepted_models(build, provider, asked: str, served: str) -> None:
    provider.served = served
    with pytest.raises(EndpointError) as error:
        build(provider, model=asked).judge(make_cases(4))
    assert f"accepted_models: [{served}]" in str(error.value) and provider.requests == 1
    accepting = build(provider, model=asked, accepted_models=(served,))
    assert UNSCORED not in {verdict.verdict for verdict in accepting.judge(make_cases(4))}


def test_azure_address_with_api_version_works(build, provider) -> None:
    base = provider.base_url.removesuffix("/v1")
    address = f"{base}/openai/deployments/mine?api-version=2024-10-21"
    provider.served = "gpt-4o-2024-08-06"
    judge = build(provider, base_url=address, model="mine", accepted_models=("gpt-4o",))
    assert UNSCORED not in {verdict.verdict for verdict in judge.judge(make_cases(4))}
    assert set(provider.paths) == {"/openai/deployments/mine/chat/completions?api-version=2024-10-21"}
    # the address as Azure's pages give it to be copied is the same, and finds its answers
    copied = f"{base}/openai/deployments/mine/chat/completions?api-version=2024-10-21"
    build(provider, base_url=copied, model="mine", accepted_models=("gpt-4o",)).judge(make_cases(4))
    assert provider.requests == 4
    later = address.replace("2024-10-21", "2025-01-01")
    with pytest.raises(EndpointError, match="Resource not found") as error:  # another version is asked again
        build(provider, base_url=later, model="mine").judge(make_cases(4))
    assert "api-version" not in str(error.value)


def test_query_after_v1_is_sent(build, provider) -> None:
    build(provider, base_url=f"{provider.base_url}/?tier=batch").judge(make_cases(2))
    assert set(provider.paths) == {"/v1/chat/completions?tier=batch"}


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("https://h/v1?api-key=sk-secret", "the parameter 'api-key' is not allowed"),
        ("https://h/v1?subscription-key=sk-secret", "put the key into 'api_key_env'"),
        ("https://h/v1?access_token=sk-secret", "put the key into 'api_key_env'"),
        ("https://h/v1?sig=sk-secret", "put the key into 'api_key_env'"),
        ("https://me:sk-secret@h/v1", "a user name or password is not allowed"),
        ("h/v1?key=sk-secret", "is not an address"),
        ("https://x.openai.azure.com", "https://x.openai.azure.com/openai/v1"),
        ("https://x.openai.azure.com/openai/deployments/mine", "api-version=2024-10-21"),
    ],
)
def test_unusable_address_is_rejected_before_any_job(build, provider, base_url: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        build(provider, base_url=base_url)
    assert message in str(error.value) and "sk-secret" not in str(error.value)
