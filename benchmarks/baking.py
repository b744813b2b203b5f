"""Time and memory of baking an edit into a large checkpoint, against copying it and against loading and saving it.

A checkpoint of random normal weights in several shards is generated in a temporary folder, and deleted at the
end. In one run, in turns, with the source evicted from the page cache before each:

- `cp -r` of the checkpoint and fsync of the copy,
- `steadfast.attacks.baking.bake` (attention and MLP outputs of all blocks but the first),
- load with transformers, edit in memory, save (once).

    python benchmarks/baking.py --gigabytes 8 --folder /tmp --report benchmarks/results/baking.md
    python benchmarks/baking.py --shape 1.7B --folder /tmp --report benchmarks/results/baking.md

The report has a section for each shape; a run writes its own again and leaves the others. Each of the commands that are
measured runs in a process of its own; peak memory is that process's largest resident set.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from steadfast.attacks.directions import Direction  # noqa: E402
from steadfast.models.checkpoint_files.dtypes import narrow  # noqa: E402
from steadfast.models.checkpoint_files.shards import shard_header  # noqa: E402
from steadfast.models.shards import TensorEntry  # noqa: E402
from steadfast.models.weights import open_checkpoint  # noqa: E402

SHARD_BYTES = 2 * 10**9
EDIT = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output"], "skip_first": 1}

LOAD_EDIT_SAVE = """
import sys, torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
source, direction, target = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(source, dtype="auto")
r = load_file(direction)["directions"][0]
with torch.no_grad():
    for layer in model.model.layers[1:]:
        for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):
            wide = weight.float()
            weight.copy_(wide - torch.outer(r, r @ wide))
model.save_pretrained(target, max_shard_size="2GB")
"""
BAKE = """
import json, sys
sys.path.insert(0, sys.argv[4])
from steadfast.attacks.baking import bake
manifest = bake(sys.argv[1], sys.argv[2], json.loads(sys.argv[5]), sys.argv[3])
assert manifest["effective"], manifest["reason"]
"""


@dataclass(frozen=True)
class Measurement:
    """Wall-clock seconds, CPU seconds and peak resident memory (bytes) of one process and its fsync."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Shape:
    """Dimensions of a Llama model."""

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    intermediate: int
    vocabulary: int
    tied: bool

    @property
    def key_value(self) -> int:
        """Width of the keys and values of a token."""
        return self.hidden // self.heads * self.key_value_heads

    @property
    def block_parameters(self) -> int:
        """Parameters of one block."""
        attention = 2 * self.hidden * (self.hidden + self.key_value)
        return attention + 3 * self.hidden * self.intermediate + 2 * self.hidden

    @property
    def size(self) -> int:
        """Bytes of the checkpoint."""
        embeddings = (1 if self.tied else 2) * self.vocabulary * self.hidden
        return 2 * (embeddings + self.layers * self.block_parameters + self.hidden)

    def of_size(self, gigabytes: float) -> "Shape":
        """The same with the fewest blocks that make a checkpoint of at least this size: two at the least."""
        rest = replace(self, layers=0).size
        blocks = int(np.ceil((gigabytes * 1e9 - rest) / (2 * self.block_parameters)))
        return replace(self, layers=max(2, blocks))

    def config(self) -> dict[str, object]:
        """The configuration of transformers."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "vocab_size": self.vocabulary,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_value_heads,
            "tie_word_embeddings": self.tied,
            "dtype": "bfloat16",
        }


SHAPES = {
    "1.7B": Shape(2048, 24, 32, 32, 8192, 49152, tied=True),  # SmolLM2-1.7B
    "8B": Shape(4096, 32, 32, 8, 14336, 128256, tied=False),  # Llama 3.1 8B
    "14B": Shape(5120, 40, 40, 8, 17408, 151936, tied=False),  # Qwen3 14B
}


def generate(folder: Path, shape: Shape) -> None:
    """Write a Llama checkpoint of random weights, in shards of about two gigabytes."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(shape.config()))
    groups: list[list[TensorEntry]] = [[]]
    for name, sizes in tensor_shapes(shape):
        entry = TensorEntry(name, "BF16", sizes, 0, 2 * int(np.prod(sizes)))
        if sum(other.size for other in groups[-1]) + entry.size > SHARD_BYTES:
            groups.append([])
        groups[-1].append(entry)
    weight_map = {}
    generator = np.random.default_rng(0)
    for number, entries in enumerate(groups, 1):
        shard = f"model-{number:05d}-of-{len(groups):05d}.safetensors"
        header, _ = shard_header(entries, {"format": "pt"})
        with (folder / shard).open("wb") as file:
            file.write(header)
            for entry in entries:
                write_random(file, entry.size // 2, generator)
                weight_map[entry.name] = shard
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def tensor_shapes(shape: Shape) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of a Llama checkpoint's tensors."""
    hidden, intermediate, key_value = shape.hidden, shape.intermediate, shape.key_value
    shapes: list[tuple[str, tuple[int, ...]]] = [("model.embed_tokens.weight", (shape.vocabulary, hidden))]
    for layer in range(shape.layers):
        block = f"model.layers.{layer}."
        shapes += [
            (f"{block}self_attn.q_proj.weight", (hidden, hidden)),
            (f"{block}self_attn.k_proj.weight", (key_value, hidden)),
            (f"{block}self_attn.v_proj.weight", (key_value, hidden)),
            (f"{block}self_attn.o_proj.weight", (hidden, hidden)),
            (f"{block}mlp.gate_proj.weight", (intermediate, hidden)),
            (f"{block}mlp.up_proj.weight", (intermediate, hidden)),
            (f"{block}mlp.down_proj.weight", (hidden, intermediate)),
            (f"{block}input_layernorm.weight", (hidden,)),
            (f"{block}post_attention_layernorm.weight", (hidden,)),
        ]
    head = [] if shape.tied else [("lm_head.weight", (shape.vocabulary, hidden))]
    return [*shapes, ("model.norm.weight", (hidden,)), *head]


def write_random(file: object, count: int, generator: np.random.Generator) -> None:
    """Write bfloat16 values of a normal distribution with standard deviation 0.02."""
    for start in range(0, count, 2**22):
        values = generator.standard_normal(min(2**22, count - start), dtype=np.float32)
        file.write(narrow(values * np.float32(0.02), "BF16").data)  # type: ignore[attr-defined]


def measure(name: str, command: list[str], source: Path, target: Path) -> Measurement:
    """Run a command that makes ``target`` from ``source``, and flush what it wrote to the disk."""
    evict(source)
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed with status {process.returncode}")
    for file in [*target.rglob("*"), target]:
        flush(file)
    seconds = time.perf_counter() - start
    shutil.rmtree(target)
    os.sync()
    found = Measurement(name, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    print(
        f"{name}: {found.seconds:.1f} s, {found.cpu_seconds:.1f} CPU s, peak {found.peak_bytes / 1e9:.2f} GB",
        flush=True,
    )
    return found


def evict(folder: Path) -> None:
    """Drop a folder's files from the page cache, so that every command reads them from the disk."""
    for file in folder.iterdir():
        flush(file)
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def flush(path: Path) -> None:
    """Fsync a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def report(measurements: list[Measurement], size: int, largest: int) -> str:
    """The figures as a table, with the ratios that matter."""
    names = list(dict.fromkeys(found.name for found in measurements))
    best = {name: min((m for m in measurements if m.name == name), key=lambda m: m.seconds) for name in names}
    copy = best["cp -r + fsync"]
    lines = [
        f"Checkpoint of {size / 1e9:.2f} GB in bfloat16, largest tensor {largest / 1e9:.2f} GB, {os.cpu_count()} "
        "cores. Best of the runs; the source was evicted from the page cache before each.",
        "",
        "| | seconds | × copy | GB/s | CPU seconds | peak memory, GB | runs, seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in best.items():
        runs = ", ".join(f"{m.seconds:.1f}" for m in measurements if m.name == name)
        lines.append(
            f"| {name} | {found.seconds:.1f} | {found.seconds / copy.seconds:.2f} | {size / found.seconds / 1e9:.2f} | "
            f"{found.cpu_seconds:.1f} | {found.peak_bytes / 1e9:.2f} | {runs} |"
        )
    limit = 3 * largest + 0.6e9
    lines += ["", f"Limits: 1.5 × the time of the copy; {limit / 1e9:.2f} GB (3 × the largest tensor + 0.6 GB)."]
    return "\n".join(lines) + "\n"


def with_section(text: str, title: str, body: str) -> str:
    """A report in which the section of this title is ``body``; the other sections stay, a new one goes to the end."""
    kept, *sections = f"\n{text.strip()}\n".split("\n## ")
    found = {section.split("\n", 1)[0]: section.split("\n", 1)[1].strip() for section in sections}
    found[title] = body.strip()
    written = "".join(f"\n## {name}\n\n{section}\n" for name, section in found.items())
    return f"{kept.strip() or '# Baking'}\n{written}"


def main() -> None:
    """Parse the command line, measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="8B", help="dimensions of the model")
    parser.add_argument("--gigabytes", type=float, help="least size, in place of the shape's number of blocks")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to work")
    parser.add_argument("--repeats", type=int, default=3, help="runs of copying and of baking")
    parser.add_argument("--skip-loading", action="store_true", help="leave out load-edit-save, which needs much memory")
    parser.add_argument("--report", type=Path, help="Markdown file to write the figures to")
    options = parser.parse_args()
    shape = SHAPES[options.shape]
    if options.gigabytes is not None:
        shape = shape.of_size(options.gigabytes)
    free = shutil.disk_usage(options.folder).free
    needed = 2.1 * shape.size  # the source and one copy at a time
    if free < needed:
        raise SystemExit(f"{options.folder} has {free / 1e9:.0f} GB free; {needed / 1e9:.0f} GB are needed")
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="baking-") as name:
        folder = Path(name)
        source, target, direction = folder / "source", folder / "target", folder / "direction.safetensors"
        generate(source, shape)
        vector = np.random.default_rng(1).standard_normal(shape.hidden)
        Direction((vector / np.linalg.norm(vector))[None].astype(np.float32), method="random").save(direction)
        sizes = [entry.size for entry in open_checkpoint(source).entries.values()]
        copy = ["cp", "-r", str(source), str(target)]
        paths = [str(source), str(direction), str(target)]
        bake = [sys.executable, "-c", BAKE, *paths, str(ROOT / "workflow/scripts"), json.dumps(EDIT)]
        found = []
        for _ in range(options.repeats):
            found.append(measure("cp -r + fsync", copy, source, target))
            found.append(measure("bake", bake, source, target))
        if not options.skip_loading:
            found.append(measure("load, edit, save", [sys.executable, "-c", LOAD_EDIT_SAVE, *paths], source, target))
        text = report(found, sum(sizes), max(sizes))
    print(text)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        old = options.report.read_text() if options.report.is_file() else ""
        command = " ".join(["python", "benchmarks/baking.py", *sys.argv[1:]])
        title = f"{options.shape}, {shape.layers} blocks"
        options.report.write_text(with_section(old, title, f"`{command}`\n\n{text}"))


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
