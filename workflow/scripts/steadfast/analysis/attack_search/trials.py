"""Trials of a search: the model in memory, screening prompts, and the responses of finalists with their judge."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.analysis.attack_search.choice import Finalist
from steadfast.analysis.attack_selection import CandidateOutcome, outcome_of
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.edits import build_edit
from steadfast.attacks.search.pareto import first_of_fronts
from steadfast.attacks.search.sampling import Screened, Trial
from steadfast.attacks.search.screening import Along, ScreenedChange, along_responses, change_along
from steadfast.attacks.search.searched_directions import Directions
from steadfast.attacks.search.space import Point, Space
from steadfast.attacks.search.trial_weights import TrialWeights
from steadfast.core.errors import DataError
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.progress import Progress
from steadfast.generation.loaded_model import LoadedModel
from steadfast.generation.responses import generate_responses
from steadfast.judges.interface import Scorer, cases_of, verdict_table
from steadfast.models.continuations import answer_tokens

TIE = 1e-4
"""Weight of one nat of the refusal score relative to the refusal rate: less than one response in a thousand."""
FIRST_PART = 4
"""All finalists respond to one in this many prompts."""


@dataclass(frozen=True)
class Responding:
    """How responses are generated and judged.

    Attributes:
        settings: fields of ``steadfast.generation.interface.Sampling``.
        thinking_markers: see ``steadfast.generation.responses.generate_responses``.
        judge: the judge; None if nothing is judged.
        cache: directory in which each response is stored as soon as it is generated.
        name: hash of everything that determines the trials; part of the cache's keys.
    """

    settings: Mapping[str, Any]
    thinking_markers: Sequence[Sequence[str]] | None
    judge: Scorer | None
    cache: Path
    name: str


@dataclass(frozen=True)
class Bench:
    """A model on which edits are tried.

    Attributes:
        access: the model.
        weights: its weights.
        space: the space of edits.
        directions: finds the directions of points.
        responding: how its responses are generated and judged.
    """

    access: ModelAccess
    weights: TrialWeights
    space: Space
    directions: Directions
    responding: Responding

    def edited(self, point: Point | None) -> AbstractContextManager[None]:
        """Context in which the model has the edit of a point, or is the original."""
        if point is None:
            return nullcontext()
        edit: Any = build_edit(self.space.edit(point))
        return self.weights.edited(edit, self.directions.at(point))

    def responses(self, point: Point | None, prompts: pd.DataFrame) -> pd.DataFrame:
        """Responses of a point, or of the original; responses of an earlier run are reused."""
        responding, access = self.responding, self.access
        with self.edited(point):
            return generate_responses(
                access.model_dir,
                prompts,
                settings=responding.settings,
                engine=LoadedModel(access.model, access.batch_tokens),
                system_prompt=access.system_prompt,
                template_arguments=access.template_arguments,
                thinking_markers=responding.thinking_markers,
                cache=responding.cache,
                identity={"search": responding.name, "point": dict(point or {})},
            )

    def along(self, prompts: pd.DataFrame, responses: pd.DataFrame, tokens: int | None = None) -> Along:
        """The original's distributions along its first response to each prompt, up to ``tokens`` tokens."""
        first = responses[responses["sample"] == 0].set_index("prompt_id")["response"]
        texts = first.reindex(prompts["prompt_id"]).fillna("").tolist()
        encoded = self.access.encode(prompts["prompt_id"].tolist())
        continuations = [
            answer_tokens(self.access.tokenizer, text, prompt) if text else []
            for text, prompt in zip(texts, encoded, strict=True)
        ]
        return along_responses(self.access, encoded, [ids[:tokens] for ids in continuations])

    def outcomes(self, tables: Sequence[pd.DataFrame]) -> list[CandidateOutcome]:
        """Outcomes of several tables of responses, judged together."""
        cases = [cases_of(table, self.access.prompts) for table in tables]
        if self.responding.judge is None:
            raise DataError("no judge was given, so responses cannot be judged")
        verdicts = self.responding.judge.score(cases)
        return [
            outcome_of(table, verdict_table(asked, found), set(table["prompt_id"]))
            for table, asked, found in zip(tables, cases, verdicts, strict=True)
        ]

    def final(
        self, chosen: Sequence[Trial], harmful: pd.DataFrame, harmless: pd.DataFrame, along: Along, *, halve: bool
    ) -> tuple[Finalist, list[Finalist]]:
        """Evaluate the original and the finalists on full responses.

        Args:
            chosen: the finalists.
            harmful: harmful prompts for the refusal rate.
            harmless: harmless prompts for the divergence.
            along: the original's distributions along its responses to the harmless prompts.
            halve: whether only half of the finalists respond to all prompts: those on the first fronts of divergence
                and of refusals on a quarter of the prompts.
        """
        first = harmful.head(-(-len(harmful) // FIRST_PART)) if halve else harmful
        left = list(chosen)
        goes_on = max(1, -(-len(left) // 2)) if halve else len(left)
        kinds = ["all", *(["first"] * len(left) if halve else []), *["all"] * goes_on]
        with Progress("finalists", len(kinds), kinds=kinds) as progress:
            with progress.part("original", "all"):
                before = [self.responses(None, harmful), self.responses(None, harmless)]
            changes: dict[int, ScreenedChange] = {}
            behind: list[Finalist] = []
            if halve:
                early = []
                for trial in left:
                    with progress.part(f"trial {trial.number}", "first"):
                        early.append(self.responses(trial.point, first))
                        changes[trial.number] = self._change(trial, along)
                found = [
                    _finalist(trial, changes[trial.number], outcome)
                    for trial, outcome in zip(left, self.outcomes(early), strict=True)
                ]
                ahead = first_of_fronts(found, [_first_impression(one) for one in found], goes_on)
                left = [one.trial for one in ahead]
                behind = [one for one in found if one.trial not in left]
            tables = []
            for trial in left:
                with progress.part(f"trial {trial.number}", "all"):
                    tables += [self.responses(trial.point, harmful), self.responses(trial.point, harmless)]
                    if not halve:
                        changes[trial.number] = self._change(trial, along)
        was, was_harmless, *outcomes = self.outcomes([*before, *tables])
        original = Finalist(Trial(-1, {}, Screened(float("nan"), 0.0)), 0.0, was, was_harmless)
        on_all = [
            _finalist(trial, changes[trial.number], after, after_harmless)
            for trial, after, after_harmless in zip(left, outcomes[::2], outcomes[1::2], strict=True)
        ]
        return original, [*on_all, *behind]

    def _change(self, trial: Trial, along: Along) -> ScreenedChange:
        with self.edited(trial.point):
            return change_along(self.access, along)


def _finalist(
    trial: Trial, change: ScreenedChange, harmful: CandidateOutcome, harmless: CandidateOutcome | None = None
) -> Finalist:
    return Finalist(trial, change.divergence, harmful, harmless, change.perplexity_ratio)


def _first_impression(one: Finalist) -> tuple[float, float]:
    refusals = one.harmful.refusals
    # no verdicts count as the worst rate; equal rates on few prompts keep the screening's order
    rate = 2.0 if refusals != refusals else refusals
    return rate + TIE * one.trial.screened.refusal_score, one.divergence


def calibration_prompts(prompts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Calibration prompts by label, in their order."""
    chosen = prompts[prompts["split"] == "calibration"]
    return {label: chosen[chosen["label"] == label] for label in PROMPT_LABELS}
