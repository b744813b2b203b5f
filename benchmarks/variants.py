"""A sweep of edits of one model: a process and a baked checkpoint for each, against one process and edits as factors.

    python benchmarks/variants.py --model MODEL --direction FILE --prompts PROMPTS [--engine vllm] [--report FILE]

The same sweep over scales is done in both ways, in turns: *separately*, every variant is baked and answered for by a
process of its own; *together*, every edit is kept as factors and one process answers for all. Both write response
tables, which are compared. Then the two ways of running an edit in a 16-bit format, a baked checkpoint and a LoRA
adapter, are compared with a float64 reference.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow/scripts"))
SETTINGS = {"max_new_tokens": 32}


def separately(task: dict[str, Any]) -> None:
    """One variant, in this process."""
    import pandas as pd

    from steadfast.attacks.baking import bake
    from steadfast.generation.responses import generate_responses

    bake(task["model"], task["direction"], task["edit"], task["directory"])
    prompts = pd.read_parquet(task["prompts"])
    table = generate_responses(task["directory"], prompts, settings=SETTINGS, engine=task["engine"], **task["machine"])
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
        settings=SETTINGS,
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

    exact = load_model(task["model"], dtype="float32").double()
    for name, update in load_updates(folder / "factors" / FILE).items():
        weight = exact.get_parameter(name)
        change = torch.from_numpy(update.factors[0].left @ update.factors[0].right)
        weight.data -= change if update.matrices.rows_are_outputs else change.T
    reference = log_probabilities(exact)
    del exact
    stored = str(load_model(task["model"]).dtype).removeprefix("torch.")
    adapted = PeftModel.from_pretrained(load_model(task["model"], dtype=stored), folder / "adapter")
    found = {
        "baked": log_probabilities(load_model(folder / "baked", dtype=stored)),
        "adapter": log_probabilities(adapted),
        "original": log_probabilities(load_model(task["model"], dtype=stored)),
    }
    return {
        "format": stored,
        "prompts": len(prompts),
        **{
            name: {
                "kl": float((reference.exp() * (reference - rows)).sum(dim=-1).mean()),
                "same_token": float((rows.argmax(dim=-1) == reference.argmax(dim=-1)).double().mean()),
            }
            for name, rows in found.items()
        },
    }


def timed(kind: str, work: Any) -> float:
    """Seconds of a process that does some work."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, __file__, "--job", kind],
        input=json.dumps(work),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


def size(directory: Path) -> int:
    """Bytes below a directory."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--model", help="model directory")
    parser.add_argument("--direction", help="direction file")
    parser.add_argument("--prompts", help="prompt table (Parquet) of a run")
    parser.add_argument("--count", type=int, default=10, help="prompts of each label")
    parser.add_argument("--points", type=int, default=10, help="scales of the sweep")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--engine", choices=["transformers", "vllm"], default="transformers")
    parser.add_argument("--vllm-python", default=str(ROOT / ".venv-vllm/bin/python"))
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    if options.job:
        work = json.load(sys.stdin)
        done = {"separately": separately, "together": together, "agreement": agreement}[options.job](work)
        if done is not None:
            Path(work["folder"], "agreement.json").write_text(json.dumps(done))
        return
    measure(options)


def measure(options: argparse.Namespace) -> None:
    """Run both ways in turns and print the comparison."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prompts = pd.read_parquet(options.prompts)
        prompts = prompts[prompts["split"] == "evaluation"].groupby("label").head(options.count)
        prompts.to_parquet(folder / "prompts.parquet")
        machine = {"vllm_python": options.vllm_python} if options.engine == "vllm" else {"device": "cpu"}

        def task(point: int, way: str) -> dict[str, Any]:
            (folder / way).mkdir(exist_ok=True)
            return {
                "name": f"scale{point}",
                "model": options.model,
                "direction": options.direction,
                "edit": {"method": "orthogonalize", "scale": (point + 1) / options.points},
                "directory": str(folder / way / f"variant{point}"),
                "output": str(folder / way / f"variant{point}.parquet"),
                "prompts": str(folder / "prompts.parquet"),
                "engine": options.engine,
                "machine": machine,
            }

        seconds: dict[str, list[float]] = {"separately": [], "together": []}
        for _ in range(options.rounds):
            shutil.rmtree(folder / "together" / "cache", ignore_errors=True)
            seconds["separately"].append(
                sum(timed("separately", task(point, "separately")) for point in range(options.points))
            )
            seconds["together"].append(timed("together", [task(point, "together") for point in range(options.points)]))
        pairs = [
            (pd.read_parquet(task(point, way)["output"])["response"].tolist() for way in seconds)
            for point in range(options.points)
        ]
        same = sum(first == second for pair in pairs for first, second in zip(*pair, strict=True))
        disk = {
            way: sum(size(Path(task(point, way)["directory"])) for point in range(options.points)) for way in seconds
        }
        work = {**task(options.points - 1, "agreement"), "folder": str(folder / "agreement")}
        timed("agreement", work)
        found = json.loads((folder / "agreement" / "agreement.json").read_text())
    ratios = [first / second for first, second in zip(*seconds.values(), strict=True)]
    lines = [
        f"{options.points} scales, {len(prompts)} prompts, {SETTINGS['max_new_tokens']} new tokens, {options.engine}",
        f"separately {min(seconds['separately']):.0f} s, together {min(seconds['together']):.0f} s: "
        f"{min(ratios):.1f} to {max(ratios):.1f} times faster",
        f"disk: {disk['separately'] / 1e6:.0f} MB against {disk['together'] / 1e6:.1f} MB",
        f"identical responses: {same} of {options.points * len(prompts)}",
        f"against a float64 reference, in {found['format']}, mean KL of next tokens and share of equal ones "
        f"({found['prompts']} prompts):",
        *(
            f"  {way}: {found[way]['kl']:.2e}, {found[way]['same_token']:.2f}"
            for way in ("baked", "adapter", "original")
        ),
    ]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.report:
        options.report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
