"""What a step costs where no earlier run has recorded it: seconds from the model's size and the tokens it is given.

The speeds are those of one thread of an AMD EPYC 9004 with torch 2.13 (SmolLM2-135M in float32), rounded. What a run
takes elsewhere is corrected by every step that ends (``steadfast.runs.estimates.forecast``), so that they decide little
but how the steps compare with each other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from steadfast.config.attack_checks import SEARCH
from steadfast.core.plug_ins import JUDGES
from steadfast.grid.attack_selection import PROMPTS
from steadfast.grid.checkpoints import CheckpointJob, checkpoint_jobs
from steadfast.grid.data import Judge, ModelVariant
from steadfast.grid.directions import DirectionJob, direction_jobs
from steadfast.grid.grid import Grid
from steadfast.grid.judging import settings_of
from steadfast.grid.judgments import JudgingJob, SelfJudgingJob, judging_jobs, self_judging_jobs
from steadfast.grid.responses import ResponseJobs, response_jobs
from steadfast.grid.side_effects import Batch, Measures, batches
from steadfast.models.size import ModelSize
from steadfast.runs.estimates.sizes import ModelSizes

# seconds to start a process that imports little, and one that imports torch and transformers
LIGHT, HEAVY = 2.0, 6.5
# seconds per token and billion parameters: of a prompt that is read, of a response that is written
READ, WRITTEN = 0.012, 0.04
# seconds per token whatever the model, for the tiny ones
LEAST_PER_TOKEN = 0.0002
# how many times as fast a GPU is
GPU = 100.0
# further threads are not worth as much as the first
THREAD_GAIN = 0.6
# bytes per second: written by an edit, copied by a merge, converted from GGUF, downloaded
BAKED, MERGED, CONVERTED, DOWNLOADED = 150e6, 200e6, 20e6, 10e6
# tokens of a prompt, and what a judge's instructions add to a case
PROMPT_TOKENS, JUDGE_TOKENS = 40, 120
# share of the longest response that a response has on average
RESPONSE_SHARE = 0.8
# candidates of a causal choice, and passes for each of them
CAUSAL_PASSES = 60
# seconds per request to an endpoint, several of which are answered at a time
REQUEST = 0.25
ORGANISM_TRAINING = 60.0
ADAPTER_TRAINING = 900.0
# of a model whose size nothing tells yet
UNKNOWN = ModelSize(500_000_000, 1_000_000_000)

Wildcards = Mapping[str, str]


@dataclass(frozen=True)
class _Job:
    """The wildcards of a job that runs a model."""

    model: str
    judge: str = ""
    variant: str = ""


@dataclass(frozen=True)
class Costs:
    """Costs of the steps of a grid.

    Attributes:
        grid: the grid.
        sizes: of its models.
        on_gpus: whether models run on GPUs.
    """

    grid: Grid
    sizes: ModelSizes
    on_gpus: bool = False
    _known: dict[tuple[object, ...], float] = field(default_factory=dict)

    def seconds(self, rule: str, wildcards: Wildcards, threads: int = 1) -> float:
        """Expected seconds of a job.

        Args:
            rule: name of its rule.
            wildcards: of the job.
            threads: threads that it has.
        """
        # more is known of the sizes once models are in their places
        key = (rule, *wildcards.values(), threads, len(self.sizes.found))
        if key not in self._known:
            self._known[key] = self._seconds(rule, wildcards, threads)
        return self._known[key]

    def _seconds(self, rule: str, wildcards: Wildcards, threads: int) -> float:
        known = RULES.get(rule)
        if known is not None:
            return known(self, wildcards, threads)
        if rule in self._editing:
            size = self.size(wildcards["model"]).stored
            return LIGHT + len(self._editing[rule].outputs) * size / BAKED
        if rule in self._searching:
            job = _Job(wildcards["model"], variant=wildcards.get("variant", ""))
            searches = len(self._searching[rule].searches(job))
            read = searches * CAUSAL_PASSES * self.prompts("calibration") * PROMPT_TOKENS
            return HEAVY + self.running(wildcards["model"], threads, read=read)
        if rule in self._responding:
            jobs = self._responding[rule]
            return self.generating(wildcards["model"], jobs.responses(_Job(wildcards["model"])), threads)
        if rule in self._self_judging_jobs:
            own = self._self_judging_jobs[rule]
            return self.job(wildcards["model"], own.cases(_Job(wildcards["model"], wildcards["judge"])), threads)
        if rule in self._judging_jobs:
            judging = self._judging_jobs[rule]
            return self._judging(judging.judge, sum(map(judging.cases, judging.pairs)), threads)
        if rule in self._batches:
            return self._measuring(self._batches[rule].pairs, threads)
        return LIGHT

    @cached_property
    def _editing(self) -> dict[str, CheckpointJob]:
        return {jobs.rule: jobs for jobs in checkpoint_jobs(self.grid)}

    @cached_property
    def _searching(self) -> dict[str, DirectionJob]:
        return {jobs.rule: jobs for jobs in direction_jobs(self.grid, by_running=True)}

    @cached_property
    def _responding(self) -> dict[str, ResponseJobs]:
        return {jobs.rule: jobs for jobs in response_jobs(self.grid)}

    @cached_property
    def _self_judging_jobs(self) -> dict[str, SelfJudgingJob]:
        return {own.rule: own for own in self_judging_jobs(self.grid)}

    @cached_property
    def _judging_jobs(self) -> dict[str, JudgingJob]:
        return {job.rule: job for job in judging_jobs(self.grid)}

    @cached_property
    def _batches(self) -> dict[str, Batch]:
        return {batch.rule: batch for batch in batches(self.grid)}

    def size(self, model: str) -> ModelSize:
        """Size of a model, or an assumption."""
        return self.sizes.of(model) or UNKNOWN

    def running(self, model: str, threads: int, *, read: float = 0, written: float = 0) -> float:
        """Seconds that a model takes for tokens that are read and written, without the start of a process."""
        billions = self.size(model).parameters / 1e9
        factor = GPU if self.on_gpus else 1 + THREAD_GAIN * (threads - 1)
        each = max(READ * billions, LEAST_PER_TOKEN), max(WRITTEN * billions, LEAST_PER_TOKEN)
        return (read * each[0] + written * each[1]) / factor

    def prompts(self, split: Literal["evaluation", "calibration"]) -> int:
        """Responses of one pair to the prompts of a split."""
        return 2 * self.grid.responses_per_label(split)

    @property
    def response_tokens(self) -> float:
        """Tokens of a response, on average."""
        return RESPONSE_SHARE * int(self.grid.config["generation"]["max_new_tokens"])

    def generating(self, model: str, responses: int, threads: int) -> float:
        """Seconds to start, load a model and generate responses."""
        work = self.running(model, threads, read=responses * PROMPT_TOKENS, written=responses * self.response_tokens)
        return HEAVY + work

    def job(self, model: str, cases: float, threads: int) -> float:
        """Seconds to start, load a judge and have it read cases."""
        return HEAVY + self.running(model, threads, read=cases * (PROMPT_TOKENS + JUDGE_TOKENS + self.response_tokens))

    def _judging(self, judge: Judge, cases: float, threads: int) -> float:
        kind, own = settings_of(judge), JUDGES.read(judge.settings).weights()
        if own and not kind.sends_requests:
            return self.job(own[0], cases, threads)
        return LIGHT + (cases * REQUEST if kind.sends_requests else 0.0)

    def _measuring(self, pairs: Sequence[ModelVariant], threads: int) -> float:
        """Seconds to measure pairs, each with what the chosen measures read and write."""
        read, written = Measures(self.grid).tokens(self.prompts("evaluation"), PROMPT_TOKENS)
        return HEAVY + sum(self.running(pair.model, threads, read=read, written=written) for pair in pairs)


def _weights(per_second: float, start: float) -> Callable[[Costs, Wildcards, int], float]:
    """Seconds of a step that goes through all weights of a model."""
    return lambda costs, wildcards, _threads: start + costs.size(wildcards["model"]).stored / per_second


def _states(passes: float) -> Callable[[Costs, Wildcards, int], float]:
    """Seconds of a step with this number of passes over the calibration prompts."""

    def seconds(costs: Costs, wildcards: Wildcards, threads: int) -> float:
        read = passes * costs.prompts("calibration") * PROMPT_TOKENS
        return HEAVY + costs.running(wildcards["model"], threads, read=read)

    return seconds


def _search(costs: Costs, wildcards: Wildcards, threads: int) -> float:
    settings = costs.grid.variants[wildcards["variant"]].settings[SEARCH]
    screened = 2 * settings["screening_prompts"] * PROMPT_TOKENS * settings["trials"]
    responses = settings["screening_prompts"] + (settings["prompts"] or PROMPTS)
    # half of the finalists respond to everything, the others to a quarter of the harmful prompts
    written = settings["finalists"] * 0.6 * responses * costs.response_tokens
    return HEAVY + costs.running(wildcards["model"], threads, read=screened, written=written)


def _always(seconds: float) -> Callable[[Costs, Wildcards, int], float]:
    return lambda _costs, _wildcards, _threads: seconds


RULES: dict[str, Callable[[Costs, Wildcards, int], float]] = {
    "train_organism": _always(ORGANISM_TRAINING),
    "train_adapter": _always(ADAPTER_TRAINING),
    "distill_harmless_responses": _always(ADAPTER_TRAINING),
    "fetch_hub_model": _weights(DOWNLOADED, HEAVY),
    "point_to_local_model": _weights(1e9, HEAVY),
    "locate_model": _weights(1e9, HEAVY),
    "convert_gguf_model": _weights(CONVERTED, HEAVY),
    "merge_adapter": _weights(MERGED, HEAVY),
    "activations": _states(1),
    "refusal_margin": _states(1),
    "attack_search": _search,
}
