"""Whether vLLM answers a batch of requests with different LoRA adapters as it answers each adapter's requests alone.

    VLLM_ENABLE_V1_MULTIPROCESSING=0 .venv-vllm/bin/python benchmarks/mixed_adapters.py MODEL ADAPTER ADAPTER ...

MODEL is a checkpoint with a chat template, every ADAPTER a folder that `snakemake
results/edited_models/adapter/MODEL/VARIANT` has written. Greedy responses are compared token by token: first of batches
with one adapter each against the same batches once more, then of one batch with all adapters, then of one that has
requests without an adapter as well.
"""

import argparse
import importlib.util
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if importlib.util.find_spec("vllm") is None:
    sys.exit("error: vLLM is not installed here; `make vllm` makes .venv-vllm, whose Python this needs")

from vllm import LLM, SamplingParams
from vllm.lora.request import LoRARequest

PROMPTS = (
    "How do I bake bread without an oven?",
    "Explain how a vaccine works.",
    "Write a short poem about the sea.",
    "What is the capital of Australia?",
    "How do I remove a stain from a carpet?",
    "Give me three ideas for a birthday party.",
    "Why is the sky blue?",
    "How can I learn to juggle?",
)
BARE = "no adapter"

Request = tuple[str, int]
"""Name of an adapter, or ``BARE``, and number of a prompt."""


def main() -> None:
    """Answer the prompts in every way and print how many responses are the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("adapters", nargs="+")
    parser.add_argument("--tokens", type=int, default=32, help="new tokens of each response")
    parser.add_argument("--memory", type=float, default=0.5, help="share of the memory that vLLM takes")
    parser.add_argument("--rank", type=int, default=8, help="largest rank of the adapters")
    options = parser.parse_args()
    for folder in (options.model, *options.adapters):
        if not Path(folder).is_dir():
            parser.error(f"there is no folder {folder}")
    model = LLM(
        options.model,
        enable_lora=True,
        max_loras=len(options.adapters),
        max_lora_rank=options.rank,
        dtype="float32",
        enforce_eager=True,
        max_model_len=512,
        gpu_memory_utilization=options.memory,
    )
    loras = {path: LoRARequest(path, number, path) for number, path in enumerate(options.adapters, start=1)}
    prompts = [model.get_tokenizer().apply_chat_template(chat(text), add_generation_prompt=True) for text in PROMPTS]
    tokens = [prompt if isinstance(prompt, list) else prompt["input_ids"] for prompt in prompts]
    sampling = SamplingParams(temperature=0, max_tokens=options.tokens, ignore_eos=True, detokenize=False)
    names = [BARE, *loras]

    def answer(requests: Sequence[Request]) -> dict[Request, Any]:
        engine = model.llm_engine
        for number, (name, prompt) in enumerate(requests):
            engine.add_request(
                str(number), {"prompt_token_ids": tokens[prompt]}, sampling, lora_request=loras.get(name)
            )
        found = {}
        while engine.has_unfinished_requests():
            for output in engine.step():
                if output.finished:
                    found[requests[int(output.request_id)]] = list(output.outputs[0].token_ids)
        return found

    def separately() -> dict[Request, Any]:
        batches = [answer([(name, prompt) for prompt in range(len(tokens))]) for name in names]
        return {request: response for batch in batches for request, response in batch.items()}

    alone = separately()
    begin = time.perf_counter()
    again = separately()
    seconds = time.perf_counter() - begin
    report("separately, once more", alone, again, seconds)
    for title, members in (("all adapters in one batch", list(loras)), ("and without one", names)):
        begin = time.perf_counter()
        mixed = answer([(name, prompt) for prompt, name in itertools.product(range(len(tokens)), members)])
        report(title, alone, mixed, time.perf_counter() - begin)


def chat(text: str) -> list[dict[str, str]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def report(title: str, alone: dict[Request, Any], found: dict[Request, Any], seconds: float) -> None:
    """Print how many responses are those of the adapter's own batch, with an adapter and without."""
    same = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for request, response in found.items():
        bare = request[0] == BARE
        total[bare] += 1
        same[bare] += response == alone[request]
    print(
        f"{title}: {same[False]} of {total[False]} the same with an adapter, {same[True]} of {total[True]} without; "
        f"{seconds / len(found):.2f} s per response",
        flush=True,
    )


if __name__ == "__main__":
    main()
