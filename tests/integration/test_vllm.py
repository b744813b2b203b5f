"""Real vLLM on the CPU: its responses, its server, and that nothing of it is left behind."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import openai
import pandas as pd
import psutil
import pytest
from tests.unit.generation.engines.tiny_llama import save_checkpoint
from tests.vllm import require_vllm

from steadfast.core.files import read_table
from steadfast.generation.engines.transformers import build
from steadfast.generation.interface import GenerationRequest, Sampling, cut_at_stop
from steadfast.generation.responses import generate_responses
from steadfast.generation.serving.failure import ServingError
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.loading import load_tokenizer

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
WORDS = "sea river stone bread lamp ladder violin harbour meadow clock".split()
TEXTS = [f"Tell me about the {a} and the {b}{'.' * (i % 7)}" for i, a in enumerate(WORDS) for b in WORDS[:6]]
PROMPTS = pd.DataFrame({"prompt_id": [f"p{i:02}" for i in range(len(TEXTS))], "text": TEXTS})
# on a machine of two cores that runs other tests as well, starts take their time
RUNTIME = {"threads": 1, "kv_cache_gib": 0.25, "start_timeout": 300.0}
LEAST_IDENTICAL = 0.95


@pytest.fixture(scope="module", autouse=True)
def vllm():
    require_vllm()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("vllm") / "model")


def family(job):
    """A job and all processes below it."""
    return [psutil.Process(job.pid), *psutil.Process(job.pid).children(recursive=True)]


def await_death(processes, seconds=60):
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert not alive


def test_greedy_responses_equal_those_of_transformers(checkpoint, record_property):
    """Of a model whose next token is less certain than a trained one's."""
    served, plain = (
        generate_responses(checkpoint, PROMPTS, settings={"max_new_tokens": 64}, engine=engine, **RUNTIME)
        for engine in ("vllm", "transformers")
    )
    assert served[["prompt_id", "sample", "thinking"]].equals(plain[["prompt_id", "sample", "thinking"]])
    identical = float((served["response"] == plain["response"]).mean())
    record_property("identical", identical)
    print(f"{identical:.1%} of {len(PROMPTS)} greedy responses are identical")
    assert identical >= LEAST_IDENTICAL
    assert plain["response"].nunique() > len(PROMPTS) // 2
    assert set(plain["finish_reason"]) == {"stop", "length"}


def test_suppressed_tokens_are_never_generated_by_either_engine(checkpoint):
    few, settings = PROMPTS[:20], {"max_new_tokens": 24}
    plain = generate_responses(checkpoint, few, settings=settings, engine="transformers", **RUNTIME)
    usual = plain["response"].str.cat().replace("\ufffd", "")
    letters = sorted({letter for letter in usual if letter.isascii() and letter.isalnum()})[:8]
    decoding = {"method": "suppress_tokens", "tokens": letters}
    served, steered = (
        generate_responses(checkpoint, few, settings=settings, decoding=decoding, engine=engine, **RUNTIME)
        for engine in ("vllm", "transformers")
    )
    assert letters and not set(letters) & set(served["response"].str.cat())
    assert (served["response"] == steered["response"]).mean() >= LEAST_IDENTICAL


OWNER = """
import sys, pandas as pd
from steadfast.generation.responses import generate_responses
prompts = pd.read_csv(sys.argv[3], keep_default_na=False)
settings = {"max_new_tokens": 200, "temperature": 1.0, "samples": 3}
table = generate_responses(sys.argv[1], prompts, cache=sys.argv[2], settings=settings, engine="vllm",
                           threads=1, kv_cache_gib=0.05, start_timeout=300.0)
table.to_parquet(sys.argv[4])
"""


def test_killed_job_leaves_no_process_and_resumes(checkpoint, tmp_path):
    cache, output, prompts = tmp_path / "cache", tmp_path / "responses.parquet", tmp_path / "prompts.csv"
    PROMPTS.to_csv(prompts, index=False)
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", OWNER, str(checkpoint), str(cache), str(prompts), str(output)]
    with open(tmp_path / "log", "w") as log:
        job = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 300
        while not any(segment.stat().st_size for segment in cache.glob("*")):
            assert job.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.01)
        processes = family(job)
        assert len(processes) >= 3  # the job, the supervisor and the worker
        job.kill()
        job.wait(30)
    await_death(processes)
    kept = sum(len(segment.read_text().splitlines()) for segment in cache.iterdir())
    total = 3 * len(PROMPTS)
    assert 0 < kept < total and not output.exists()
    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"responses: {kept}/{total} were finished by an earlier run" in again.stdout
    assert re.search(rf"responses: {total}/{total}, [1-9][\d,]* tokens/s, in \d+ s", again.stdout)
    table = read_table(output)
    assert len(table) == total
    assert (table.groupby("prompt_id")["response"].nunique() == 3).mean() > 0.9


SERVER_OWNER = """
import sys, time
from steadfast.generation.serving.server import serve
with serve(sys.argv[1], name="tiny", threads=1, kv_cache_gib=0.25, start_timeout=300.0) as server:
    print("SERVING", server.base_url, flush=True)
    time.sleep(600)
"""


@contextmanager
def served_by_a_job(checkpoint):
    """A process that owns a server, and the server's address."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", SERVER_OWNER, str(checkpoint)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as job:
        try:
            printed = []
            while not (printed and printed[-1].startswith("SERVING")):
                printed.append(job.stdout.readline())
                assert printed[-1], "".join(printed)
            yield job, printed[-1].split()[1]
        finally:
            job.kill()


@pytest.fixture
def made_for_long_texts(checkpoint, tmp_path):
    """The checkpoint as one whose longest text would need a cache of several GiB."""
    copy = Path(shutil.copytree(checkpoint, tmp_path / "long"))
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**settings, "max_position_embeddings": 1 << 21}))
    return copy


def test_openai_client_works_with_a_server_ending_with_its_job(made_for_long_texts):
    checkpoint = made_for_long_texts
    with served_by_a_job(checkpoint) as (job, address):
        client = openai.OpenAI(base_url=address, api_key="none", max_retries=0, timeout=120)
        tokenizer = load_tokenizer(checkpoint)
        prompts = encode_chat(tokenizer, [user_message(text) for text in TEXTS[:5]])
        requests = [GenerationRequest(tuple(prompt), 32) for prompt in prompts]
        plain = dict(build().generate(checkpoint, requests, sampling=Sampling(), stop_tokens={257, 262}))
        for index, prompt in enumerate(prompts):
            answer = client.chat.completions.create(
                model="tiny",
                messages=[{"role": "user", "content": TEXTS[index]}],
                max_tokens=32,
                temperature=0,
                extra_body={"return_token_ids": True, "stop_token_ids": [262]},
            )
            # the server applies the chat template once, as the workflow does
            assert answer.prompt_token_ids == prompt
            assert cut_at_stop(answer.choices[0].token_ids, {257, 262}, 32) == plain[index]
        labels = ["REFUSAL", "NON-REFUSAL"]
        chosen = client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "Judge this."}],
            max_tokens=16,
            temperature=0,
            logprobs=True,
            top_logprobs=5,
            extra_body={"structured_outputs": {"choice": labels}},
        )
        assert chosen.choices[0].message.content in labels
        assert len(chosen.choices[0].logprobs.content[0].top_logprobs) == 5
        processes = family(job)
        assert len(processes) >= 4  # the job, the supervisor, the server and its engine
        job.terminate()
        job.wait(30)
        await_death(processes)
        with pytest.raises(openai.APIConnectionError):
            client.models.list()


def test_checkpoint_that_vllm_cannot_run_fails_with_end_of_log(checkpoint, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(checkpoint, broken)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "architectures": ["NoSuchModelForCausalLM"]}))
    with pytest.raises(ServingError, match=r"(?s)vLLM did not start.*What may help.*NoSuchModelForCausalLM"):
        generate_responses(broken, PROMPTS, settings={"max_new_tokens": 8}, engine="vllm", **RUNTIME)
