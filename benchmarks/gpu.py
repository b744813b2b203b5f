"""What the workflow's mechanisms cost and how exact they are on a GPU, with models of random weights.

One file that needs only torch, transformers and safetensors, so that it can be copied to a machine with a GPU
and run there. For every shape it makes a Llama with random weights and measures, in one run:

* **extraction** of activations (hooks on all blocks) against a bare forward pass over the same batches;
* **factors**: an edit W' = W + BA applied in place and taken back, against weights that are baked into a file and
  loaded: seconds, bytes, and whether the weights, and the answers, are the same;
* **bounds** of the hook-versus-baked check: how far a right edit lies from hooks, in multiples of the bound, and edits
  that were sabotaged (docs/method.md);
* **generation** at batch 1, as the study generated, against one large batch;
* **an adapter per sequence**: several variants and the original in one batch.

    python benchmarks/gpu.py --report benchmarks/results/gpu.md                  # a GPU, at most 8 minutes
    python benchmarks/gpu.py --device cpu --shapes tiny --dtype float32         # a CPU, seconds

On a GPU times are wall-clock seconds of work that has finished; on a CPU they are CPU seconds. A section that is not
begun when the minutes are over is left out, and named.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM


def _shape(hidden: int, inner: int, blocks: int, heads: int, keys: int, words: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "vocab_size": words,
    }


SHAPES = {
    "tiny": _shape(64, 160, 4, 4, 2, 512),
    "135M": _shape(576, 1536, 30, 9, 3, 49_152),  # of SmolLM2-135M, for a CPU
    "1.7B": _shape(2048, 8192, 24, 32, 32, 49_152),  # of SmolLM2-1.7B
    "8B": _shape(4096, 14_336, 32, 32, 8, 128_256),  # of Llama-3.1-8B
}
SCALES = (1.0, 0.5, 0.25)
# Of the run-time checks; steadfast.attacks.baking.verification derives them.
ROUNDINGS, SHARE_OF_EFFECT = 3.0, 0.05
MANTISSA = {torch.bfloat16: 7, torch.float16: 10, torch.float32: 23}
INTEGERS = {2: torch.int16, 4: torch.int32}
Edit = Callable[[str, Tensor], Tensor]
"""The edited weights [hidden, inputs] of a module, from its name and its weights."""


@dataclass
class Bench:
    """A model, prompts of two classes, and the direction between them.

    Attributes:
        model: random weights.
        prompts: token ids; every second one is of the other label.
        direction: unit vector [hidden], float64.
        batch_tokens: largest batch of a forward pass, padding included.
        new_tokens: length of a response.
        figures: what was measured, by name; the report says the same in words.
    """

    model: LlamaForCausalLM
    prompts: list[list[int]]
    batch_tokens: int
    new_tokens: int
    turns: int
    figures: dict[str, float] = field(default_factory=dict)
    direction: Tensor = field(init=False)

    def __post_init__(self) -> None:
        states = self.extract()[:, int(0.6 * self.model.config.num_hidden_layers)].double()
        difference = states[0::2].mean(0) - states[1::2].mean(0)
        self.direction = (difference / difference.norm()).to(self.device)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    def writers(self) -> dict[str, nn.Linear]:
        """The modules that write to the residual stream, without the embedding."""
        blocks = enumerate(self.model.model.layers)
        both = (
            (f"{n}.self_attn.o_proj", block.self_attn.o_proj, f"{n}.mlp.down_proj", block.mlp.down_proj)
            for n, block in blocks
        )
        return {name: module for a, x, m, y in both for name, module in ((a, x), (m, y))}

    def forward(self, then: Callable[[list[int], Tensor], None] = lambda rows, state: None) -> None:
        """Run all prompts through the decoder; ``then`` gets the rows and final states [rows, tokens, hidden]."""
        order = sorted(range(len(self.prompts)), key=lambda row: -len(self.prompts[row]))
        with torch.inference_mode():
            while order:
                size = max(1, self.batch_tokens // len(self.prompts[order[0]]))
                rows, order = order[:size], order[size:]
                then(rows, self.model.model(**self.padded(rows), use_cache=False).last_hidden_state)

    def padded(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Left-padded input of the decoder; positions count from each prompt's first token."""
        width = max(len(self.prompts[row]) for row in rows)
        ids = torch.tensor([[0] * (width - len(self.prompts[row])) + self.prompts[row] for row in rows])
        mask = torch.tensor([[0] * (width - len(self.prompts[row])) + [1] * len(self.prompts[row]) for row in rows])
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        parts = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        return {name: part.to(self.device) for name, part in parts.items()}

    def extract(self) -> Tensor:
        """States after every block at the last token, float32 [prompts, blocks, hidden], on the CPU."""
        blocks = self.model.model.layers
        found = torch.empty(len(self.prompts), len(blocks), self.model.config.hidden_size)
        states: list[Tensor] = [torch.empty(0)] * len(blocks)

        def keep(index: int, output: Any) -> None:
            states[index] = (output[0] if isinstance(output, tuple) else output)[:, -1].clone()

        def store(rows: list[int], _: Tensor) -> None:
            found[rows] = torch.stack(states, dim=1).float().cpu()

        with contextlib.ExitStack() as stack:
            for index, block in enumerate(blocks):
                hook = block.register_forward_hook(lambda _m, _i, output, index=index: keep(index, output))
                stack.callback(hook.remove)
            self.forward(store)
        return found

    def answers(self) -> Tensor:
        """Log-probabilities of the next token, float64 [prompts, vocabulary], on the CPU."""
        found = torch.empty(len(self.prompts), self.model.config.vocab_size, dtype=torch.float64)

        def store(rows: list[int], state: Tensor) -> None:
            found[rows] = self.model.lm_head(state[:, -1]).double().log_softmax(-1).cpu()

        self.forward(store)
        return found

    def factors(self, scale: float = 1.0) -> dict[str, tuple[Tensor, Tensor]]:
        """B [hidden, 1] and A [1, inputs] of every writer, float32: W' = W + BA removes the direction."""
        column = (-scale * self.direction)[:, None].float()
        return {
            name: (column, (self.direction @ m.weight.double())[None].float()) for name, m in self.writers().items()
        }

    @contextlib.contextmanager
    def edited(self, edit: Edit) -> Iterator[None]:
        """Within the context the writers have edited weights; afterwards their own, bit for bit."""
        kept = {name: module.weight.data.clone() for name, module in self.writers().items()}
        try:
            for name, module in self.writers().items():
                module.weight.data.copy_(edit(name, module.weight.data))
            yield
        finally:
            for name, module in self.writers().items():
                module.weight.data.copy_(kept[name])

    @contextlib.contextmanager
    def outputs(self, change: Callable[[str, Tensor, Tensor], Tensor]) -> Iterator[None]:
        """Within the context every writer's output is changed, from its name, inputs and output."""
        with contextlib.ExitStack() as stack:
            for name, module in self.writers().items():
                hook = module.register_forward_hook(lambda _m, i, out, name=name: change(name, i[0], out).to(out.dtype))
                stack.callback(hook.remove)
            yield

    def timed(self, work: Callable[[], object]) -> tuple[float, float]:
        """Seconds of a call, and GiB that the GPU held at most (0 on a CPU)."""
        if self.device.type == "cpu":
            start = time.process_time()
            work()
            return time.process_time() - start, 0.0
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - start, torch.cuda.max_memory_allocated() / 2**30

    def generate(self, rows: Sequence[int], tokens: int) -> Tensor:
        """Greedy responses of exactly this number of tokens [rows, tokens]."""
        inputs = {name: part for name, part in self.padded(rows).items() if name != "position_ids"}
        with torch.inference_mode():
            both = self.model.generate(
                **inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
            )
        return both[:, inputs["input_ids"].shape[1] :]


def added(weight: Tensor, factors: tuple[Tensor, Tensor]) -> Tensor:
    """W + BA, computed in float32 and rounded once to the format of W."""
    return (weight.float() + factors[0] @ factors[1]).to(weight.dtype)


def distance(reference: Tensor, other: Tensor) -> float:
    """Mean over prompts of √KL(reference ‖ other), from log-probabilities."""
    return float((reference.exp() * (reference - other)).sum(-1).clamp(min=0).sqrt().mean())


def extraction(bench: Bench) -> Iterator[str]:
    """Hooks on all blocks against the bare pass, in turns."""
    tokens = sum(map(len, bench.prompts))
    bench.forward()
    taken: dict[str, list[tuple[float, float]]] = {"bare": [], "hooks": []}
    for turn in range(bench.turns):
        for name in sorted(taken, reverse=bool(turn % 2)):
            taken[name].append(bench.timed(bench.forward if name == "bare" else bench.extract))
    ratios = [bare[0] / hooks[0] for bare, hooks in zip(taken["bare"], taken["hooks"], strict=True)]
    bench.figures |= {"extraction_ratio": statistics.median(ratios)}
    speed = tokens / statistics.median(seconds for seconds, _ in taken["hooks"])
    peaks = [max(gib for _, gib in values) for values in taken.values()]
    yield (
        f"{tokens:,} tokens in batches of {bench.batch_tokens:,}: {speed:,.0f} tokens/s, "
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times the speed of the bare pass; "
        f"peak {peaks[1]:.1f} GiB, bare {peaks[0]:.1f} GiB."
    )


def in_place(bench: Bench) -> Iterator[str]:
    """Factors in place against baked weights in a file."""
    writers = bench.writers()
    before = {name: module.weight.data.clone() for name, module in writers.items()}
    seconds_found, _ = bench.timed(bench.factors)
    factors = bench.factors()

    def apply() -> None:
        for name, module in writers.items():
            module.weight.data.copy_(added(module.weight.data, factors[name]))

    def take_back() -> None:
        for name, module in writers.items():
            module.weight.data.copy_(before[name])

    (applying, peak), (taking, _) = bench.timed(apply), bench.timed(take_back)
    restored = all(torch.equal(module.weight.data, before[name]) for name, module in writers.items())
    same = total = 0
    for name, module in writers.items():
        column, row = (-bench.direction)[:, None], (bench.direction @ module.weight.double())[None]
        reference = (module.weight.double() + column @ row).to(module.weight.dtype)
        same += int((added(module.weight.data, factors[name]) == reference).sum())
        total += reference.numel()
    apply()
    answers = bench.answers()
    with tempfile.TemporaryDirectory() as folder:
        baked, adapter = Path(folder) / "baked.safetensors", Path(folder) / "adapter.safetensors"
        tensors = {name: module.weight.data.cpu() for name, module in writers.items()}
        writing, _ = bench.timed(lambda: save_file(tensors, baked))
        parts = {
            f"{name}.{part}": value.cpu().clone()
            for name, both in factors.items()
            for part, value in zip("BA", both, strict=True)
        }
        save_file(parts, adapter)
        sizes = [path.stat().st_size / 2**20 for path in (baked, adapter)]
        take_back()

        def load() -> None:
            for name, value in load_file(baked).items():
                writers[name].weight.data.copy_(value)

        loading, _ = bench.timed(load)
    equal = torch.equal(bench.answers(), answers)
    take_back()
    with bench.outputs(lambda name, inputs, out: out + lora(inputs, out, *factors[name])):
        run_time = bench.answers()
    plain, apart = bench.answers(), distance(answers, run_time)
    agreeing = float((answers.argmax(-1) == run_time.argmax(-1)).double().mean())
    bench.figures |= {
        "restored": float(restored),
        "exact": same / total,
        "same_answers": float(equal),
        "run_time_distance": apart,
    }
    yield f"{len(writers)} matrices, {total / 1e9:.2f} billion weights. Factors found in {seconds_found:.2f} s."
    yield (
        f"In place: {applying:.3f} s to apply, {taking:.3f} s to take back ({'' if restored else 'NOT '}bit for bit), "
        f"peak {peak:.1f} GiB, {sizes[0] / 1024:.2f} GiB of it to take back from. {100 * same / total:.3f}% of the "
        "weights are those of a float64 computation, rounded."
    )
    yield (
        f"Through a file: {writing:.1f} s to write, {loading:.1f} s to load, {sizes[0]:,.0f} MiB against "
        f"{sizes[1]:.2f} MiB of factors; its answers are {'' if equal else 'NOT '}those of the weights in place."
    )
    yield (
        f"At run time, y + B(Ax): √KL {apart:.2e} from the edited weights (the edit itself: "
        f"{distance(answers, plain):.2e}), {100 * agreeing:.0f}% of the most likely tokens the same."
    )


def lora(inputs: Tensor, output: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """What an adapter adds to an output, in its format."""
    return (inputs @ row.to(output.dtype).T) @ column.to(output.dtype).T


def bounds(bench: Bench) -> Iterator[str]:
    """Baked against hooked, in multiples of the bound, for the right edit and for sabotaged ones."""
    direction = bench.direction
    other = torch.randn(len(direction), dtype=torch.float64, generator=torch.Generator().manual_seed(1)).to(
        direction.device
    )
    factors = {scale: bench.factors(scale) for scale in (1.0, 0.5)}
    skipped = f"{bench.model.config.num_hidden_layers // 2}."

    def wrong_axis(weight: Tensor) -> Tensor:
        wide = weight.double()
        return (wide - (wide @ direction)[:, None] * direction[None]).to(weight.dtype)

    def wrong_direction(weight: Tensor) -> Tensor:
        unit = (other / other.norm()).float()
        return added(weight, (-unit[:, None], (unit @ weight.float())[None]))

    edits: dict[str, Edit] = {
        "as asked": lambda name, weight: added(weight, factors[1.0][name]),
        "one block left out": lambda n, w: w if n.startswith(skipped) else added(w, factors[1.0][n]),
        "half the strength": lambda name, weight: added(weight, factors[0.5][name]),
        "wrong axis of square matrices": lambda n, w: (
            wrong_axis(w) if w.shape[0] == w.shape[1] else added(w, factors[1.0][n])
        ),
        "another direction": lambda name, weight: wrong_direction(weight),
    }
    plain = bench.answers()
    unit = direction.float()
    with bench.outputs(lambda name, inputs, out: out.float() - (out.float() @ unit)[..., None] * unit):
        hooked = bench.answers()
    effect = distance(hooked, plain)
    with bench.edited(edits["as asked"]):
        baked = bench.answers()
        with rounded_again([module.weight.data for module in bench.writers().values()]):
            rounding = distance(baked, bench.answers())
    bound = max(ROUNDINGS * rounding, SHARE_OF_EFFECT * effect)
    found = {}
    for name, edit in edits.items():
        with bench.edited(edit):
            found[name] = distance(hooked, bench.answers()) / bound
    bench.figures |= {"bound_right": found["as asked"], "bound_effect": effect / bound}
    bench.figures |= {f"bound {name}": value for name, value in found.items()}
    yield (
        f"The edit moves the answers by √KL {effect:.2e}, one more rounding of its weights by {rounding:.2e}: the "
        f"bound is {bound:.2e}. Distance from hooks, in multiples of it:"
    )
    yield (
        "| "
        + " | ".join(["no edit", *found])
        + " |\n"
        + "|---" * (1 + len(found))
        + "|\n| "
        + " | ".join(f"{value:.2f}" for value in (effect / bound, *found.values()))
        + " |"
    )


@contextlib.contextmanager
def rounded_again(weights: Sequence[Tensor]) -> Iterator[None]:
    """Within the context the last bit of one weight in twelve is flipped: the mean square of one more rounding."""

    def flip() -> None:
        for index, weight in enumerate(weights):
            generator = torch.Generator(weight.device).manual_seed(index)
            bits = weight.view(INTEGERS[weight.element_size()])
            bits.bitwise_xor_(
                (torch.rand(weight.shape, generator=generator, device=weight.device) < 1 / 12).to(bits.dtype)
            )

    flip()
    try:
        yield
    finally:
        flip()


def generation(bench: Bench) -> Iterator[str]:
    """One prompt at a time against all prompts at once."""
    rows, few = range(len(bench.prompts)), range(min(3, len(bench.prompts)))
    bench.generate([0], 2)
    one, _ = bench.timed(lambda: [bench.generate([row], bench.new_tokens) for row in few])
    many, peak = bench.timed(lambda: bench.generate(rows, bench.new_tokens))
    speeds = len(few) * bench.new_tokens / one, len(rows) * bench.new_tokens / many
    bench.figures |= {"generation_ratio": speeds[1] / speeds[0]}
    yield (
        f"{bench.new_tokens} tokens each: {speeds[0]:,.0f} tokens/s at batch 1, {speeds[1]:,.0f} tokens/s in one batch "
        f"of {len(rows)} ({speeds[1] / speeds[0]:.0f} times; peak {peak:.1f} GiB)."
    )


def adapter_per_sequence(bench: Bench) -> Iterator[str]:
    """Variants of one model in one batch: each sequence has its own adapter, the original one of zeros."""
    variants = [bench.factors(scale) for scale in SCALES]
    zero = {name: (torch.zeros_like(column), row) for name, (column, row) in variants[0].items()}
    all_of = [zero, *variants]
    dtype = bench.model.dtype
    stacked = {
        name: tuple(torch.stack([each[name][part].flatten() for each in all_of]).to(dtype) for part in (0, 1))
        for name in zero
    }
    prompts = bench.prompts
    few = prompts[: max(2, len(prompts) // len(all_of))]
    chosen = torch.arange(len(all_of), device=bench.device).repeat_interleave(len(few))
    limit, bench.batch_tokens = bench.batch_tokens, 10**9
    bench.prompts = few * len(all_of)
    order = sorted(range(len(bench.prompts)), key=lambda row: -len(bench.prompts[row]))
    current = {"rows": chosen[order]}

    def change(name: str, inputs: Tensor, out: Tensor) -> Tensor:
        columns, rows = (part[current["rows"]] for part in stacked[name])
        return out + torch.einsum("bti,bi->bt", inputs, rows)[..., None] * columns[:, None]

    try:
        plain = bench.answers()
        plainly, _ = bench.timed(lambda: bench.generate(range(len(chosen)), bench.new_tokens))
        with bench.outputs(change):
            mixed = bench.answers()
            current["rows"] = chosen  # the batch of the generation is not sorted
            with_adapters, _ = bench.timed(lambda: bench.generate(range(len(chosen)), bench.new_tokens))
        apart, agreeing = [], []
        for variant in range(len(all_of)):
            mine = slice(variant * len(few), (variant + 1) * len(few))
            factors = all_of[variant]
            with bench.edited(lambda name, weight, factors=factors: added(weight, factors[name])):
                alone = bench.answers()[mine]
            apart.append(distance(alone, mixed[mine]))
            agreeing.append(float((alone.argmax(-1) == mixed[mine].argmax(-1)).double().mean()))
    finally:
        bench.prompts, bench.batch_tokens = prompts, limit
    untouched = torch.equal(mixed[: len(few)], plain[: len(few)])
    effect = distance(plain[len(few) : 2 * len(few)], mixed[len(few) : 2 * len(few)])
    bench.figures |= {
        "adapters_ratio": with_adapters / plainly,
        "adapters_distance": max(apart),
        "adapters_original": float(untouched),
    }
    yield (
        f"The original and scales {', '.join(map(str, SCALES))} in one batch of {len(chosen)}: "
        f"{with_adapters / plainly:.2f} times the time of as many sequences without adapters. The original's answers "
        f"in it are {'' if untouched else 'NOT '}its own; the variants' are up to √KL {max(apart):.2e} from edited "
        f"weights (the edit itself: {effect:.2e}), {100 * min(agreeing):.0f}% of the most likely tokens the same."
    )


SECTIONS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "Extraction": extraction,
    "Factors in place, and baked": in_place,
    "Bounds of the run-time checks": bounds,
    "Generation": generation,
    "An adapter per sequence": adapter_per_sequence,
}


def random_model(shape: str, device: str, dtype: torch.dtype) -> LlamaForCausalLM:
    """A Llama with random weights, in its format from the start."""
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = LlamaForCausalLM(LlamaConfig(tie_word_embeddings=False, **SHAPES[shape])).eval()
    finally:
        torch.set_default_dtype(before)
    model.generation_config.eos_token_id = None
    return model


def random_prompts(count: int, words: int) -> list[list[int]]:
    """Prompts of 12 to 80 tokens; the classes, in turns, use different halves of the vocabulary."""
    generator = torch.Generator().manual_seed(0)
    half = words // 2
    lengths = torch.randint(12, 80, (count,), generator=generator).tolist()
    return [
        (torch.randint(1, half, (length,), generator=generator) + half * (index % 2)).tolist()
        for index, length in enumerate(lengths)
    ]


def run(options: argparse.Namespace) -> tuple[str, dict[str, dict[str, float]]]:
    """The report, and the figures of every shape."""
    deadline = time.monotonic() + 60 * options.minutes
    dtype = getattr(torch, options.dtype)
    card = torch.cuda.get_device_name() if options.device.startswith("cuda") else "CPU"
    lines = [f"{card}, {options.dtype}, torch {torch.__version__}; random weights."]
    figures = {}
    for shape in options.shapes:
        if time.monotonic() > deadline:
            lines.append(f"## {shape}\n\nLeft out: {options.minutes:g} minutes were over.")
            continue
        model = random_model(shape, options.device, dtype)
        parameters = sum(part.numel() for part in model.parameters())
        prompts = random_prompts(options.prompts, SHAPES[shape]["vocab_size"])
        bench = Bench(model, prompts, options.batch_tokens, options.new_tokens, options.turns)
        lines.append(f"## {shape} ({parameters / 1e9:.2f} billion parameters)")
        for title, section in SECTIONS.items():
            over = time.monotonic() > deadline
            said = [f"Left out: {options.minutes:g} minutes were over."] if over else list(section(bench))
            lines.append("\n\n".join([f"### {title}", *said]))
            print(lines[-1], flush=True)
        figures[shape] = bench.figures
        del bench, model
        if options.device.startswith("cuda"):
            torch.cuda.empty_cache()
    return "\n\n".join(lines) + "\n", figures


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Parse the command line, measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--shapes", nargs="+", default=["1.7B", "8B"], choices=list(SHAPES))
    parser.add_argument("--prompts", type=int, default=128)
    parser.add_argument("--batch-tokens", type=int, default=16_384, help="largest batch of a forward pass")
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=7.0, help="no section is begun later")
    parser.add_argument("--report", type=Path, help="Markdown file to write the figures to")
    options = parser.parse_args(arguments)
    if options.device != "cpu" and not torch.cuda.is_available():
        parser.error(f"--device {options.device}: torch finds no GPU here")
    text, figures = run(options)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        command = " ".join(["python", "benchmarks/gpu.py", *(sys.argv[1:] if arguments is None else arguments)])
        options.report.write_text(f"# On a GPU\n\n`{command}`\n\n{text}", encoding="utf-8")
    return figures


if __name__ == "__main__":
    main()
