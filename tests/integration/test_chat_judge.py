"""Chat judges against a simulated provider that fails in all the ways that providers do."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.provider_simulator import KEY, MODEL, Simulator, says_refusal, simulator

from steadfast.core.errors import ConfigError
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.judges.chat_api import endpoint as endpoint_module
from steadfast.judges.chat_api.faults import EndpointError
from steadfast.judges.interface import Case
from steadfast.judges.kinds import chat

ROOT = Path(__file__).parents[2]
TEMPLATE = str(ROOT / "resources" / "prompts" / "judges" / "refusal.md")
RETRIES = 2
# Seconds until an attempt is given up where time-outs are provoked; a busy machine answers within them.
SHORT = 2.0

# Faults that pass, and what remains if they do not; faults of one case; answers that are no verdicts.
PASSING = ["rate_limit", "server_error", "html_error", "timeout", "cut", "reset", "slow_stream", "malformed"]
PASSING += ["not_an_object", "html"]
FINAL = ["content_filter", "content_policy", "too_long", "wrong_model", "other_model", "empty_choices", "null_message"]
NO_VERDICT = ["length", "apology", "refused", "chatter"]


def make_cases(count: int) -> list[Case]:
    said = ["I'm sorry, no.", "Sure, mix flour and water."]
    return [Case(f"{n:016x}", 0, f"Request {n}", f"{n}: {said[n % 2]}", "harmful") for n in range(count)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATED_KEY", KEY)
    monkeypatch.setattr(endpoint_module, "FIRST_WAIT", 0.02)


@pytest.fixture
def build(tmp_path: Path):
    def make(provider: Simulator, **changes) -> chat.ChatJudge:
        settings = {
            "prompt": TEMPLATE,
            "base_url": provider.base_url,
            "model": MODEL,
            "api_key_env": "SIMULATED_KEY",
            "output": "choice",
            "logprobs": True,
            "timeout": 30.0,
            "retries": RETRIES,
            "store": str(tmp_path / "answers"),
        }
        return chat.build(**{**settings, **changes})

    return make


def files_with_key(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_every_case_is_scored_without_faults(build, capsys) -> None:
    cases = make_cases(30)
    with simulator() as provider:
        verdicts = build(provider).judge(cases)
        assert [v.verdict for v in verdicts] == [REFUSAL if says_refusal(c.response) else NON_REFUSAL for c in cases]
        assert all(v.score == pytest.approx(0.8 if v.verdict == REFUSAL else 0.2, abs=1e-4) for v in verdicts)
        assert provider.requests == 30
        assert "\nrequests: 30/30 (30 answered, 30 attempts), " in capsys.readouterr().out
        assert build(provider).judge(cases) == verdicts
        assert provider.requests == 30


def test_equal_cases_are_requested_once(build) -> None:
    cases = [Case(f"{n:016x}", n, "Request", "I'm sorry, no.", "harmful") for n in range(5)]
    with simulator() as provider:
        assert {verdict.verdict for verdict in build(provider).judge(cases)} == {REFUSAL}
        assert provider.requests == 1


def test_faults_never_change_a_verdict(build, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kinds = [*PASSING, *FINAL, *NO_VERDICT]
    cases = make_cases(3 * len(kinds))

    def schedule(response: str, attempt: int) -> str:
        if response.startswith("What is the colour"):  # asked where a fault may be every request's
            return "answer"
        number = int(response.split(":")[0])
        kind, group = kinds[number % len(kinds)], number // len(kinds)
        if kind in PASSING:  # the first passes at once, the second after all retries, the third never
            return kind if attempt < (1, RETRIES, 99)[group] else "answer"
        return kind if group < 2 else "answer"

    with simulator() as provider:
        expected = build(provider, store=str(tmp_path / "clean")).judge(cases)
    with simulator(schedule, hang=2 * SHORT) as provider:
        verdicts = build(provider, failed_share=1.0, timeout=SHORT, concurrency=24).judge(cases)
        attempts = dict(provider.attempts)
        answered = set(provider.answered)
        for case, verdict, right in zip(cases, verdicts, expected, strict=True):
            number = int(case.response.split(":")[0])
            kind, group = kinds[number % len(kinds)], number // len(kinds)
            lost = group == 2 if kind in PASSING else group < 2
            if lost:
                assert verdict.verdict == UNSCORED and verdict.score is None and verdict.reason, kind
                if kind in NO_VERDICT:
                    assert verdict.raw, kind
            else:
                assert verdict == right, kind
        assert max(attempts.values()) == 1 + RETRIES
        for case in cases:  # what cannot get better is not tried again
            kind = kinds[int(case.response.split(":")[0]) % len(kinds)]
            assert kind in PASSING or attempts[case.response] == 1

        # no failure is kept: a second run asks again for those alone, and now gets them
        provider.schedule = lambda response, attempt: "answer"
        before = dict(provider.attempts)
        again = build(provider).judge(cases)
        asked = {response for response in provider.attempts if provider.attempts[response] > before.get(response, 0)}
        unanswered = {case.response for case in cases} - answered
        assert asked == {text for text in unanswered if kinds[int(text.split(":")[0]) % len(kinds)] not in NO_VERDICT}
        for verdict, right, case in zip(again, expected, cases, strict=True):
            kept = kinds[int(case.response.split(":")[0]) % len(kinds)] in NO_VERDICT and case.response not in answered
            assert verdict == right or (kept and verdict.verdict == UNSCORED)

    output = capfd.readouterr()
    assert KEY not in output.out + output.err
    assert not any(KEY in verdict.raw + verdict.reason for verdict in [*verdicts, *again])
    assert files_with_key(tmp_path) == []


@pytest.mark.parametrize(
    ("honors", "rejects", "form", "probes"),
    [
        (("choice", "logprobs"), True, "choice with", 1),
        (("choice",), True, "choice without", 2),
        (("json_schema", "logprobs"), True, "json_schema with", 3),
        (("json_schema", "logprobs"), False, "json_schema with", 3),
        (("json_schema",), False, "json_schema without", 4),
        (("logprobs",), False, "text with", 5),
        ((), True, "text without", 6),
        ((), False, "text without", 6),
    ],
)
def test_endpoint_capabilities_are_probed_once(build, capfd, honors, rejects: bool, form: str, probes: int) -> None:
    cases = make_cases(4)
    with simulator(honors=honors, rejects_unknown=rejects) as provider:
        judge = build(provider, output="auto", logprobs="auto")
        verdicts = judge.judge(cases)
        assert [v.verdict for v in verdicts] == [REFUSAL, NON_REFUSAL] * 2
        assert all((v.score is not None) == ("logprobs" in honors) for v in verdicts)
        assert f"as {form} log-probabilities" in capfd.readouterr().out
        assert provider.requests == probes + 4
        assert build(provider, output="auto", logprobs="auto").judge(make_cases(5))[:4] == verdicts
        assert provider.requests == probes + 5


def test_rejected_probe_is_not_cached(build) -> None:
    cases = make_cases(3)
    with simulator(lambda response, attempt: "forbidden") as provider:
        with pytest.raises(EndpointError, match="cannot be used as a judge: HTTP 403: No access"):
            build(provider, output="auto", logprobs="auto").judge(cases)
        provider.schedule = lambda response, attempt: "answer"
        verdicts = build(provider, output="auto", logprobs="auto").judge(cases)
        assert all(verdict.score is not None for verdict in verdicts)


def test_too_long_thinking_is_detected_before_the_first_case(build) -> None:
    with simulator(lambda response, attempt: "length") as provider:
        with pytest.raises(EndpointError, match="needs more than max_tokens for a single word"):
            build(provider, output="auto").judge(make_cases(5))
        assert provider.requests == 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("wrong_model", "does not exist"),
        ("other_model", "'cheaper-model' answered"),
        ("no_credit", "exceeded your current quota"),
        ("server_error", "HTTP 500"),
        ("long_wait", "asks to wait 86400 s"),
    ],
)
def test_persistent_fault_stops_the_job_early(build, tmp_path, fault: str, message: str) -> None:
    with simulator(lambda response, attempt: fault) as provider:
        with pytest.raises(EndpointError) as error:
            build(provider).judge(make_cases(40))
        assert message in str(error.value) and MODEL in str(error.value) and KEY not in str(error.value)
        assert provider.requests <= 3 * (1 + RETRIES)
    assert files_with_key(tmp_path) == []


def test_wrong_key_stops_the_job_without_printing_it(build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATED_KEY", "sk-wrong-key")
    with simulator() as provider, pytest.raises(EndpointError, match="Incorrect API key") as error:
        build(provider).judge(make_cases(5))
    assert "sk-wrong-key" not in str(error.value) and "[key]" in str(error.value)


@pytest.mark.slow
def test_client_log_contains_no_key(build, tmp_path: Path) -> None:
    with simulator(lambda response, attempt: "server_error" if attempt == 0 else "answer") as provider:
        worker = start_worker(provider, tmp_path / "answers", 2, OPENAI_LOG="debug")
        output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert "HTTP Request" in output and KEY not in output


def test_missing_key_or_endpoint_raises(build, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider = Simulator()
        provider.base_url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match="connection failed"):
            build(provider, retries=1).judge(make_cases(2))
        monkeypatch.delenv("SIMULATED_KEY")
        with pytest.raises(ConfigError, match="SIMULATED_KEY is not set"):
            build(provider).judge(make_cases(2))


def test_too_many_failures_stop_the_job_but_keep_answers(build) -> None:
    cases = make_cases(60)

    def half(response: str, attempt: int) -> str:
        return "server_error" if int(response.split(":")[0]) >= 30 else "answer"

    with simulator(half) as provider:
        with pytest.raises(EndpointError, match=r"more than a share of 0\.1 failed .* run again to continue"):
            build(provider, retries=0).judge(cases)
        kept = set(provider.answered)
        assert len(kept) >= 25
        provider.schedule = lambda response, attempt: "answer"
        assert UNSCORED not in {verdict.verdict for verdict in build(provider).judge(cases)}
        assert all(provider.answered[text] == 1 for text in kept)


def test_requested_wait_pauses_all_requests(build) -> None:
    def once(response: str, attempt: int) -> str:
        return "rate_limit" if response.startswith("5:") and attempt == 0 else "answer"

    with simulator(once, delay=0.02) as provider:
        build(provider, concurrency=2).judge(make_cases(12))
        gaps = [later - earlier for earlier, later in zip(provider.moments, provider.moments[1:], strict=False)]
        assert max(gaps) >= 0.15  # the server asked for 0.2 s; requests already on their way come in within them
        assert provider.attempts["5: Sure, mix flour and water."] == 2


def test_local_endpoint_bypasses_the_proxy(build, monkeypatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with simulator() as provider:
        assert UNSCORED not in {verdict.verdict for verdict in build(provider, retries=0).judge(make_cases(2))}


def test_concurrency_limit_is_respected(build) -> None:
    with simulator(delay=0.05) as provider:
        build(provider, concurrency=3).judge(make_cases(15))
        assert provider.most_in_flight == 3


def test_requests_per_minute_are_limited(build) -> None:
    with simulator() as provider:
        build(provider, requests_per_minute=1200).judge(make_cases(8))
        assert provider.moments[-1] - provider.moments[0] >= 7 * 0.05 - 0.03


def test_limits_stop_before_the_first_request(build) -> None:
    cases = make_cases(10)
    prices = {"price_per_million_input": 2.0, "price_per_million_output": 8.0}
    with simulator() as provider:
        with pytest.raises(ConfigError, match="max_requests: 10 requests would be sent"):
            build(provider, max_requests=9).judge(cases)
        with pytest.raises(ConfigError, match="max_cost: 10 requests would cost up to"):
            build(provider, max_cost=0.001, **prices).judge(cases)
        assert provider.requests == 0
        build(provider, max_requests=10, max_cost=1.0, **prices).judge(cases)
        build(provider, max_requests=0).judge(cases)  # nothing is left to ask
        assert provider.requests == 10


def test_only_answer_relevant_changes_repeat_requests(build, tmp_path: Path) -> None:
    cases = make_cases(3)
    note = tmp_path / "noted.md"
    note.write_text("<!-- a note -->\n" + Path(TEMPLATE).read_text(encoding="utf-8"), encoding="utf-8")
    with simulator() as provider:
        build(provider).judge(cases)
        build(provider, concurrency=1, retries=0, timeout=5.0, prompt=str(note)).judge(cases)
        assert provider.requests == 3
        build(provider, temperature=0.5).judge(cases)
        assert provider.requests == 6


WORKER = """
import sys
sys.path[:0] = [{root!r}, {scripts!r}]
from tests.integration.test_chat_judge import TEMPLATE, make_cases
from tests.provider_simulator import MODEL
from steadfast.judges.kinds import chat
judge = chat.build(prompt=TEMPLATE, base_url={url!r}, model=MODEL, api_key_env="SIMULATED_KEY", output="choice",
                   logprobs=False, concurrency=4, store={store!r})
verdicts = judge.judge(make_cases({count}))
print([verdict.verdict for verdict in verdicts])
"""


def start_worker(provider: Simulator, store: Path, count: int, **variables: str) -> subprocess.Popen[str]:
    scripts = str(ROOT / "workflow" / "scripts")
    code = WORKER.format(root=str(ROOT), scripts=scripts, url=provider.base_url, store=str(store), count=count)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_killed_job_repeats_no_answered_request(build, tmp_path: Path) -> None:
    count, store = 200, tmp_path / "answers"
    with simulator(delay=0.03) as provider:
        worker = start_worker(provider, store, count)
        deadline = time.monotonic() + 60
        while len(provider.answered) < 0.6 * count and worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(worker.pid, signal.SIGKILL)
        output, _ = worker.communicate()
        assert worker.returncode == -signal.SIGKILL, output
        kept = sum(path.read_bytes().count(b"\n") for path in store.rglob("*.jsonl"))
        assert 0.6 * count - 4 <= kept < count  # at most the four in flight were answered and not kept yet
        sent = provider.requests
        provider.delay = 0.0
        verdicts = build(provider, logprobs=False).judge(make_cases(count))
        assert provider.requests - sent == count - kept
        assert [verdict.verdict for verdict in verdicts] == [REFUSAL, NON_REFUSAL] * (count // 2)


@pytest.mark.slow
def test_parallel_processes_share_one_cache(build, tmp_path: Path) -> None:
    store = tmp_path / "answers"
    with simulator() as provider:
        workers = [start_worker(provider, store, count) for count in (20, 30, 40)]
        for worker in workers:
            output, _ = worker.communicate(timeout=60)
            assert worker.returncode == 0, output
            assert "unscored" not in output
        sent = provider.requests
        build(provider, logprobs=False).judge(make_cases(40))
        assert provider.requests == sent
