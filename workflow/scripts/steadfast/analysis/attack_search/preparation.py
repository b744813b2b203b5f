"""Preparation of a search: the model, the refusal tokens, and the journal of the trials.

Every worker prepares the search in the same way.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.attack_search.trials import Bench, Responding, calibration_prompts
from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.measurements import ModelMeasurements
from steadfast.attacks.direction_search.refusal_score import ALIKE, ModelAccess
from steadfast.attacks.search.sampling import Screened, Search
from steadfast.attacks.search.screening import Screening, find_refusal_tokens
from steadfast.attacks.search.searched_directions import Directions
from steadfast.attacks.search.settings import SearchSettings, screened_by
from steadfast.attacks.search.space import Point, Space
from steadfast.attacks.search.trial_weights import TrialWeights
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.integrity import content_hash
from steadfast.core.names import HARMFUL, HARMLESS
from steadfast.judges.interface import Scorer
from steadfast.models.number_format import running_format


@dataclass(frozen=True)
class Given:
    """Inputs of a search.

    Attributes:
        settings: the ``search`` entry.
        activations: states of the model on the calibration prompts.
        access: the model, with the prompt table; evaluation prompts are never read.
        sampling: fields of ``steadfast.generation.interface.Sampling``.
        thinking_markers: see ``steadfast.generation.responses.generate_responses``.
        seed: the run's seed.
        journal: file with the trials of this search, including those finished in an earlier run; the responses are in a
            folder next to it.
        code: digest of the code.
    """

    settings: SearchSettings
    activations: Activations
    access: ModelAccess
    sampling: Mapping[str, Any]
    thinking_markers: Sequence[Sequence[str]] | None
    seed: int
    journal: Path
    code: str

    @cached_property
    def directions(self) -> Directions:
        """Finds the directions of points."""
        low, high = (bound * (self.activations.depth - 1) for bound in sorted(self.settings.depth))
        return Directions(self.activations, self.seed, (low, high), ModelMeasurements(self.access))

    @cached_property
    def space(self) -> Space:
        """The search space, without methods and edits that do not apply to this model."""
        wanted = self.settings
        methods = [name for name in wanted.directions if ("method", name) not in self.problems]
        edits = [name for name in wanted.edits if ("edit", name) not in self.problems]
        update = {"directions": methods or wanted.directions, "edits": edits or wanted.edits}
        return Space(wanted.model_copy(update=update), self.activations.depth)

    @cached_property
    def problems(self) -> dict[tuple[str, str], str]:
        """Methods and edits that do not apply to this model, with the reason."""
        first = Space(self.settings, self.activations.depth).first
        found = {}
        for parameter, names in (("method", self.settings.directions), ("edit", self.settings.edits)):
            base = {key: value for key, value in first.items() if parameter == "method" or key != "method"}
            for name in names:
                able = next((each for each in self.settings.directions if ("method", each) not in found), None)
                point = {**base, parameter: name} if parameter == "method" else {**base, "method": able, "edit": name}
                try:
                    if point["method"] is not None:
                        self.directions.at(point)
                except (DataError, ConfigError) as error:
                    found[parameter, name] = str(error)
        return found

    @cached_property
    def nothing(self) -> str:
        """Reason why the search space is empty; empty if it is not."""
        for parameter, names in (("method", self.settings.directions), ("edit", self.settings.edits)):
            if all((parameter, name) in self.problems for name in names):
                return "; ".join(f"{name}: {self.problems[parameter, name]}" for name in names)
        return "" if self.refusal_tokens else ALIKE

    @cached_property
    def prompts(self) -> dict[str, pd.DataFrame]:
        """Calibration prompts by label."""
        return calibration_prompts(self.access.prompts)

    @cached_property
    def screened(self) -> dict[str, pd.DataFrame]:
        """Calibration prompts on which trials are screened."""
        return {label: table.head(self.settings.screening_prompts) for label, table in self.prompts.items()}

    @cached_property
    def refusal_tokens(self) -> list[int]:
        """First tokens of refusals; empty if responses to both labels begin alike."""
        ids = [self.prompts[label]["prompt_id"].tolist() for label in (HARMFUL, HARMLESS)]
        return find_refusal_tokens(self.access, ids[0], ids[1], self.settings.refusal_tokens)

    @cached_property
    def name(self) -> str:
        """Hash of everything that the trials depend on."""
        states = hashlib.sha256()
        for group in (self.activations.harmful, self.activations.harmless):
            states.update(np.ascontiguousarray(group.blocks).data)
        access, chosen = self.access, self.space.settings
        facts = {
            "settings": screened_by(self.settings),
            "methods": chosen.directions,
            "edits": chosen.edits,
            "model": content_hash(access.model_dir),
            "format": running_format(access.model_dir, access.dtype, access.device).name,
            "activations": states.hexdigest(),
            "chat": [access.system_prompt, dict(access.template_arguments or {})],
            "prompts": {label: table["text"].tolist() for label, table in self.screened.items()},
            "seed": self.seed,
            "code": self.code,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def search(self) -> Search:
        """The trials."""
        settings = self.settings
        seed = settings.seed + self.seed
        return Search(self.space, self.journal, self.name, settings.max_divergence, seed, workers=settings.workers)


@dataclass(frozen=True)
class Ready:
    """A prepared search; created by ``ready``.

    Attributes:
        given: inputs of the search.
        bench: the model on which edits are tried.
        own_responses: the original's responses to the harmless screening prompts; also the reference for over-refusal
            and degeneration.
        screening: screens the current model.
    """

    given: Given
    bench: Bench
    own_responses: pd.DataFrame
    screening: Screening

    def screen(self, point: Point) -> Screened:
        """Screen one point."""
        with self.bench.edited(point):
            return self.screening()


def ready(given: Given, judge: Scorer | None) -> Ready:
    """Prepare for the first trial.

    Args:
        given: inputs of the search; its space must not be empty.
        judge: judges the finalists' responses; None for a worker, which only screens.
    """
    access = given.access
    cache = given.journal.with_suffix(".responses")
    responding = Responding(given.sampling, given.thinking_markers, judge, cache, given.name)
    weights = TrialWeights(access.model, access.model_dir, given.space.targets)
    bench = Bench(access, weights, given.space, given.directions, responding)
    harmful, harmless = (given.screened[label] for label in (HARMFUL, HARMLESS))
    own_responses = bench.responses(None, harmless)
    along = bench.along(harmless, own_responses, given.settings.screening_tokens)
    screening = Screening(access, access.encode(harmful["prompt_id"].tolist()), given.refusal_tokens, along)
    return Ready(given, bench, own_responses, screening)
