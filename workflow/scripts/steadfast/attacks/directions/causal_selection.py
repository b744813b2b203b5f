"""Selection of a direction by its effect on the model (Arditi et al. 2024, section 2.3, appendix C).

Each candidate, fitted on one half of the calibration prompts, is scored on the other half: *bypass*, how much the model
still refuses harmful prompts with the direction ablated everywhere; *induce*, how much it refuses harmless prompts with
the direction added at its layer; *divergence*, how far ablation moves the next-token distribution on harmless prompts.
Candidates that induce no refusal, exceed the divergence bound or lie in the last fifth of the blocks are excluded; of
the others the one with the lowest bypass score is selected. If none remains, that is a valid outcome and not an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import Candidate, CausalScores
from steadfast.attacks.directions.finders import Finder
from steadfast.attacks.directions.selection import Halves, states_at
from steadfast.attacks.directions.settings import CausalSettings


@dataclass(frozen=True)
class Scored:
    """Causal scores of a grid.

    Attributes:
        grid: the selection grid with the columns ``bypass``, ``induce``, ``divergence``, ``valid`` and ``dropped_by``,
            which names the scores by which a candidate was dropped, separated by spaces.
        scores: float64 [rows], the negated bypass score of valid candidates, minus infinity elsewhere.
        details: metadata of the direction.
        reason: why no candidate is valid, or empty.
    """

    grid: pd.DataFrame
    scores: NDArray[np.float64]
    details: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class CausalRule:
    """The rule.

    Attributes:
        settings: its bounds.
    """

    settings: CausalSettings

    def score(
        self,
        grid: pd.DataFrame,
        allowed: NDArray[np.bool_],
        activations: Activations,
        halves: Halves,
        finder: Finder,
        causal: CausalScores,
        seed: int,
    ) -> Scored:
        """Score the allowed candidates and determine which are valid."""
        early = np.array(
            [layer.isdigit() and int(layer) < self.settings.max_depth * activations.depth for layer in grid["layer"]]
        )
        chosen = np.flatnonzero(allowed & early)
        found = [self._candidate(grid, int(row), activations, halves, finder) for row in chosen]
        drawn = _draw(halves, self.settings.prompts, seed)
        fit = halves.harmful_fit.prompt_ids, halves.harmless_fit.prompt_ids
        table, details = causal.score(found, fit=fit, held_out=drawn, refusal_tokens=self.settings.refusal_tokens)
        scored = grid.copy()
        for column in ("bypass", "induce", "divergence"):
            values = np.full(len(grid), np.nan)
            values[chosen] = table[column].to_numpy(dtype=float)
            scored[column] = values
        baseline = float(details["baseline_harmful"])
        kept = {
            "bypass": scored["bypass"] < baseline,
            "induce": scored["induce"] >= self.settings.min_induce,
            "divergence": scored["divergence"] <= self.settings.max_divergence,
        }
        scored["valid"] = np.logical_and.reduce(list(kept.values()))
        dropped = {name: ~passed & scored[name].notna() for name, passed in kept.items()}
        scored["dropped_by"] = [
            " ".join(name for name in dropped if dropped[name].iloc[row]) for row in range(len(scored))
        ]
        scores = np.where(scored["valid"], -scored["bypass"].to_numpy(dtype=float), -np.inf)
        return Scored(scored, scores, details, self._reason(scored, baseline, details))

    def _candidate(
        self, grid: pd.DataFrame, row: int, activations: Activations, halves: Halves, finder: Finder
    ) -> Candidate:
        layer, position = int(grid["layer"].iloc[row]), int(grid["position"].iloc[row])
        index = activations.position_index(position)
        harmful, harmless = (states_at(group, layer, index) for group in (halves.harmful_fit, halves.harmless_fit))
        rows = finder.find(harmful, harmless).rows
        return Candidate(layer, rows, rows.T @ (rows @ (harmful.mean() - harmless.mean())))

    def _reason(self, scored: pd.DataFrame, baseline: float, details: Mapping[str, Any]) -> str:
        if details.get("reason"):
            return str(details["reason"])
        if scored["valid"].any():
            return ""
        tried = scored.dropna(subset=["bypass"])
        if tried.empty:
            return f"no candidate lies below {self.settings.max_depth:g} of the depth"
        divergence, induce = self.settings.max_divergence, self.settings.min_induce
        counts = (
            f"{int((tried['divergence'] > divergence).sum())} diverge by more than {divergence:g}",
            f"{int((tried['induce'] < induce).sum())} induce a refusal score below {induce:g}",
            f"{int((tried['bypass'] >= baseline).sum())} do not lower the refusal score of {baseline:.3g}",
        )
        return f"of {len(tried)} candidates {', '.join(counts)}"


def _draw(halves: Halves, count: int, seed: int) -> tuple[Sequence[str], Sequence[str]]:
    generator = np.random.default_rng([seed, 2])
    drawn = []
    for group in (halves.harmful_rest, halves.harmless_rest):
        rows = np.sort(generator.permutation(len(group))[:count])
        drawn.append([group.prompt_ids[row] for row in rows])
    return drawn[0], drawn[1]
