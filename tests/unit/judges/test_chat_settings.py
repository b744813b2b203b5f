"""The entry of a chat judge, the requests made of it, and the faults of endpoints."""

from email.utils import formatdate
from pathlib import Path
from time import time

import pytest

from steadfast.core.errors import ConfigError
from steadfast.judges.chat_api.fault_rules import ErrorReply
from steadfast.judges.chat_api.fault_table import fault_of
from steadfast.judges.chat_api.faults import clean, requested_wait
from steadfast.judges.chat_api.pacing import Pacer
from steadfast.judges.chat_api.requests import AnswerFormat, Requests, body_of
from steadfast.judges.chat_api.settings import RUNTIME_KEYS, ChatJobSettings, ChatSettings
from steadfast.judges.kinds import chat

URL = "https://api.example.org/v1"


@pytest.fixture
def entry(template_file: Path) -> dict:
    return {"prompt": str(template_file), "base_url": URL, "model": "judge-1", "api_key_env": "JUDGE_KEY"}


def test_valid_chat_judge_entry_passes(entry, template_file: Path) -> None:
    chat.Settings.read({**entry, "output": "json_schema", "concurrency": 3, "max_cost": None}).check()
    for serve in ({"repo": "a/b", "revision": "c"}, {"model": "raw", "variant": "original"}):
        chat.Settings.read({"prompt": str(template_file), "serve": serve}).check()
    assert chat.Settings.read(entry).files() == [str(template_file)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_url": None}, "either 'base_url'"),
        ({"serve": {"repo": "a/b"}}, "either 'base_url'"),
        ({"base_url": None, "serve": {"repo": "a/b"}}, "model: not allowed beside 'serve'"),
        ({"base_url": None, "model": None, "serve": {"repo": "a/b", "variant": "x"}}, "serve: give repo and revision"),
        ({"model": None}, "'model' is missing"),
        ({"base_url": "api.example.org"}, "is not an address"),
        ({"base_url": "https://me:secret@host/v1"}, "a user name or password is not allowed"),
        ({"base_url": "http://[::1/v1"}, "is not an address: Invalid IPv6"),
        ({"base_url": "http://host:99999/v1"}, "is not an address: Port out of range"),
        ({"extra_body": {"stream": True}}, "extra_body: 'stream' is not allowed; it is set for every request"),
        ({"extra_body": {"messages": []}}, "extra_body: 'messages' is not allowed"),
        ({"api_key_env": "sk-secret"}, "api_key_env: wanted the name of an environment variable"),
        ({"output": "jsonschema"}, "did you mean 'json_schema'"),
        ({"logprobs": "on"}, "logprobs: 'on' is not allowed; Known: False, True, auto"),
        ({"concurrency": 0}, "concurrency: 0 is out of range; allowed: 1 to 10000"),
        ({"timeout": 0}, "timeout: 0 is out of range"),
        ({"failed_share": 2}, "failed_share"),
        ({"max_cost": 5}, "'price_per_million_input' is needed"),
        ({"temprature": 1}, "did you mean 'temperature'"),
        ({"labels": {"refusal": "NO", "non_refusal": "NO"}}, "begin alike"),
        (
            {"labels": {"refusal": True}},
            "labels.refusal: found True, which is not of type string, as YAML reads yes, on and true; put it in quotes",
        ),
        ({"labels": {"refusal": "DECLINED"}}, "never names the label 'DECLINED'"),
        ({"dtype": "float32"}, "dtype: only allowed with 'serve'"),
    ],
)
def test_invalid_chat_judge_entry_is_rejected_before_any_job(entry, change: dict, message: str) -> None:
    changed = {key: value for key, value in {**entry, **change}.items() if value is not None}
    with pytest.raises(ConfigError) as error:
        chat.Settings.read(changed).check()
    assert message in str(error.value)
    assert "sk-secret" not in str(error.value)


def test_api_key_is_read_from_the_named_variable_only(entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-else")
    assert ChatSettings.read({**entry, "api_key_env": None}).api_key() is None
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(ConfigError, match="JUDGE_KEY is not set"):
        ChatSettings.read(entry).api_key()
    monkeypatch.setenv("JUDGE_KEY", " sk-x \n")
    assert ChatSettings.read(entry).api_key() == "sk-x"


MESSAGES = [{"role": "user", "content": "hello"}]


PLAIN = AnswerFormat("text", False)


def make(entry: dict, form: AnswerFormat = PLAIN) -> dict:
    return dict(Requests(ChatJobSettings.read(entry), None).make(MESSAGES, ("A", "B"), form, "hash"))


def test_runtime_settings_do_not_change_the_request(entry) -> None:
    others = {"store": "elsewhere", "api_key_env": None, "failed_share": 0.7, "server": {"a": 1}}
    others |= {"batch": True, "batch_price_share": 0.7}
    changed = dict.fromkeys(set(RUNTIME_KEYS) - set(others), 7)
    assert make({**entry, **changed, **others}) == make(entry)


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://other.example.org/v1"},
        {"model": "judge-2"},
        {"revision": "2026-01"},
        {"temperature": 1.0},
        {"temperature": None},
        {"top_p": 0.9},
        {"seed": 1},
        {"max_tokens": 33},
        {"token_limit": "max_tokens"},
        {"reasoning_effort": "low"},
        {"template_arguments": {"enable_thinking": False}},
        {"extra_body": {"top_k": 1}},
    ],
)
def test_every_setting_affecting_the_answer_changes_the_request(entry, change: dict) -> None:
    assert make({**entry, **change}) != make(entry)


def test_equivalent_settings_give_equal_requests(entry) -> None:
    assert make({**entry, "temperature": 0}) == make({**entry, "temperature": 0.0})
    assert make({**entry, "base_url": URL + "/"}) == make(entry)
    assert make({**entry, "base_url": URL + "/chat/completions"}) == make(entry)
    assert make({**entry, "base_url": URL + "/?api-version=preview"}) != make(entry)


def test_request_body_contains_all_settings(entry) -> None:
    settings = {**entry, "template_arguments": {"enable_thinking": False}, "extra_body": {"top_k": 1}, "seed": 5}
    body = body_of(make(settings, AnswerFormat("choice", True)), "served-name")
    assert body == {
        "model": "served-name",
        "messages": MESSAGES,
        "max_completion_tokens": 32,
        "temperature": 0.0,
        "seed": 5,
        "logprobs": True,
        "top_logprobs": 20,
        "extra_body": {
            "top_k": 1,
            "chat_template_kwargs": {"enable_thinking": False},
            "structured_outputs": {"choice": ["A", "B"]},
        },
    }
    schema = body_of(make(entry, AnswerFormat("json_schema", False)), "m")["response_format"]["json_schema"]
    assert schema["strict"] and schema["schema"]["properties"]["label"]["enum"] == ["A", "B"]
    assert "extra_body" not in body_of(make(entry), "m")


@pytest.mark.parametrize(
    ("status", "message", "code", "kind"),
    [
        (429, "slow down", "rate_limit_exceeded", "passing"),
        (429, "no money", "insufficient_quota", "fatal"),
        (408, "", None, "passing"),
        (409, "", None, "passing"),
        (500, "", None, "passing"),
        (503, "maximum context", None, "passing"),
        (529, "overloaded", None, "passing"),
        (400, "This model's maximum context length is 10 tokens", None, "case"),
        (400, "", "content_filter", "case"),
        (400, "", "context_length_exceeded", "case"),
        (413, "", None, "case"),
        (400, "Unsupported value: temperature", "unsupported_value", "fatal"),
        (401, "bad key", "invalid_api_key", "fatal"),
        (403, "flagged country", None, "fatal"),
        (404, "no such model", "model_not_found", "fatal"),
    ],
)
def test_status_and_code_give_the_fault_kind(status: int, message: str, code: str | None, kind: str) -> None:
    assert fault_of(ErrorReply(status, (code,) if code else (), message)).kind == kind


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_requested_wait_is_read_from_headers(headers: dict[str, str], expected: float | None) -> None:
    assert requested_wait(headers) == expected


def test_requested_wait_may_be_a_date() -> None:
    wait = requested_wait({"retry-after": formatdate(time() + 30, usegmt=True)})
    assert wait is not None and 25 < wait <= 30


def test_error_messages_are_short_and_without_the_key() -> None:
    assert clean("a sk-x\n b sk-x", "sk-x") == "a [key] b [key]"
    assert len(clean("y" * 5000, None)) < 400


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def sent(pacer: Pacer, clock: Clock, tokens: list[int]) -> list[float]:
    import asyncio

    async def run() -> list[float]:
        moments = []
        for count in tokens:
            await pacer.turn(count)
            moments.append(clock.now - 100.0)
        return moments

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("limits", "tokens", "expected"),
    [
        ((None, None), [5, 5, 5], [0, 0, 0]),
        ((30, None), [5, 5, 5], [0, 2, 4]),
        ((None, 600), [10, 100, 5], [0, 1, 11]),
        ((60, 600), [5, 20, 5], [0, 1, 3]),
    ],
)
def test_rate_limits_space_the_requests(limits, tokens: list[int], expected: list[float]) -> None:
    clock = Clock()
    assert sent(Pacer(*limits, clock=clock, sleep=clock.sleep), clock, tokens) == pytest.approx(expected)


def test_pause_delays_all_later_requests() -> None:
    clock = Clock()
    pacer = Pacer(60, None, clock=clock, sleep=clock.sleep)
    pacer.pause(10)
    pacer.pause(3)
    assert sent(pacer, clock, [1, 1])[0] == pytest.approx(10)
