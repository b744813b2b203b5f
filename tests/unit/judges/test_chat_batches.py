"""Chat judges through a provider's batch interface, against a simulated one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.batch_simulator import BatchProvider, batch_simulator
from tests.provider_simulator import KEY, MODEL, says_refusal
from tests.unit.config.conftest import ROOT

from steadfast.core.errors import ConfigError
from steadfast.core.names import NON_REFUSAL, REFUSAL
from steadfast.judges.chat_api import batches, endpoint
from steadfast.judges.chat_api.faults import EndpointError
from steadfast.judges.interface import Case
from steadfast.judges.kinds import chat

TEMPLATE = str(ROOT / "resources" / "prompts" / "judges" / "refusal.md")
SAID = ["I'm sorry, no.", "Sure, mix flour and water."]
CASES = [Case(str(n), 0, f"Request {n}", f"{n}: {SAID[n % 2]}", "harmful") for n in range(7)]
EXPECTED = [REFUSAL if says_refusal(case.response) else NON_REFUSAL for case in CASES]
Build = Callable[..., chat.ChatJudge]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setenv("SIMULATED_KEY", KEY)
    monkeypatch.setattr(endpoint, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(batches, "FIRST_WAIT", 0.01)

    def make(provider: BatchProvider, **changes: Any) -> chat.ChatJudge:
        where = {"base_url": provider.base_url, "model": MODEL, "api_key_env": "SIMULATED_KEY"}
        how = {"output": "text", "logprobs": False, "retries": 2, "batch": True, "batch_poll": 0.01}
        settings = {"prompt": TEMPLATE, **where, **how, "store": str(tmp_path / "answers")}
        judge: Any = chat.build(**{**settings, **changes})
        return judge  # type: ignore[no-any-return]

    return make


def said(judge: chat.ChatJudge) -> list[str]:
    return [str(verdict.verdict) for verdict in judge.judge(CASES)]


def test_requests_and_answers_are_files(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    with batch_simulator(polls=2) as provider:
        provider.once = [500, 429]
        assert said(build(provider, batch_requests=4)) == EXPECTED
        assert [len(batch["requests"]) for batch in provider.batches.values()] == [4, 3] and not provider.requests
        line = json.loads(provider.files["file_0"].splitlines()[0])
        assert line["url"] == "/v1/chat/completions" and line["body"]["model"] == MODEL
        # single requests find the answers of batches, since both are kept by what was asked
        assert said(build(provider, batch=False)) == EXPECTED and not provider.requests
        assert KEY not in "".join(provider.files.values()) and KEY not in capsys.readouterr().out


def test_a_killed_run_asks_about_what_it_submitted(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(_seconds: float) -> None:
        raise KeyboardInterrupt

    with batch_simulator(polls=1) as provider:
        with monkeypatch.context() as patch:
            patch.setattr(batches.asyncio, "sleep", killed)
            with pytest.raises(KeyboardInterrupt):
                said(build(provider))
        judge = build(provider)
        (kept,) = (judge._directory / batches.FOLDER).glob("*.json")
        kept_text = kept.read_text(encoding="utf-8")
        assert KEY not in kept_text
        assert said(judge) == EXPECTED and len(provider.batches) == 1 and not kept.exists()
        # the provider had created it, and the run was killed before it could note so
        provider.answered.clear()
        for segment in judge._directory.glob("*.jsonl"):
            segment.unlink()
        assert said(build(provider)) == EXPECTED and len(provider.batches) == 1


def test_what_expired_is_submitted_once_more(build: Build) -> None:
    with batch_simulator(ends=("expired",)) as provider:
        assert said(build(provider)) == EXPECTED
        assert [len(batch["requests"]) for batch in provider.batches.values()] == [7, 3]
        assert set(provider.answered.values()) == {1}
    with batch_simulator(ends=("expired", "expired"), lists=False) as provider:
        with pytest.raises(
            EndpointError, match=r"1 of 7 requests of a batch failed; the last: not answered: batch_exp"
        ):
            said(build(provider, failed_share=0.1))
        assert said(build(provider)) == EXPECTED and sum(provider.answered.values()) == 7


def test_faults_are_read_as_those_of_single_requests(build: Build) -> None:
    moderated = CASES[2].response
    schedule = lambda response, _attempt: "Azure: prompt" if response == moderated else "answer"  # noqa: E731
    with batch_simulator(schedule=schedule) as provider:
        verdicts = build(provider).judge(CASES)
        assert [str(verdict.verdict) for verdict in verdicts if verdict.verdict != "unscored"] == [
            verdict for number, verdict in enumerate(EXPECTED) if number != 2
        ]
        assert verdicts[2].reason.startswith("no answer")


def test_rejected_or_endless_batch_stops_the_job(build: Build) -> None:
    with batch_simulator(ends=("failed",)) as provider:
        with pytest.raises(EndpointError, match="was rejected: the file is not valid"):
            said(build(provider))
        assert said(build(provider)) == EXPECTED
    with batch_simulator(polls=10**6) as provider, pytest.raises(EndpointError, match="has not ended within"):
        said(build(provider, batch_hours=1e-6, model="judge-2"))
    with batch_simulator() as provider:
        provider.once = [401]
        with pytest.raises(EndpointError, match="the batch interface does not work"):
            said(build(provider, model="judge-3"))


def test_a_batch_that_the_provider_forgot_is_submitted_again(build: Build) -> None:
    with batch_simulator(polls=10**6) as provider:
        with pytest.raises(EndpointError):
            said(build(provider, batch_hours=1e-6))
        provider.batches.clear()
        provider.polls = 0
        assert said(build(provider)) == EXPECTED and len(provider.batches) == 1


def test_a_batch_costs_half_and_needs_an_address(build: Build) -> None:
    prices = {"price_per_million_input": 1.0, "price_per_million_output": 2.0}
    provider: Any = BatchProvider()
    provider.base_url = "http://127.0.0.1:1/v1"
    whole, half = (build(provider, batch=chosen, **prices) for chosen in (False, True))
    estimate = whole.estimate(CASES)
    assert estimate == half.estimate(CASES)
    cost: Any = estimate.cost(whole.settings)
    assert estimate.cost(half.settings) == pytest.approx(cost / 2) and cost > 0
    with pytest.raises(ConfigError, match="max_cost"):
        build(provider, batch=False, max_cost=cost * 0.75, **prices).judge(CASES)
    served = {"kind": "chat", "prompt": TEMPLATE, "serve": {"repo": "a/b"}, "batch": True}
    from steadfast.core.plug_ins import JUDGES

    with pytest.raises(ConfigError, match="a model that is served here has no batch interface"):
        JUDGES.read(served).check()


def test_batches_hold_no_more_than_fits_a_file(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_BYTES", 6000)
    with batch_simulator(polls=0) as provider:
        assert said(build(provider)) == EXPECTED
        files = [provider.files[batch["input_file_id"]] for batch in provider.batches.values()]
        assert 1 < len(files) < len(CASES) and all(len(file.encode()) < 6000 for file in files)
