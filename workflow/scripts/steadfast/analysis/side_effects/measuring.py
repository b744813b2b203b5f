"""Measuring model–variant pairs: every model is loaded once for all measures, and scores are cached.

A job may cover many variants, since starting a process per variant would cost more than measuring a tiny model. Scores
are cached under a key that covers everything they depend on: when a variant is added, the job runs again, but only the
new variant and its original are loaded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.analysis.side_effects import WEIGHTS, Score, build_measure
from steadfast.analysis.side_effects.scores import score_table, scores_from_json, scores_to_json
from steadfast.core.code_digest import code_digest
from steadfast.core.files import read_json, read_table, sha256_file
from steadfast.core.integrity import content_hash
from steadfast.core.names import ORIGINAL
from steadfast.core.progress import Progress
from steadfast.core.result_cache import ResultCache, request_key
from steadfast.models.edited import MANIFEST
from steadfast.models.number_format import AUTO, running_format


@dataclass(frozen=True)
class MeasuredVariant:
    """One model–variant pair to measure.

    Attributes:
        model: name of the model.
        variant: name of the variant.
        original: directory of the original model.
        checkpoint: directory of the model–variant pair's checkpoint.
        responses: response table of the original.
        chat: chat settings of the model: fields of ``steadfast.attacks.direction_search.refusal_score.ModelAccess``.
        direction: file of the variant's direction, or None.
        edit: the ``edit`` entry of the variant; None if the configuration has none.
        edit_file: file of the edit that the workflow has selected, or None.
        intervention: its ``intervention`` entry, or None.
        decoding: its ``decoding`` entry, or None.
        greedy_responses: response table of the pair itself if decoding was greedy, or None.
    """

    model: str
    variant: str
    original: str
    checkpoint: str
    responses: str
    chat: Mapping[str, Any]
    direction: str | None = None
    edit: Mapping[str, Any] | None = None
    edit_file: str | None = None
    intervention: Mapping[str, Any] | None = None
    decoding: Mapping[str, Any] | None = None
    greedy_responses: str | None = None


def measure_variants(
    pairs: Sequence[MeasuredVariant],
    prompts: pd.DataFrame,
    measures: Mapping[str, Mapping[str, Any]],
    *,
    files: Sequence[str] = (),
    store: str | Path,
    **machine: Any,
) -> Iterator[tuple[MeasuredVariant, pd.DataFrame]]:
    """Measure model–variant pairs, model by model.

    A variant with a decoding rule has no scores, since its weights do not determine its responses.

    Args:
        pairs: pairs to measure; all variants of a model must be adjacent.
        prompts: the prompt table.
        measures: settings of measures that need the weights, by name.
        files: additional files that measures read.
        store: directory of the score cache.
        machine: ``device`` and ``batch_tokens`` of ``steadfast.attacks.direction_search.refusal_score.ModelAccess``.

    Yields:
        Each model–variant pair with its scores, a table from ``score_table``.
    """
    built = {name: build_measure(WEIGHTS, name, settings) for name, settings in measures.items()}
    shared = {
        "prompts": _digest_of(prompts[prompts["split"] == "evaluation"]),
        "files": {file: sha256_file(file) for file in files},
    }
    groups = [list(variants) for _, variants in groupby(pairs, key=lambda pair: pair.model)]
    with ResultCache(store) as kept:
        asked = [
            {
                (pair.variant, name): {
                    "measure": name,
                    "settings": dict(measures[name]),
                    "code": code_digest(f"{WEIGHTS}.{name}"),
                    **shared,
                    **_identity(pair, str(machine.get("device", AUTO))),
                }
                for pair in group
                for name in built
                if pair.decoding is None
            }
            for group in groups
        ]
        unknown = [
            [cell for cell, request in cells.items() if kept.get(request_key(request)) is None] for cells in asked
        ]
        kinds = [kind for group, missing in zip(groups, unknown, strict=True) for kind in _kinds(group, missing)]
        with Progress("side effects", len(kinds), kinds=kinds) as progress:
            for group, requests, missing in zip(groups, asked, unknown, strict=True):
                if missing:
                    for cell, scores in _measure_model(group, built, set(missing), prompts, machine, progress):
                        kept.put(requests[cell], scores_to_json(scores))
                for pair in group:
                    cells = {name: requests[pair.variant, name] for name in built if pair.decoding is None}
                    answers = {name: kept.get(request_key(request)) for name, request in cells.items()}
                    found = {name: scores_from_json(answer or {}) for name, answer in answers.items()}
                    yield pair, score_table(WEIGHTS, found)


def _kinds(group: Sequence[MeasuredVariant], missing: Sequence[tuple[str, str]]) -> list[str]:
    """Steps of ``_measure_model``, in order: the reference of a measure, or the measure itself."""
    needed = dict.fromkeys(name for _, name in missing)
    variants = [ORIGINAL, *(pair.variant for pair in group if pair.variant != ORIGINAL)]
    measured = [name for variant in variants for name in needed if (variant, name) in missing]
    return [*(f"{name}, reference" for name in needed), *measured]


def _measure_model(
    group: Sequence[MeasuredVariant],
    measures: Mapping[str, Any],
    missing: set[tuple[str, str]],
    prompts: pd.DataFrame,
    machine: Mapping[str, Any],
    progress: Progress,
) -> Iterator[tuple[tuple[str, str], list[Score]]]:
    """Missing scores of one model's variants: the original first, then each variant.

    The original's weights are loaded once, and modified in place for variants whose edit is stored as factors.
    """
    # torch is imported only if something is measured
    from steadfast.models.resident import resident_model

    with resident_model():
        yield from _measure_variants(group, measures, missing, prompts, machine, progress)


def _measure_variants(
    group: Sequence[MeasuredVariant],
    measures: Mapping[str, Any],
    missing: set[tuple[str, str]],
    prompts: pd.DataFrame,
    machine: Mapping[str, Any],
    progress: Progress,
) -> Iterator[tuple[tuple[str, str], list[Score]]]:
    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest
    from steadfast.attacks.direction_search.refusal_score import ModelAccess

    first = group[0]
    responses = read_table(first.responses)

    def under_test(pair: MeasuredVariant) -> ModelUnderTest:
        access = ModelAccess(pair.checkpoint, prompts, **machine, **pair.chat)
        manifest = _manifest(pair.checkpoint)
        edit = read_json(pair.edit_file) if pair.edit_file else pair.edit
        factor = float(manifest.get("scale_factor", 1.0))
        own = read_table(pair.greedy_responses) if pair.greedy_responses else None
        return ModelUnderTest(pair.variant, access, responses, pair.direction, edit, pair.intervention, factor, own)

    wanted = [under_test(pair) for pair in group if any(variant == pair.variant for variant, _ in missing)]
    needed = {name: measure for name, measure in measures.items() if any(name == other for _, other in missing)}
    original = ModelUnderTest(ORIGINAL, ModelAccess(first.original, prompts, **machine, **first.chat), responses)
    with original.running():
        print(f"{first.model}: {', '.join(needed)}", flush=True)
        references = {}
        for name, measure in needed.items():
            with progress.part(f"{first.model}: reference for {name}", f"{name}, reference"):
                references[name] = measure.reference(original, wanted)
        for name, measure in needed.items():
            if (ORIGINAL, name) in missing:
                with progress.part(f"{first.model}, {ORIGINAL}: {name}", name):
                    scores = measure.score(original, references[name])
                yield (ORIGINAL, name), scores
    for variant in wanted:
        if variant.variant == ORIGINAL:
            continue
        with variant.running():
            for name, measure in needed.items():
                if (variant.variant, name) in missing:
                    with progress.part(f"{first.model}, {variant.variant}: {name}", name):
                        scores = measure.score(variant, references[name])
                    yield (variant.variant, name), scores


def _identity(pair: MeasuredVariant, device: str) -> dict[str, Any]:
    """Everything that a model–variant pair's scores depend on."""
    dtype = str(pair.chat.get("dtype", AUTO))
    hook = f"steadfast.attacks.interventions.methods.{pair.intervention['method']}" if pair.intervention else None
    return {
        "original": content_hash(pair.original),
        "checkpoint": content_hash(pair.checkpoint),
        "responses": sha256_file(pair.responses),
        "own_responses": sha256_file(pair.greedy_responses) if pair.greedy_responses else None,
        "direction": sha256_file(pair.direction) if pair.direction else None,
        "edit": dict(pair.edit) if pair.edit else None,
        "chosen_edit": sha256_file(pair.edit_file) if pair.edit_file else None,
        "hook": dict(pair.intervention) if pair.intervention else None,
        "hook_code": code_digest(hook) if hook else None,
        "chat": dict(pair.chat),
        "number_formats": [running_format(model, dtype, device).name for model in (pair.original, pair.checkpoint)],
        "variant": ORIGINAL if pair.variant == ORIGINAL else "edited",
    }


def _manifest(checkpoint: str) -> dict[str, Any]:
    """The manifest of an edited checkpoint; empty if it was not edited."""
    manifest = Path(checkpoint) / MANIFEST
    return dict(read_json(manifest)) if manifest.is_file() else {}


def _digest_of(table: pd.DataFrame) -> str:
    return request_key({"rows": table.astype(str).to_dict("records")})
