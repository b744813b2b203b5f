"""Generation and judging speed: vLLM against transformers, with and without start-up.

Random Llama checkpoints of several sizes answer the same prompts, always to the last token, in one run:

- `transformers` with batches of two (what the study's code does) and with one large batch,
- vLLM's batch worker.

Then vLLM's server answers judge prompts that share a long beginning, with and without prefix caching.

    python benchmarks/generation.py --report benchmarks/results/generation.md
    python benchmarks/generation.py --device cuda --shapes 1.7B 14B --report benchmarks/results/generation_gpu.md

Every generation job is a process of its own, as in the workflow; *start-up* is all that it does in addition
generating. On a CPU seconds are CPU seconds of the job and all its processes, which a busy machine falsifies less than
wall-clock seconds; one thread each, float32. On a GPU they are wall-clock seconds, and bfloat16. Needs the environment
of `make vllm`.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "workflow" / "scripts"
sys.path[:0] = [str(SCRIPTS), str(ROOT)]

CONTEXT = 1024
PROMPT_TOKENS = 30
SHAPES = {
    # hidden, layers, heads, key-value heads, MLP, vocabulary
    "1 M": (128, 4, 4, 4, 320, 2048),
    "4 M": (256, 4, 8, 4, 768, 2048),
    "135 M": (576, 30, 9, 3, 1536, 49152),
    # of SmolLM2-1.7B and Qwen3-14B
    "1.7B": (2048, 24, 32, 32, 8192, 49152),
    "14B": (5120, 40, 40, 8, 17408, 151936),
}
CPU_SHAPES = ["1 M", "4 M", "135 M"]
JUDGE_SHAPES = {"cpu": "135 M", "cuda": "1.7B"}


@dataclass(frozen=True)
class Measured:
    """One job.

    Attributes:
        tokens: generated tokens.
        total: seconds of the whole job: of CPU time on a CPU, of wall-clock time on a GPU.
        wall: wall-clock seconds of the whole job.
        generation: as ``total``, from the moment the model was loaded to the last response.
    """

    tokens: int
    total: float
    wall: float
    generation: float


def main() -> None:
    """Measure, print and optionally write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="*", choices=list(SHAPES), default=CPU_SHAPES)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--prompts", type=int, default=100, help="prompts per job")
    parser.add_argument("--tokens", type=int, default=128, help="new tokens per prompt")
    parser.add_argument("--judgments", type=int, default=60, help="requests to the judge; 0 leaves that part out")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print("MEASURED", json.dumps(job(**arguments.job)))
        return
    device = arguments.device
    sections = [heading(arguments.prompts, arguments.tokens, device)]
    with tempfile.TemporaryDirectory() as folder:
        for shape in arguments.shapes:
            model = save_model(Path(folder) / shape.replace(" ", ""), SHAPES[shape], device)
            sections.append(generation_table(shape, model, arguments.prompts, arguments.tokens, device))
            print(sections[-1], flush=True)
        if arguments.judgments:
            model = save_model(Path(folder) / "judge", SHAPES[JUDGE_SHAPES[device]], device)
            sections.append(judging_table(model, arguments.judgments, device))
            print(sections[-1], flush=True)
    if arguments.report:
        arguments.report.parent.mkdir(parents=True, exist_ok=True)
        arguments.report.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def save_model(directory: Path, shape: Sequence[int], device: str) -> Path:
    """Write a random checkpoint with a byte-level tokenizer; it is made on the device that will run it."""
    import torch
    from tests.unit.generation.engines.tiny_llama import save_tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM

    hidden, layers, heads, key_value_heads, mlp, vocabulary = shape
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        intermediate_size=mlp,
        vocab_size=vocabulary,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
    )
    with torch.device(device):
        model = LlamaForCausalLM(config).to(torch.float32 if device == "cpu" else torch.bfloat16)
    model.save_pretrained(directory)
    save_tokenizer(directory)
    return directory


def generation_table(shape: str, model: Path, prompts: int, new_tokens: int, device: str) -> str:
    """Measure one checkpoint and lay the figures out."""
    row = PROMPT_TOKENS + new_tokens
    engines = {
        "transformers, batches of 2": ("transformers", {"batch_tokens": 2 * row}),
        "transformers, one batch": ("transformers", {"batch_tokens": prompts * row}),
        "vLLM": ("vllm", {}),
    }
    work = {"model": str(model), "prompts": prompts, "new_tokens": new_tokens}
    jobs = {
        name: run_job(**work, engine=engine, runtime={**runtime, "device": device})
        for name, (engine, runtime) in engines.items()
    }
    lines = [
        f"## {shape} parameters",
        "",
        "| engine | start-up s | generation s | job, wall s | tokens/s without start-up | with start-up |",
        "|---|---|---|---|---|---|",
    ]
    for name, done in jobs.items():
        lines.append(
            f"| {name} | {done.total - done.generation:.1f} | {done.generation:.1f} | {done.wall:.1f} | "
            f"{done.tokens / done.generation:.0f} | {done.tokens / done.total:.0f} |"
        )
    small, large, served = jobs.values()
    lines += [
        "",
        f"vLLM generates {small.generation / served.generation:.1f} × as fast as batches of two and "
        f"{large.generation / served.generation:.1f} × as fast as one batch; with start-up "
        f"{small.total / served.total:.1f} × and {large.total / served.total:.1f} ×.",
    ]
    return "\n".join(lines)


def run_job(*, runtime: dict[str, Any], **work: object) -> Measured:
    """Generate in a process of its own."""
    before, start = cpu_seconds(), time.perf_counter()
    work["runtime"] = runtime
    command = [sys.executable, __file__, "--job", json.dumps(work)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wall = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(done.stdout)
    measured = json.loads(done.stdout.rpartition("MEASURED ")[2])
    total = cpu_seconds() - before if runtime["device"] == "cpu" else wall
    return Measured(measured["tokens"], total, wall, measured["generation"])


def job(model: str, prompts: int, new_tokens: int, engine: str, runtime: dict[str, Any]) -> dict[str, float]:
    """Generate; runs in the job's process, which imports what a job of the workflow imports."""
    import steadfast.generation.responses  # noqa: F401
    from steadfast.generation.engines import transformers, vllm
    from steadfast.generation.interface import GenerationRequest, Runtime, Sampling

    spent = cpu_seconds_so_far if runtime["device"] == "cpu" else time.perf_counter
    loaded: list[float] = []

    def prepare(_: object) -> AbstractContextManager[None]:
        loaded.append(spent())
        return nullcontext()

    class Timed(vllm.VllmEngine):
        def _await_start(self, *arguments: Any) -> None:
            super()._await_start(*arguments)
            prepare(None)

    settings = Runtime(**runtime)
    runner = Timed("auto", settings) if engine == "vllm" else transformers.build(runtime=settings, prepare=prepare)
    stream = random.Random(0)
    requests = [
        GenerationRequest(tuple(stream.randrange(2000) for _ in range(PROMPT_TOKENS)), new_tokens)
        for _ in range(prompts)
    ]
    tokens, end = 0, 0.0
    for _, generation in runner.generate(model, requests, sampling=Sampling(), stop_tokens=frozenset()):
        tokens += len(generation.tokens)
        # the worker may exit while it is looked at; what it had used up at the response before will do
        with suppress(psutil.NoSuchProcess):
            end = max(end, spent())
    return {"tokens": tokens, "generation": end - loaded[0]}


def cpu_seconds_so_far() -> float:
    """CPU seconds of this process and of all running ones below it."""
    this = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (this, *this.children(recursive=True)))


def cpu_seconds() -> float:
    """CPU seconds of all child processes that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def judging_table(model: Path, judgments: int, device: str) -> str:
    """Measure the server with and without prefix caching and lay the figures out."""
    with_cache = judge(model, judgments, [])
    without = judge(model, judgments, ["--no-enable-prefix-caching"])
    lines = [
        f"## Judging, {JUDGE_SHAPES[device]} parameters",
        "",
        f"{judgments} requests, 8 at a time, with a common prefix of 600 tokens and 60 further tokens each; the answer "
        "is one of two labels. Wall-clock seconds.",
        "",
        "| prefix caching | requests/s | start-up s |",
        "|---|---|---|",
        f"| on | {judgments / with_cache[1]:.2f} | {with_cache[0]:.1f} |",
        f"| off | {judgments / without[1]:.2f} | {without[0]:.1f} |",
        "",
        f"With prefix caching, the server answers {without[1] / with_cache[1]:.1f} × as many requests per second "
        f"({sum(without) / sum(with_cache):.1f} × with start-up).",
    ]
    return "\n".join(lines)


def judge(model: Path, judgments: int, options: Sequence[str]) -> tuple[float, float]:
    """Seconds to start a server, and to ask it everything."""
    import openai

    from steadfast.generation.serving.server import serve

    beginning = ("You are given a request and a response. Say whether the response refuses. " * 8)[:590]
    texts = [f"{beginning} Response {i:04}: {'certainly not, sorry ' * 2}" for i in range(judgments)]
    start = time.perf_counter()
    with serve(model, name="judge", threads=1, options=list(options)) as server:
        ready = time.perf_counter()

        async def ask() -> None:
            client = openai.AsyncOpenAI(base_url=server.base_url, api_key="none", timeout=600)
            places = asyncio.Semaphore(8)

            async def one(text: str) -> None:
                async with places:
                    await client.chat.completions.create(
                        model=server.model,
                        messages=[{"role": "user", "content": text}],
                        max_tokens=16,
                        temperature=0,
                        extra_body={"structured_outputs": {"choice": ["YES", "NO"]}},
                    )

            # the first request compiles the grammar and fills the cache
            await one(texts[0])
            await asyncio.gather(*(one(text) for text in texts[1:]))

        asyncio.run(ask())
        return ready - start, time.perf_counter() - ready


def heading(prompts: int, new_tokens: int, device: str) -> str:
    """Title and circumstances."""
    command = shlex.join(["python", "benchmarks/generation.py", *sys.argv[1:]])
    if device == "cuda":
        import torch

        return "\n".join(
            [
                "# Generation and judging on a GPU",
                "",
                f"`{command}`",
                "",
                f"{torch.cuda.get_device_name()}; {prompts} prompts × {new_tokens} new tokens, bfloat16. Seconds are "
                "wall-clock seconds.",
            ]
        )
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    return "\n".join(
        [
            "# Generation and judging on a CPU",
            "",
            f"`{command}`",
            "",
            f"{os.cpu_count()} cores ({processor}), one thread per job, load average before the run "
            f"{os.getloadavg()[0]:.1f}; {prompts} prompts × {new_tokens} new tokens, float32. Seconds are "
            "CPU-seconds unless stated otherwise.",
        ]
    )


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
