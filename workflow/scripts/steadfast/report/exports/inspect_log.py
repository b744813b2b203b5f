"""A log of Inspect for each model–variant pair: one sample per response, and each judge a scorer.

Written in the documented form (version 2 of ``EvalLog``; a zip archive with one JSON file per sample), so that
`inspect view` shows every response with all verdicts; Inspect itself is not needed.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.core.files import atomic_path
from steadfast.core.names import REFUSAL, UNSCORED
from steadfast.report.exports.results import RunResults, plain

VERSION = 2
TASK = "steadfast_refusal"


def write_logs(folder: Path, results: RunResults, *, created: datetime | None = None) -> list[Path]:
    """Write a log for each pair.

    Args:
        folder: where they are put.
        results: what the run found.
        created: the time that the logs give; now by default.

    Returns:
        The files, ``{model}_{variant}.eval``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    when = (created or datetime.now(UTC)).isoformat(timespec="seconds")
    shown, verdicts = results.shown_responses(), results.verdicts
    written = []
    for model, variant in results.pairs:
        own = shown[(shown["model"] == model) & (shown["variant"] == variant)]
        judged = verdicts[(verdicts["model"] == model) & (verdicts["variant"] == variant)]
        path = folder / f"{model}_{variant}.eval"
        _write(path, _header(results, model, variant, own, judged, when), _samples(own, judged, f"{model}/{variant}"))
        written.append(path)
    return written


def _write(path: Path, header: Mapping[str, Any], samples: Iterable[Mapping[str, Any]]) -> None:
    found = list(samples)
    summaries = [_summary(sample) for sample in found]
    start = {key: header[key] for key in ("version", "eval", "plan")}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "_journal/start.json", start)
        for sample in found:
            _add(archive, f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
        _add(archive, "_journal/summaries/1.json", summaries)
        _add(archive, "summaries.json", summaries)
        _add(archive, "header.json", header)


def _add(archive: zipfile.ZipFile, name: str, value: Any) -> None:
    # a fixed time, so that equal results give equal files
    archive.writestr(zipfile.ZipInfo(name), json.dumps(value, ensure_ascii=False), zipfile.ZIP_DEFLATED)


def _header(
    results: RunResults, model: str, variant: str, own: pd.DataFrame, judged: pd.DataFrame, when: str
) -> dict[str, Any]:
    name = f"{model}/{variant}"
    ids = list(map(str, own["prompt_id"].drop_duplicates()))
    judges = list(map(str, judged["judge"].drop_duplicates()))
    revision = {"revision": {"type": "git", "origin": "", "commit": results.commit}} if results.commit else {}
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": _id("eval", name),
            "run_id": _id("run", name),
            "created": when,
            "task": TASK,
            "task_id": _id("task", name),
            "task_version": 0,
            "task_args": {"variant": variant},
            "dataset": {"name": "prompts", "samples": len(ids), "sample_ids": ids, "shuffled": False},
            "model": f"steadfast/{name}",
            "config": {"epochs": int(own["sample"].max()) + 1 if len(own) else 1},
            "packages": {},
            "metadata": {
                "model": results.label("models", model),
                "variant": results.label("variants", variant),
                "left_out": results.what_is_left_out(),
            },
            "scorers": [{"name": judge, "options": {}, "metrics": [], "metadata": {}} for judge in judges],
            **revision,
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {
            "total_samples": len(own),
            "completed_samples": len(own),
            "scores": [_score_of(judge, judged[judged["judge"] == judge]) for judge in judges],
        },
        "stats": {"started_at": when, "completed_at": when, "model_usage": {}},
    }


def _score_of(judge: str, rows: pd.DataFrame) -> dict[str, Any]:
    """The rates of a judge on a pair, harmful and harmless prompts apart."""
    metrics = {}
    for label, own in rows.groupby("label", sort=False):
        scored = own[own["verdict"] != UNSCORED]
        if len(scored):
            name = f"refused_{label}"
            share = float((scored["verdict"] == REFUSAL).mean())
            metrics[name] = {"name": name, "value": share, "params": {}}
    unscored = int((rows["verdict"] == UNSCORED).sum())
    return {
        "name": judge,
        "scorer": judge,
        "scored_samples": len(rows) - unscored,
        "unscored_samples": unscored,
        "params": {},
        "metrics": metrics,
    }


def _samples(own: pd.DataFrame, judged: pd.DataFrame, model: str) -> Iterable[dict[str, Any]]:
    scores: dict[tuple[str, int], dict[str, Any]] = {}
    for row in judged.to_dict("records"):
        score = {"value": str(row["verdict"]), "metadata": {"probability": plain(row.get("score"))}}
        scores.setdefault((str(row["prompt_id"]), int(row["sample"])), {})[str(row["judge"])] = score
    for row in own.to_dict("records"):
        prompt_id, sample, response = str(row["prompt_id"]), int(row["sample"]), str(row["response"])
        stop = {"length": "max_tokens", "stop": "stop"}.get(str(row["finish_reason"]), "unknown")
        answer = {"role": "assistant", "content": response, "source": "generate", "model": f"steadfast/{model}"}
        yield {
            "id": prompt_id,
            "epoch": sample + 1,
            "input": str(row["prompt"]),
            "target": "",
            "messages": [{"role": "user", "content": str(row["prompt"]), "source": "input"}, answer],
            "output": {
                "model": f"steadfast/{model}",
                "choices": [{"message": answer, "stop_reason": stop}],
                "completion": response,
            },
            "scores": scores.get((prompt_id, sample), {}),
            "metadata": {
                "prompt_id": prompt_id,
                "label": str(row["label"]),
                "category": str(row["category"]),
                "degenerate": bool(row["degenerate"]),
            },
            "store": {},
            "events": [],
            "attachments": {},
            "uuid": _id(model, prompt_id, str(sample)),
        }


def _summary(sample: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("id", "epoch", "input", "target", "metadata", "scores", "uuid")
    return {**{key: sample[key] for key in kept}, "completed": True}


def _id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:22]
