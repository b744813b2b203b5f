"""Variants of one model judge their own responses, in one process that loads the model's weights once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.core.files import read_table, sha256_file, write_table
from steadfast.core.integrity import content_hash
from steadfast.core.result_cache import ResultCache
from steadfast.judges.cached import judge_cached
from steadfast.judges.control_responses import control_table, draw_control
from steadfast.judges.interface import build_judge, cases_of, verdict_table

# machine settings do not change verdicts
MACHINE = frozenset({"device", "batch_tokens", "checkpoint", "direction", "prompt"})


@dataclass(frozen=True)
class OwnResponses:
    """One variant that judges its own responses.

    Attributes:
        variant: name of the variant.
        judge: arguments of the judge: ``kind``, ``checkpoint`` and its settings.
        responses: its response table.
        judgments: path of the table of judgments to write.
        control: path of the table of judgments of control responses to write; None for none.
        code: digest of the code that its verdicts depend on.
    """

    variant: str
    judge: Mapping[str, Any]
    responses: str
    judgments: str
    control: str | None = None
    code: str = ""


def judge_own_responses(
    variants: Sequence[OwnResponses],
    sources: Sequence[tuple[str, str, str]],
    prompts: pd.DataFrame,
    *,
    files: Sequence[str],
    cache: str | Path,
    size: int,
    seed: int,
    **machine: Any,
) -> None:
    """Variants of one model judge their own responses and the same control responses of another model.

    A variant without a valid direction was not changed; it has no responses and judges nothing.

    Args:
        variants: the judging variants.
        sources: model, variant and response table of each model–variant pair that control responses are drawn from.
        prompts: the prompt table.
        files: resource files that the judge reads, such as its prompt template.
        cache: directory of the verdict cache.
        size: number of control responses.
        seed: seed of their sampling.
        machine: further arguments of every judge that do not change verdicts, such as ``device``.
    """
    # torch is imported only if a model runs
    from steadfast.models.resident import resident_model

    tables = [(model, variant, read_table(path)) for model, variant, path in sources]
    control = draw_control(tables, prompts, size=size, seed=seed) if tables else []
    resources = [sha256_file(file) for file in files]
    with ResultCache(cache) as kept, resident_model():
        for variant in variants:
            print(f"{variant.variant}:", flush=True)
            own = cases_of(read_table(variant.responses), prompts)
            drawn = control if own and variant.control else []
            judge = build_judge({**variant.judge, **machine})
            verdicts = judge_cached(
                judge, [*own, *(item.case for item in drawn)], {**identity_of(variant), "files": resources}, kept
            )
            write_table(variant.judgments, verdict_table(own, verdicts[: len(own)]))
            if variant.control:
                write_table(variant.control, control_table(drawn, verdicts[len(own) :]))


def identity_of(variant: OwnResponses) -> dict[str, Any]:
    """Inputs of a variant's verdicts, in addition to the cases and the judge's files."""
    judge = variant.judge
    settings = {key: value for key, value in judge.items() if key not in MACHINE}
    return {
        "settings": settings,
        "code": variant.code,
        "checkpoint": content_hash(judge["checkpoint"]),
        "direction": sha256_file(judge["direction"]) if judge.get("direction") else None,
    }
