"""Perplexity of held-out text: one pass in transformers against vLLM's prompt log-probabilities.

A random Llama checkpoint scores the same documents of random tokens in both, each in a process of its own, and both
must find the same likelihoods. *Start-up* is everything but scoring. On a CPU seconds are CPU seconds of
the job, one thread each, float32; on a GPU they are wall-clock seconds, and bfloat16.

    python benchmarks/scoring.py --report benchmarks/results/scoring.md
    python benchmarks/scoring.py --device cuda --shape 1.7B --report benchmarks/results/scoring_gpu.md

Needs the environment of `make vllm`. docs/decisions says what follows from it.
"""

import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generation import CONTEXT, ROOT, SHAPES, save_model

TOLERANCE = {"cpu": 1e-3, "cuda": 0.05}  # of a mean log-probability per token, in nats; bfloat16 rounds
WORKER = """
import json, sys, time
work = json.load(sys.stdin)
clock = time.process_time if work["device"] == "cpu" else time.perf_counter
from vllm import LLM, SamplingParams
model = LLM(**work["arguments"], skip_tokenizer_init=True, disable_log_stats=True)
ready = clock()
asked = SamplingParams(max_tokens=1, prompt_logprobs=0, detokenize=False)
prompts = [{"prompt_token_ids": document} for document in work["documents"]]
outputs = model.generate(prompts, asked, use_tqdm=False)
means = [
    sum(found[token].logprob for found, token in zip(output.prompt_logprobs[1:], output.prompt_token_ids[1:]))
    / (len(output.prompt_token_ids) - 1)
    for output in outputs
]
print("MEASURED", json.dumps({"scoring": clock() - ready, "total": clock(), "means": means}))
"""


def main() -> None:
    """Measure, print and optionally write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=list(SHAPES), default="135 M")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--documents", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=128, help="tokens per document")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--job", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print("MEASURED", json.dumps(score_with_transformers(**json.load(sys.stdin))))
        return
    stream = random.Random(0)
    documents = [[stream.randrange(2000) for _ in range(arguments.tokens)] for _ in range(arguments.documents)]
    with tempfile.TemporaryDirectory() as folder:
        model = save_model(Path(folder) / "model", SHAPES[arguments.shape], arguments.device)
        jobs = {
            "transformers": run(
                [sys.executable, __file__, "--job"],
                os.environ | {"OMP_NUM_THREADS": "1"},
                {
                    "model": str(model),
                    "documents": documents,
                    "device": arguments.device,
                },
            ),
            "vLLM": run(*vllm_job(model, documents, arguments.device)),
        }
    furthest = max(abs(a - b) for a, b in zip(*(done["means"] for done in jobs.values()), strict=True))
    if furthest > TOLERANCE[arguments.device]:
        sys.exit(f"the two disagree by {furthest:.3g} nats per token")
    text = report(jobs, arguments, furthest)
    print(text)
    if arguments.report:
        arguments.report.write_text(text + "\n", encoding="utf-8")


def vllm_job(model: Path, documents: list[list[int]], device: str) -> tuple[list[str], dict[str, str], dict]:
    """Command, environment and work of vLLM's job, set up as the workflow's own."""
    from steadfast.generation.interface import Runtime
    from steadfast.generation.serving.arguments import engine_arguments, process_environment
    from steadfast.generation.serving.interpreter import find_interpreter

    runtime = Runtime(device=device)
    interpreter = find_interpreter(None)
    settings = engine_arguments(
        model,
        runtime,
        interpreter,
        dtype="auto",
        max_model_len=CONTEXT,
        cached_tokens=sum(map(len, documents)),
    )
    work = {"arguments": settings, "documents": documents, "device": device}
    return [str(interpreter.python), "-c", WORKER], process_environment(runtime, interpreter, in_process=True), work


def run(command: list[str], environment: dict[str, str], work: dict) -> dict:
    """Run a job; what it measured, with the wall-clock seconds of its process."""
    start = time.perf_counter()
    done = subprocess.run(command, input=json.dumps(work), capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    wall = time.perf_counter() - start
    measured = json.loads(done.stdout.rpartition("MEASURED ")[2])
    # a process knows its own CPU seconds, but not when it was started
    return {**measured, "wall": wall, "total": measured["total"] if work["device"] == "cpu" else wall}


def score_with_transformers(model: str, documents: list[list[int]], device: str) -> dict:
    """Score as the workflow's perplexity does."""
    import torch

    from steadfast.attacks.activations.logits import teacher_forced_log_probabilities
    from steadfast.models.loading import load_model

    clock = time.process_time if device == "cpu" else time.perf_counter
    torch.set_num_threads(1)
    loaded = load_model(model, device=device)
    ready = clock()
    means = [0.0] * len(documents)
    prefixes, rest = [ids[:1] for ids in documents], [ids[1:] for ids in documents]
    for row, values in teacher_forced_log_probabilities(loaded, prefixes, rest, 8192, 0):
        means[row] = float(values[range(len(rest[row])), rest[row]].double().mean())
    return {"scoring": clock() - ready, "total": clock(), "means": means}


def report(jobs: dict[str, dict], arguments: argparse.Namespace, furthest: float) -> str:
    """The figures as a page."""
    seconds = "CPU-seconds, one thread, float32" if arguments.device == "cpu" else "Wall-clock seconds, bfloat16"
    lines = [
        "# Scoring text with transformers and vLLM",
        "",
        f"`{shlex.join(['python', 'benchmarks/scoring.py', *sys.argv[1:]])}`",
        "",
        f"{arguments.shape} parameters, {arguments.documents} documents × {arguments.tokens} tokens. {seconds}, load "
        f"average {os.getloadavg()[0]:.1f}. Mean log-probabilities per token differ by at most {furthest:.1e} nats.",
        "",
        "| | start-up s | scoring s | job, wall s |",
        "|---|---|---|---|",
    ]
    for name, done in jobs.items():
        lines.append(f"| {name} | {done['total'] - done['scoring']:.1f} | {done['scoring']:.1f} | {done['wall']:.1f} |")
    ours, theirs = jobs.values()
    lines += [
        "",
        f"vLLM is {ours['scoring'] / theirs['scoring']:.2f} × as fast as transformers, with start-up "
        f"{ours['total'] / theirs['total']:.2f} ×.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
