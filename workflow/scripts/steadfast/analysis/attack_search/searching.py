"""The search: screen as many trials as asked for, let the best respond, and choose one by the judge's verdicts."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.attack_search.choice import Finalist, chosen_of, finalists_of, fronts, why_not
from steadfast.analysis.attack_search.trials import Bench, Responding, calibration_prompts
from steadfast.analysis.attack_selection import Choice
from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.refusal_score import ALIKE, ModelAccess
from steadfast.attacks.directions import Direction
from steadfast.attacks.search.sampling import Screened, Search, Trial
from steadfast.attacks.search.screening import Screening, find_refusal_tokens
from steadfast.attacks.search.settings import SearchSettings, screened_by
from steadfast.attacks.search.space import Directions, Point, Space
from steadfast.attacks.search.trial_weights import TrialWeights
from steadfast.core.errors import DataError
from steadfast.core.integrity import content_hash
from steadfast.core.names import HARMFUL, HARMLESS, ORIGINAL
from steadfast.judges.interface import Scorer
from steadfast.models.number_format import running_format

METHOD = "search"
PROMPTS = 50
OUTCOME = ["refused", "scored", "total", "degenerate"]
OVER = {"over_refused": "refused", "over_scored": "scored", "over_degenerate": "degenerate"}


def search_attack(
    settings: SearchSettings,
    activations: Activations,
    access: ModelAccess,
    *,
    judge: Scorer,
    sampling: Mapping[str, Any],
    thinking_markers: Sequence[Sequence[str]] | None,
    degenerate: float,
    seed: int,
    journal: str | Path,
    code: str,
) -> Choice:
    """Search for the best attack on a model.

    Args:
        settings: the ``search`` entry.
        activations: states of the model on the calibration prompts.
        access: the model, with the prompt table; evaluation prompts are never read.
        judge: judges the finalists' responses.
        sampling: fields of ``steadfast.generation.interface.Sampling``.
        thinking_markers: see ``steadfast.generation.responses.generate_responses``.
        degenerate: largest increase of the share of degenerate responses of a model that still works.
        seed: the run's seed.
        journal: the file that holds the trials of this search, finished ones of an earlier run among them; the
            responses lie in a folder beside it.
        code: digest of the code.

    Returns:
        The chosen attack. The selection of its direction has a row for the original (``trial`` -1) and one per trial.
        Where no trial can be chosen there is no valid direction, and the reason says why.
    """
    prompts = calibration_prompts(access.prompts)
    directions = Directions(activations, seed)
    usable, problems = _usable(settings, directions)
    space = Space(settings.model_copy(update={"directions": usable or settings.directions}), activations.depth)
    for name, problem in problems.items():
        print(f"directions: {name} is left out: {problem}", flush=True)
    screened = {label: table.head(settings.screening_prompts) for label, table in prompts.items()}
    ids = {label: table["prompt_id"].tolist() for label, table in prompts.items()}
    tokens = find_refusal_tokens(access, ids[HARMFUL], ids[HARMLESS], settings.refusal_tokens)
    if not usable or not tokens:
        why = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        return _nothing(space, activations, pd.DataFrame(), ALIKE if usable else why)
    name = _name(settings, space, activations, access, screened, seed, code)
    responding = Responding(sampling, thinking_markers, judge, Path(journal).with_suffix(".responses"), name)
    weights = TrialWeights(access.model, access.model_dir, list(settings.targets))
    bench = Bench(access, weights, space, directions, responding)
    # the original's own responses, which are also those that over-refusal and degeneration are compared with
    said = bench.responses(None, screened[HARMLESS])
    screening = Screening(
        access,
        access.encode(screened[HARMFUL]["prompt_id"].tolist()),
        tokens,
        bench.along(screened[HARMLESS], said, settings.screening_tokens),
    )
    untouched = screening()
    print(f"original: refusal score {untouched.refusal_score:.2f}", flush=True)

    def screen(point: Point) -> Screened:
        with bench.edited(point):
            return screening()

    search = Search(space, Path(journal), name, settings.max_divergence, settings.seed + seed)
    trials = search.run(settings.trials, screen)
    going_on = finalists_of(trials, settings.finalists, settings.max_divergence, settings.rule)
    harmful = prompts[HARMFUL].head(settings.prompts or PROMPTS)
    along = bench.along(screened[HARMLESS], said)
    before, finalists = bench.final(going_on, harmful, screened[HARMLESS], along, halve=settings.rule != "knee")
    before = replace(before, trial=replace(before.trial, screened=untouched))
    rules: dict[str, Any] = {"bound": settings.max_divergence, "degenerate": degenerate, "rule": settings.rule}
    reasons = {one.trial.number: why_not(one, before, **rules) for one in finalists}
    able = [one for one in finalists if not reasons[one.trial.number]]
    chosen = chosen_of(able, settings.rule) if able else None
    table = _table(trials, [before, *finalists], reasons, chosen)
    if chosen is None:
        failures = "; ".join(f"trial {number}: {reason}" for number, reason in reasons.items())
        return _nothing(space, activations, table, f"none of {len(trials)} trials can be chosen: {failures}")
    point = chosen.trial.point
    found = directions.with_half(point)
    facts = {"trial": chosen.trial.number, "trials": len(trials), "refusal_tokens": tokens, "search": name}
    direction = replace(found, selection=table, score=-chosen.harmful.refusals, details={**found.details, **facts})
    print(_in_words(before, chosen), flush=True)
    return Choice(direction, space.edit(point))


def _usable(settings: SearchSettings, directions: Directions) -> tuple[list[str], dict[str, str]]:
    """Methods that find a direction here, and why the others find none."""
    first = Space(settings, directions.activations.depth).first
    usable, problems = [], {}
    for name in settings.directions:
        try:
            directions.at({**first, "method": name})
            usable.append(name)
        except DataError as error:
            problems[name] = str(error)
    return usable, problems


def _name(
    settings: SearchSettings,
    space: Space,
    activations: Activations,
    access: ModelAccess,
    screened: Mapping[str, pd.DataFrame],
    seed: int,
    code: str,
) -> str:
    """Hash of what the trials depend on."""
    states = hashlib.sha256()
    for group in (activations.harmful, activations.harmless):
        states.update(np.ascontiguousarray(group.blocks).data)
    facts = {
        "settings": screened_by(settings),
        "methods": space.settings.directions,
        "model": content_hash(access.model_dir),
        "format": running_format(access.model_dir, access.dtype, access.device).name,
        "activations": states.hexdigest(),
        "chat": [access.system_prompt, dict(access.template_arguments or {})],
        "prompts": {label: table["text"].tolist() for label, table in screened.items()},
        "seed": seed,
        "code": code,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _table(
    trials: Sequence[Trial], finalists: Sequence[Finalist], reasons: Mapping[int, str], chosen: Finalist | None
) -> pd.DataFrame:
    """A row for the original, then one per trial; what a trial was not asked for is empty."""
    known = {one.trial.number: one for one in finalists}
    on_front = fronts([(trial.screened.refusal_score, trial.screened.divergence) for trial in trials])
    rows = []
    for trial, front in [(finalists[0].trial, -1), *zip(trials, on_front, strict=True)]:
        row: dict[str, Any] = {
            "trial": trial.number,
            "attack": f"trial {trial.number}" if trial.number >= 0 else ORIGINAL,
            "refusal_score": trial.screened.refusal_score,
            "screened_divergence": trial.screened.divergence,
            "screened_front": front == 0,
        }
        one = known.get(trial.number)
        if one is not None:
            outcome = asdict(one.harmful)
            row |= {"divergence": one.divergence, **{key: outcome[key] for key in OUTCOME}}
            if one.harmless is not None:
                over = asdict(one.harmless)
                row |= {name: over[key] for name, key in OVER.items()}
        row["chosen"] = chosen is not None and trial.number == chosen.trial.number
        row["reason"] = reasons.get(trial.number, "")
        rows.append({**row, **trial.point})
    table = pd.DataFrame(rows)
    table.insert(len(OUTCOME), "finalist", table["trial"].isin([one.trial.number for one in finalists[1:]]))
    whole = [*OUTCOME[:3], "over_refused", "over_scored"]
    missing = [column for column in whole if column not in table]
    return table.assign(**dict.fromkeys(missing, np.nan)).astype(dict.fromkeys(whole, "Int64"))


def _nothing(space: Space, activations: Activations, table: pd.DataFrame, reason: str) -> Choice:
    nothing = np.zeros((0, activations.hidden_size), dtype=np.float32)
    direction = Direction(nothing, METHOD, selection=table, details={"trial": None}, reason=reason)
    return Choice(direction, space.edit(space.first))


def _in_words(before: Finalist, chosen: Finalist) -> str:
    return (
        f"trial {chosen.trial.number}: {chosen.harmful.refused} of {chosen.harmful.scored} refused "
        f"({before.harmful.refused} of {before.harmful.scored} before), KL {chosen.divergence:.3f}"
    )
