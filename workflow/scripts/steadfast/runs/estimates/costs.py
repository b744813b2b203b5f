"""Cost model of steps that no earlier run has recorded: seconds from the model's size and the number of tokens.

The speeds are those of one thread of an AMD EPYC 9004 with torch 2.13 (SmolLM2-135M in float32), rounded. On other
machines, every finished step corrects the estimates (``steadfast.runs.estimates.forecast``), so the values mainly
determine the relative cost of steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Literal

from steadfast.config.attack_checks import SEARCH
from steadfast.core.plug_ins import JUDGES
from steadfast.grid.attack_selection import PROMPTS
from steadfast.grid.checkpoints import CheckpointJob, checkpoint_jobs
from steadfast.grid.directions import DirectionJob, direction_jobs
from steadfast.grid.grid import Grid
from steadfast.grid.judging import settings_of
from steadfast.grid.judgments import JudgingJob, SelfJudgingJob, judging_jobs, self_judging_jobs
from steadfast.grid.responses import ResponseJobs, response_jobs
from steadfast.grid.side_effects import Measures, MeasuringJob, batches
from steadfast.models.size import ModelSize
from steadfast.runs.estimates.sizes import ModelSizes

# seconds to start a process that imports little, and one that imports torch and transformers
LIGHT, HEAVY = 2.0, 6.5
# seconds per token and billion parameters: of a prompt, of a response
READ, WRITTEN = 0.012, 0.04
# minimum seconds per token, which dominate for tiny models
LEAST_PER_TOKEN = 0.0002
# speed-up of a GPU
GPU = 100.0
# additional threads are less efficient than the first
THREAD_GAIN = 0.6
# bytes per second: written by an edit, copied by a merge, converted from GGUF, downloaded
BAKED, MERGED, CONVERTED, DOWNLOADED = 150e6, 200e6, 20e6, 10e6
# tokens of a prompt, and what a judge's instructions add to a case
PROMPT_TOKENS, JUDGE_TOKENS = 40, 120
# share of the longest response that a response has on average
RESPONSE_SHARE = 0.8
# candidates of a causal selection, and passes per candidate
CAUSAL_PASSES = 60
# seconds per request to an endpoint, with concurrent requests
REQUEST = 0.25
ORGANISM_TRAINING = 60.0
ADAPTER_TRAINING = 900.0
# assumption for a model of unknown size
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
        sizes: sizes of its models.
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
            wildcards: wildcards of the job.
            threads: number of threads of the job.
        """
        # sizes are known more precisely once models are created
        key = (rule, *wildcards.values(), threads, len(self.sizes.found))
        if key not in self._known:
            estimate = self._estimates.get(rule)
            self._known[key] = LIGHT if estimate is None else estimate(self, wildcards, threads)
        return self._known[key]

    @cached_property
    def _estimates(self) -> "dict[str, Estimate]":
        """Cost function of each rule; other rules cost almost nothing."""
        grid = self.grid
        return {
            **{jobs.rule: partial(_baking, jobs) for jobs in checkpoint_jobs(grid)},
            **{jobs.rule: partial(_finding, jobs) for jobs in direction_jobs(grid, by_running=True)},
            **{jobs.rule: partial(_responding, jobs) for jobs in response_jobs(grid)},
            **{jobs.rule: partial(_self_judging, jobs) for jobs in self_judging_jobs(grid)},
            **{jobs.rule: partial(_judging, jobs) for jobs in judging_jobs(grid)},
            **{batch.rule: partial(_measuring, batch) for batch in batches(grid)},
            **RULES,
        }

    def size(self, model: str) -> ModelSize:
        """Size of a model, or an assumption."""
        return self.sizes.of(model) or UNKNOWN

    def running(self, model: str, threads: int, *, read: float = 0, written: float = 0) -> float:
        """Seconds that a model takes to read and generate tokens, without process start."""
        billions = self.size(model).parameters / 1e9
        factor = GPU if self.on_gpus else 1 + THREAD_GAIN * (threads - 1)
        each = max(READ * billions, LEAST_PER_TOKEN), max(WRITTEN * billions, LEAST_PER_TOKEN)
        return (read * each[0] + written * each[1]) / factor

    def prompts(self, split: Literal["evaluation", "calibration"]) -> int:
        """Number of responses of one pair to the prompts of a split."""
        return 2 * self.grid.responses_per_label(split)

    @property
    def response_tokens(self) -> float:
        """Average number of tokens of a response."""
        return RESPONSE_SHARE * int(self.grid.config["generation"]["max_new_tokens"])

    def generating(self, model: str, responses: int, threads: int) -> float:
        """Seconds to start, load a model and generate responses."""
        work = self.running(model, threads, read=responses * PROMPT_TOKENS, written=responses * self.response_tokens)
        return HEAVY + work

    def judging(self, model: str, cases: float, threads: int) -> float:
        """Seconds to start, load a judge and judge cases."""
        return HEAVY + self.running(model, threads, read=cases * (PROMPT_TOKENS + JUDGE_TOKENS + self.response_tokens))


def _baking(jobs: CheckpointJob, costs: Costs, wildcards: Wildcards, _threads: int) -> float:
    return LIGHT + len(jobs.outputs) * costs.size(wildcards["model"]).stored / BAKED


def _finding(jobs: DirectionJob, costs: Costs, wildcards: Wildcards, threads: int) -> float:
    """Seconds of searches for directions that run the model."""
    searches = len(jobs.searches(_Job(wildcards["model"], variant=wildcards.get("variant", ""))))
    read = searches * CAUSAL_PASSES * costs.prompts("calibration") * PROMPT_TOKENS
    return HEAVY + costs.running(wildcards["model"], threads, read=read)


def _responding(jobs: ResponseJobs, costs: Costs, wildcards: Wildcards, threads: int) -> float:
    return costs.generating(wildcards["model"], jobs.responses(_Job(wildcards["model"])), threads)


def _self_judging(jobs: SelfJudgingJob, costs: Costs, wildcards: Wildcards, threads: int) -> float:
    job = _Job(wildcards["model"], wildcards["judge"])
    return costs.judging(job.model, jobs.cases(job), threads)


def _judging(job: JudgingJob, costs: Costs, _wildcards: Wildcards, threads: int) -> float:
    cases = sum(map(job.cases, job.pairs))
    kind, own = settings_of(job.judge), JUDGES.read(job.judge.settings).weights()
    if own and not kind.sends_requests:
        return costs.judging(own[0], cases, threads)
    return LIGHT + (cases * REQUEST if kind.sends_requests else 0.0)


def _measuring(batch: MeasuringJob, costs: Costs, _wildcards: Wildcards, threads: int) -> float:
    """Seconds to measure pairs, from the tokens that the measures read and generate."""
    read, written = Measures(costs.grid).tokens(costs.prompts("evaluation"), PROMPT_TOKENS)
    return HEAVY + sum(costs.running(pair.model, threads, read=read, written=written) for pair in batch.pairs)


Estimate = Callable[[Costs, Wildcards, int], float]


def _weights(per_second: float, start: float) -> Estimate:
    """Seconds of a step that processes all weights of a model."""
    return lambda costs, wildcards, _threads: start + costs.size(wildcards["model"]).stored / per_second


def _states(passes: float) -> Estimate:
    """Seconds of a step with this number of passes over the calibration prompts."""

    def seconds(costs: Costs, wildcards: Wildcards, threads: int) -> float:
        read = passes * costs.prompts("calibration") * PROMPT_TOKENS
        return HEAVY + costs.running(wildcards["model"], threads, read=read)

    return seconds


def _search(costs: Costs, wildcards: Wildcards, threads: int) -> float:
    settings = costs.grid.variants[wildcards["variant"]].settings[SEARCH]
    screened = 2 * settings["screening_prompts"] * PROMPT_TOKENS * settings["trials"]
    responses = settings["screening_prompts"] + (settings["prompts"] or PROMPTS)
    # half of the finalists respond to all prompts, the others to a quarter of the harmful ones
    written = settings["finalists"] * 0.6 * responses * costs.response_tokens
    return HEAVY + costs.running(wildcards["model"], threads, read=screened, written=written)


def _always(seconds: float) -> Estimate:
    return lambda _costs, _wildcards, _threads: seconds


RULES: dict[str, Estimate] = {
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
