"""A sweep of edits of one model: a process and a baked checkpoint for each, against one process and edits as factors.

    python benchmarks/variants.py --model MODEL --engine vllm --report benchmarks/results/variants.md

The same sweep over scales of the default grid's abliteration is done in both ways, in turns: *separately*, every
variant is baked and answered for by a process of its own; *together*, every edit is kept as factors and one process
answers for all. Both write response tables, which are compared. Then the two ways of running an edit, a baked
checkpoint and a LoRA adapter, are compared with a float64 reference in the format in which the model is stored.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "benchmarks")]
CONFIG = "config/config.yaml"
WAYS = ("separately", "together")
AGAINST_REFERENCE = ("baked", "adapter", "original")


def prepare(task: dict[str, Any]) -> None:
    """The direction of the default grid's abliteration, and some of its evaluation prompts."""
    from steadfast.attacks.activations import extract_activations
    from steadfast.attacks.direction_search.search import find_direction
    from steadfast.config.checks import prepare as complete
    from steadfast.prompts.table import build_prompt_table

    config = complete(yaml.safe_load(Path(CONFIG).read_text(encoding="utf-8")))
    settings = dict(config["prompts"])
    classes = {label: settings.pop(label) for label in ("harmful", "harmless")}
    prompts = build_prompt_table(classes, seed=config["seed"], **settings).prompts
    activations = extract_activations(task["model"], prompts[prompts["split"] == "calibration"], device="cpu")
    found = find_direction(config["variants"]["abliterated"]["direction"], activations, seed=config["seed"])
    found.save(task["direction"])
    evaluated = prompts[prompts["split"] == "evaluation"].groupby("label").head(task["prompts_per_label"])
    evaluated.to_parquet(task["prompts"])


def separately(task: dict[str, Any]) -> None:
    """One variant, in this process."""
    import pandas as pd

    from steadfast.attacks.baking import bake
    from steadfast.generation.responses import generate_responses

    bake(task["model"], task["direction"], task["edit"], task["directory"])
    prompts = pd.read_parquet(task["prompts"])
    table = generate_responses(
        task["directory"], prompts, settings=task["settings"], engine=task["engine"], **task["machine"]
    )
    table.to_parquet(task["output"])


def together(tasks: list[dict[str, Any]]) -> None:
    """All variants, in this process."""
    import pandas as pd

    from steadfast.attacks.baking import keep_factors
    from steadfast.generation.variants import VariantResponses, write_variant_responses

    for task in tasks:
        keep_factors(task["model"], task["direction"], task["edit"], task["directory"])
    first = tasks[0]
    write_variant_responses(
        [VariantResponses(task["name"], task["directory"], task["output"]) for task in tasks],
        pd.read_parquet(first["prompts"]),
        engine=first["engine"],
        dtype="auto",
        cache=Path(first["output"]).with_name("cache"),
        machine=first["machine"],
        settings=first["settings"],
    )


def agreement(task: dict[str, Any]) -> dict[str, Any]:
    """Baked checkpoint and adapter in the stored format, against the edit in float64."""
    import pandas as pd
    import torch
    from peft import PeftModel

    from steadfast.attacks.baking import bake, keep_factors
    from steadfast.attacks.baking.adapter_export import export_adapter
    from steadfast.models.chat import encode_chat, user_message
    from steadfast.models.checkpoint_files.stored_updates import FILE, load_updates
    from steadfast.models.loading import load_model, load_tokenizer

    folder = Path(task["folder"])
    bake(task["model"], task["direction"], task["edit"], folder / "baked")
    keep_factors(task["model"], task["direction"], task["edit"], folder / "factors")
    export_adapter(folder / "factors", folder / "adapter", "base")
    texts = pd.read_parquet(task["prompts"])["text"]
    prompts = encode_chat(load_tokenizer(task["model"]), [user_message(text) for text in texts])

    def log_probabilities(model: Any) -> Any:
        with torch.inference_mode():
            rows = [model(torch.tensor([prompt])).logits[0, -1].double() for prompt in prompts]
        return torch.log_softmax(torch.stack(rows), dim=-1)

    def responses(model: Any) -> list[list[int]]:
        limits = {"max_new_tokens": task["settings"]["max_new_tokens"], "do_sample": False}
        given = (torch.tensor([prompt]) for prompt in prompts)
        return [
            model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **limits)[0].tolist() for ids in given
        ]

    def answers(model: Any) -> tuple[Any, list[list[int]]]:
        return log_probabilities(model), responses(model)

    exact = load_model(task["model"], dtype="float32").double()
    for name, update in load_updates(folder / "factors" / FILE).items():
        weight = exact.get_parameter(name)
        change = torch.from_numpy(update.factors[0].left @ update.factors[0].right)
        weight.data -= change if update.matrices.rows_are_outputs else change.T
    reference, greedy = answers(exact)
    del exact
    stored = str(load_model(task["model"]).dtype).removeprefix("torch.")
    adapted = PeftModel.from_pretrained(load_model(task["model"], dtype=stored), folder / "adapter")
    found = {
        "baked": answers(load_model(folder / "baked", dtype=stored)),
        "adapter": answers(adapted),
        "original": answers(load_model(task["model"], dtype=stored)),
    }
    return {
        "format": stored,
        "prompts": len(prompts),
        **{
            name: {
                "kl": float((reference.exp() * (reference - rows)).sum(dim=-1).mean()),
                "same_token": float((rows.argmax(dim=-1) == reference.argmax(dim=-1)).double().mean()),
                "same_responses": sum(one == other for one, other in zip(texts, greedy, strict=True)),
            }
            for name, (rows, texts) in found.items()
        },
    }


JOBS = {"prepare": prepare, "separately": separately, "together": together, "agreement": agreement}


def timed(kind: str, work: Any) -> tuple[float, float]:
    """Seconds of the clock and of processors that a process takes for some work."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, __file__, "--job", kind],
        input=json.dumps(work),
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def size(directories: Sequence[Path]) -> int:
    """Bytes below directories."""
    return sum(file.stat().st_size for directory in directories for file in directory.rglob("*") if file.is_file())


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", choices=list(JOBS), help=argparse.SUPPRESS)
    parser.add_argument("--model", help="model directory")
    parser.add_argument("--engine", choices=["transformers", "vllm"], default="transformers")
    parser.add_argument("--points", type=int, default=10, help="scales of the sweep")
    parser.add_argument("--count", type=int, default=4, help="prompts of each label")
    parser.add_argument("--tokens", type=int, default=32, help="new tokens of each response")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--vllm-python", default=str(ROOT / ".venv-vllm/bin/python"))
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    if not options.job and not (options.model and Path(options.model).is_dir()):
        parser.error(f"--model must be a model directory, not {options.model!r}")
    if options.job:
        work = json.load(sys.stdin)
        done = JOBS[options.job](work)
        if done is not None:
            Path(work["folder"], "agreement.json").write_text(json.dumps(done))
        return
    with tempfile.TemporaryDirectory() as folder:
        text = measured(options, Path(folder))
    print(text)
    if options.report:
        from pages import put_section

        put_section(options.report, f"A sweep over {options.points} scales, {options.engine}", text)


def measured(options: argparse.Namespace, folder: Path) -> str:
    """Run both ways in turns; the comparison as Markdown."""
    import pandas as pd
    from pages import command

    tasks = {way: [task(options, folder, point, way) for point in range(options.points)] for way in WAYS}
    first = tasks["together"][0]
    timed("prepare", {**first, "prompts_per_label": options.count})
    rounds: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        shutil.rmtree(folder / "together" / "cache", ignore_errors=True)
        apart = [timed("separately", each) for each in tasks["separately"]]
        rounds["separately"].append((sum(wall for wall, _ in apart), sum(cpu for _, cpu in apart)))
        rounds["together"].append(timed("together", tasks["together"]))
    tables = {way: [pd.read_parquet(each["output"])["response"].tolist() for each in tasks[way]] for way in WAYS}
    pairs = [pair for both in zip(*tables.values(), strict=True) for pair in zip(*both, strict=True)]
    disk = {way: size([Path(each["directory"]) for each in tasks[way]]) for way in WAYS}
    timed("agreement", {**first, "edit": tasks["together"][-1]["edit"], "folder": str(folder / "agreement")})
    found = json.loads((folder / "agreement" / "agreement.json").read_text())
    best = {way: [min(column) for column in zip(*rounds[way], strict=True)] for way in WAYS}
    wall, cpu = (best["separately"][index] / best["together"][index] for index in (0, 1))
    starts = {"separately": options.points, "together": 1}
    lines = [
        command("variants.py", [Path(each).name if each == options.model else each for each in sys.argv[1:]]),
        "",
        f"{len(pairs) // options.points} prompts, {options.tokens} new tokens each; including the edits.",
        "",
        "| | starts | s | CPU-s | MB written |",
        "|---|---|---|---|---|",
        *(
            f"| {way} | {starts[way]} | {best[way][0]:.0f} | {best[way][1]:.0f} | {disk[way] / 1e6:,.1f} |"
            for way in WAYS
        ),
        "",
        f"Together, the sweep is {wall:.1f} times as fast and takes {cpu:.1f} times fewer CPU-seconds. "
        f"Identical responses: {sum(one == other for one, other in pairs)} of {len(pairs)}.",
        "",
        f"Scale 1 in {found['format']} compared with the edit in float64, {found['prompts']} prompts:",
        "",
        "| | mean KL of next tokens | same next token | same greedy responses |",
        "|---|---|---|---|",
        *(
            f"| {way} | {found[way]['kl']:.2e} | {found[way]['same_token']:.0%} | {found[way]['same_responses']} |"
            for way in AGAINST_REFERENCE
        ),
    ]
    return "\n".join(lines)


def task(options: argparse.Namespace, folder: Path, point: int, way: str) -> dict[str, Any]:
    """What one variant's process is given."""
    (folder / way).mkdir(exist_ok=True)
    return {
        "name": f"scale{point}",
        "model": str(Path(options.model).resolve()),
        "direction": str(folder / "direction.safetensors"),
        "edit": {"method": "orthogonalize", "scale": (point + 1) / options.points},
        "directory": str(folder / way / f"variant{point}"),
        "output": str(folder / way / f"variant{point}.parquet"),
        "prompts": str(folder / "prompts.parquet"),
        "settings": {"max_new_tokens": options.tokens},
        "engine": options.engine,
        "machine": {"vllm_python": options.vllm_python} if options.engine == "vllm" else {"device": "cpu"},
    }


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
