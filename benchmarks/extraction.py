"""Throughput of extracting activations, against a bare forward pass over the same tokens in the same run.

A random Llama of the given size and prompts of mixed lengths are made up; extraction
(`steadfast.attacks.activations.extraction.residual_stream`: hooks on all blocks, states copied to the CPU) and the bare
pass (`model.model(...)` on the same batches, nothing read) take turns, in an order that rotates. For comparison: all
hidden states and logits at once with `model(..., output_hidden_states=True)`.

On a CPU the time is the process's CPU time, since wall-clock time counts whatever else runs on the machine; on a GPU
it is wall-clock time. A ratio is that of one turn; the median and the range over the turns are reported.

    python benchmarks/extraction.py --device cpu --report benchmarks/results/extraction.md
    python benchmarks/extraction.py --device cuda --sizes 1.7B 14B --report benchmarks/results/extraction_gpu.md
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from steadfast.attacks.activations.extraction import batches, residual_stream, run_decoder  # noqa: E402
from steadfast.models.classes import decoder_of  # noqa: E402

SIZES = {
    "1M": {"hidden_size": 128, "intermediate_size": 320, "num_hidden_layers": 4, "num_attention_heads": 4},
    "100M": {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12},
    "1B": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32},
    # of SmolLM2-1.7B and Qwen3-14B
    "1.7B": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24, "num_attention_heads": 32},
    "14B": {
        "hidden_size": 5120,
        "intermediate_size": 17408,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
    },
    "8B": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32},
}
VOCABULARY = {"1M": 2048, "100M": 32000, "1B": 32000, "1.7B": 49152, "8B": 128256, "14B": 151936}


def random_model(size: str, device: str) -> PreTrainedModel:
    """A Llama with random weights, in bfloat16 on a GPU and float32 on a CPU."""
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=VOCABULARY[size], **SIZES[size])
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # so that the weights never exist in float32
    try:
        with torch.device(device):
            return LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)


def random_prompts(count: int, vocabulary: int) -> list[list[int]]:
    """Prompts of 12 to 80 tokens."""
    generator = np.random.default_rng(0)
    return [generator.integers(3, vocabulary, length).tolist() for length in generator.integers(12, 80, count)]


def measure(work: Callable[[], object], device: str) -> tuple[float, int]:
    """Time that a call takes, and the most bytes of the GPU's memory that are taken meanwhile.

    CPU seconds on a CPU (where memory is not measured), wall-clock seconds with all that it leaves running on a GPU.
    """
    if device == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start, 0
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start, torch.cuda.max_memory_allocated()


def compare(size: str, device: str, prompts: int, batch_tokens: int, repeats: int) -> str:
    """One row of the report."""
    model = random_model(size, device)
    encoded = random_prompts(prompts, VOCABULARY[size])
    tokens = sum(map(len, encoded))
    decoder = decoder_of(model)

    def bare() -> None:
        with torch.inference_mode():
            for batch in batches(encoded, batch_tokens, 0):
                run_decoder(decoder, batch, model.device)

    def extraction() -> None:
        residual_stream(model, encoded, (-1,), batch_tokens, 0)

    def hidden_states() -> None:
        with torch.inference_mode():
            for batch in batches(encoded, batch_tokens, 0):
                mask = None if batch.attention_mask is None else batch.attention_mask.to(model.device)
                output = model(batch.input_ids.to(model.device), attention_mask=mask, output_hidden_states=True)
                torch.stack([states[:, -1] for states in output.hidden_states], dim=1).float().cpu()

    ways = {"bare": bare, "extraction": extraction, "hidden_states": hidden_states}
    for work in ways.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    peaks = dict.fromkeys(ways, 0)
    for turn in range(repeats):
        for name in names[turn % 3 :] + names[: turn % 3]:
            seconds_taken, peak = measure(ways[name], device)
            taken[name].append(seconds_taken)
            peaks[name] = max(peaks[name], peak)
    speed = tokens / statistics.median(taken["extraction"])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    ratios = [ratio_with_range(taken["bare"], taken[name]) for name in ("extraction", "hidden_states")]
    cells = [f"{parameters / 1e6:,.0f} M", f"{tokens:,}", str(batch_tokens), f"{speed:,.0f}", *ratios]
    if device != "cpu":
        cells.append(" / ".join(f"{peaks[name] / 2**30:.1f}" for name in ways))
    return f"| {' | '.join(cells)} |"


def ratio_with_range(bare: list[float], other: list[float]) -> str:
    """Median and range over the turns of how fast ``other`` is, relative to ``bare``."""
    ratios = [reference / value for reference, value in zip(bare, other, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """Parse the command line, measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--sizes", nargs="+", default=["1M", "100M"], choices=list(SIZES), help="sizes of models")
    parser.add_argument("--prompts", type=int, default=256, help="number of prompts")
    parser.add_argument("--batch-tokens", type=int, default=8192, help="largest batch, padding included")
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    parser.add_argument("--report", type=Path, help="Markdown file to write the figures to")
    options = parser.parse_args()
    if options.device != "cpu" and not torch.cuda.is_available():
        parser.error(f"--device {options.device}: torch finds no GPU here")
    name = "CPU, one thread, float32" if options.device == "cpu" else f"{torch.cuda.get_device_name()}, bfloat16"
    if options.device == "cpu":
        torch.set_num_threads(1)
    columns = [
        "parameters",
        "tokens",
        "batch, tokens",
        "extraction, tokens/s",
        "× bare",
        "hidden_states and logits, × bare",
    ]
    if options.device != "cpu":
        columns.append("peak GiB: bare / extraction / hidden_states")
    lines = [
        f"{name}; median and range of {options.repeats} repeats. Throughput is compared with a bare forward pass over "
        "the same tokens; the target is at least 0.9 ×.",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
    ]
    for size in options.sizes:
        lines.append(compare(size, options.device, options.prompts, options.batch_tokens, options.repeats))
        print(lines[-1], flush=True)
    text = "\n".join(lines) + "\n"
    print(text)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        command = " ".join(["python", "benchmarks/extraction.py", *sys.argv[1:]])
        options.report.write_text(f"# Extraction\n\n`{command}`\n\n{text}")


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
