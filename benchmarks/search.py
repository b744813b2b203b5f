"""Our search against Heretic's own on one model: refusals against divergence, seconds of a trial and peak memory.

    python benchmarks/search.py --model MODEL --prompts PROMPTS --heretic PYTHON [--trials 20] [--seeds 0 1 2]

MODEL is a checkpoint directory, PROMPTS a prompt table of the workflow, PYTHON an interpreter that has heretic-llm,
which is called as it is (``benchmarks/search_heretic.py``). Both searches find directions in the same calibration
prompts, screen as many trials on the first of these, and begin with as many trials that nothing is learned for: random
ones of Heretic's, an opening of ours. The fronts that they present are then measured on the evaluation prompts by the
same judge and divergence. Seconds are those of a whole search: loading, directions, trials, and what each does to
present its front, divided by the number of trials.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "benchmarks")]
TOKENS, SCREENED, RANDOM = 48, 24, 15
JUDGES: dict[str, dict[str, str]] = {
    "regex": {"kind": "regex", "patterns": str(ROOT / "resources/prompts/judges/refusal_phrases.yaml")},
    "grammar": {"kind": "grammar"},
}
OURS, HERETIC = "ours", "heretic"
Row = dict[str, Any]


def search(task: dict[str, Any]) -> None:
    """Our search, in this process; the front of its finalists is saved as edited checkpoints."""
    import pandas as pd

    from steadfast.analysis.attack_search.searching import search_attack
    from steadfast.attacks.activations import extract_activations
    from steadfast.attacks.baking import write_edited
    from steadfast.attacks.direction_search.refusal_score import ModelAccess
    from steadfast.attacks.search.pareto import fronts
    from steadfast.attacks.search.searched_directions import Directions
    from steadfast.attacks.search.settings import SearchSettings
    from steadfast.attacks.search.space import Space
    from steadfast.judges.interface import build_scorer

    folder = Path(task["folder"])
    prompts = pd.read_parquet(task["prompts"]).query("split == 'calibration'")
    settings = SearchSettings.read({"trials": task["trials"], "screening_prompts": SCREENED, "seed": task["seed"]})
    began = time.perf_counter()
    activations = extract_activations(task["model"], prompts, system_prompt=task["system_prompt"])
    choice = search_attack(
        settings,
        activations,
        ModelAccess(task["model"], prompts, system_prompt=task["system_prompt"]),
        judge=build_scorer(JUDGES[task["judge"]]),
        sampling={"max_new_tokens": TOKENS},
        thinking_markers=None,
        degenerate=0.2,
        seed=0,
        journal=folder / "trials.journal",
        code="benchmark",
    )
    measured = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time()}
    table = choice.direction.selection
    shown = table[table["finalist"] & table["over_scored"].notna()]
    places = list(zip(shown["refused"] / shown["scored"], shown["divergence"], strict=True))
    space, directions = Space(settings, activations.depth), Directions(activations, 0)
    front = []
    # the column has a gap, for the original, and so decimals
    shown = shown.astype({"count": int})
    for row in shown[[number == 0 for number in fronts(places)]].to_dict("records"):
        file = folder / f"trial-{row['trial']}.safetensors"
        directions.at(row).save(file)
        front.append({"trial": row["trial"], "directory": str(folder / f"trial-{row['trial']}")})
        write_edited(task["model"], file, space.edit(row), front[-1]["directory"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"front": front, **measured, "peak_mib": peak}
    (folder / "found.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def measure(task: Row, front: list[Row]) -> list[Row]:
    """Refusals and divergence of edited models on evaluation prompts, the original's first."""
    import pandas as pd

    from steadfast.attacks.direction_search.refusal_score import ModelAccess
    from steadfast.attacks.search.screening import along_responses, divergence_along
    from steadfast.generation.responses import generate_responses
    from steadfast.judges.interface import build_scorer, cases_of
    from steadfast.models.continuations import answer_tokens

    prompts = pd.read_parquet(task["prompts"]).query("split == 'evaluation'")
    harmful, harmless = (prompts[prompts["label"] == label] for label in ("harmful", "harmless"))
    judge = build_scorer(JUDGES[task["judge"]])
    speaking = {"settings": {"max_new_tokens": TOKENS}, "system_prompt": task["system_prompt"]}

    def access_to(directory: str) -> ModelAccess:
        return ModelAccess(directory, prompts, system_prompt=task["system_prompt"])

    said = generate_responses(task["model"], harmless, **speaking)["response"].tolist()
    access = access_to(task["model"])
    encoded = access.encode(harmless["prompt_id"].tolist())
    tokens = [answer_tokens(access.tokenizer, text, ids) for text, ids in zip(said, encoded, strict=True)]
    along = along_responses(access, encoded, tokens)
    rows = []
    for one in [{"trial": "original", "directory": task["model"]}, *front]:
        responses = generate_responses(one["directory"], harmful, **speaking)
        verdicts = judge.score([cases_of(responses, prompts)])[0]
        refused = sum(verdict.verdict == "refusal" for verdict in verdicts)
        moved = divergence_along(access_to(one["directory"]), along)
        rows.append({"trial": one["trial"], "refused": refused, "of": len(verdicts), "kl": round(moved, 4)})
    return rows


def run(command: list[str], task: Row) -> Row:
    """Run one search in a process of its own and measure its front, whose checkpoints are then removed."""
    folder = Path(task["folder"])
    folder.mkdir(parents=True)
    (folder / "task.json").write_text(json.dumps(task, default=str), encoding="utf-8")
    subprocess.run([*command, str(folder / "task.json")], check=True)
    found: Row = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    # a model that is measured must not be in the memory of one that searches, and the judge is the same for both
    found["rows"] = measure(task, found.pop("front"))
    shutil.rmtree(folder)
    return found


def covered(ours: list[Row], theirs: list[Row]) -> int:
    """Edits of the other front at whose divergence, or below it, one of ours leaves no more refusals."""
    return sum(
        any(own["kl"] <= row["kl"] and own["refused"] <= row["refused"] for own in ours[1:]) for row in theirs[1:]
    )


def section(found: dict[str, Row], task: Row) -> str:
    """One seed of one model as Markdown."""
    lines = [
        f"{task['trials']} trials each, {min(RANDOM, task['trials'])} of them before the sampler, screened on "
        f"{SCREENED} calibration prompts of each label; {TOKENS} new tokens; judge of the fronts: {task['judge']}. "
        "CPU-seconds and seconds per trial are those of the whole search.",
        "",
        "| search | CPU-seconds per trial | seconds per trial | peak memory, MiB |",
        "|---|---|---|---|",
    ]
    for name, one in found.items():
        each = [one[key] / task["trials"] for key in ("cpu_seconds", "seconds")]
        lines.append(f"| {name} | {each[0]:.1f} | {each[1]:.1f} | {one['peak_mib']:,.0f} |")
    lines += ["", "| search | trial | refused, evaluation | KL, nats per token |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {row['trial']} | {row['refused']} of {row['of']} | {row['kl']:.4f} |"
        for name, one in found.items()
        for row in sorted(one["rows"], key=lambda row: row["kl"])
        if row["trial"] != "original" or name == OURS
    ]
    ours, theirs = (found[name]["rows"] for name in (OURS, HERETIC))
    lines += [
        "",
        f"Of {len(theirs) - 1} edits of Heretic's front, {covered(ours, theirs)} leave no fewer refusals than one of "
        f"ours at the same KL or less; of our {len(ours) - 1}, {covered(theirs, ours)} leave no fewer than one of "
        "Heretic's.",
    ]
    return "\n".join(lines)


def prompt_files(prompts: str, home: Path) -> dict[str, str]:
    """Text files of the calibration prompts, all and those of the screening; by Heretic's names of the labels."""
    import pandas as pd

    calibration = pd.read_parquet(prompts).query("split == 'calibration'")
    files = {}
    for name, label in (("bad", "harmful"), ("good", "harmless")):
        texts = calibration.loc[calibration["label"] == label, "text"].tolist()
        for key, chosen in ((name, texts), (f"{name}_screened", texts[:SCREENED])):
            files[key] = str(home / f"{key}.txt")
            (home / f"{key}.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")
    return files


def main() -> None:
    """Run both searches with every seed, print what came out and optionally write it into the page."""
    if len(sys.argv) == 3 and sys.argv[1] == "--task":
        search(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "prompts", "heretic"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--label", default="A model", help="what the page calls the model")
    parser.add_argument("--system-prompt", help="system turn of both; Heretic always has one")
    parser.add_argument("--judge", choices=JUDGES, default="regex", help="of our finalists, and of both fronts")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    if not Path(options.model).is_dir():
        parser.error(f"--model must be a model directory, not {options.model!r}")
    searches = {
        OURS: [sys.executable, __file__, "--task"],
        HERETIC: [options.heretic, str(Path(__file__).with_name("search_heretic.py"))],
    }
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        task: Row = {name: getattr(options, name) for name in ("model", "prompts", "trials", "system_prompt", "judge")}
        task |= {**prompt_files(options.prompts, home), "random": min(RANDOM, options.trials)}
        task |= {"batch": SCREENED, "tokens": TOKENS}
        for seed in options.seeds:
            found = {}
            for name, command in searches.items():
                found[name] = run(command, {**task, "seed": seed, "folder": str(home / f"{name}-{seed}")})
                print(json.dumps({"search": name, "seed": seed, **found[name]}), flush=True)
            text = section(found, task)
            print(text, flush=True)
            if options.report:
                from pages import put_section

                put_section(options.report, f"{options.label}, seed {seed}", text)


if __name__ == "__main__":
    from steadfast.core.command_line import run_command_line

    run_command_line(main)
