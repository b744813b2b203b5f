"""What the stage of judgments is told."""

import json
from typing import Any

from steadfast.core.registry import load
from steadfast.grid.systems import Systems


def judge_module(kind: str) -> Any:
    """The registry module of a kind of judge."""
    return load("steadfast.judges.kinds", kind)


class Judging(Systems):
    """Judges: what they read, what they run on, and what decides their verdicts."""

    def judges_with_scope(self, scope: str) -> list[str]:
        """Judges whose work is one job for the whole grid (``grid``) or one job per system (``system``)."""
        return [name for name, judge in self.config["judges"].items() if judge_module(judge["kind"]).SCOPE == scope]

    def judge_settings(self, judge: str) -> dict[str, Any]:
        """A judge's stanza without its display label and without what can change no verdict."""
        stanza = self.config["judges"][judge]
        idle = {"label", "gpus", "control", *getattr(judge_module(stanza["kind"]), "RUNTIME_KEYS", ())}
        return {key: value for key, value in stanza.items() if key not in idle}

    def judge_files(self, judge: str) -> list[str]:
        """Resource files that a judge reads, and the checkpoint it runs on."""
        settings = self.judge_settings(judge)
        own = list(judge_module(settings.pop("kind")).files(settings))
        weights = self.judge_checkpoint(judge)
        return [*own, weights] if weights else own

    def judge_checkpoint(self, judge: str) -> str | None:
        """Checkpoint that a judge runs on wherever it judges, if it has one."""
        settings = self.config["judges"][judge]
        served = {"model": settings["model"]} if settings["kind"] == "local" else settings.get("serve")
        return self.checkpoint(served["model"], served.get("variant", "original")) if served else None

    def judge_models(self, judge: str) -> list[str]:
        """The model that a judge runs on wherever it judges; none if it has none."""
        settings = self.config["judges"][judge]
        served = settings if settings["kind"] == "local" else settings.get("serve")
        return [str(served["model"])] if served else []

    def judges_with_models(self) -> list[str]:
        """Judges that run on a model of their own."""
        return [name for name in self.config["judges"] if self.judge_models(name)]

    def judge_arguments(self, judge: str, model: str | None = None, variant: str | None = None) -> dict[str, Any]:
        """Arguments of a judge's ``build``, with the kind: names replaced by the paths that they stand for.

        Args:
            judge: name of the judge.
            model: the system under test, for judges that run on its own checkpoint.
            variant: the same.
        """
        arguments = self.judge_settings(judge)
        kind = arguments["kind"]
        weights = self.judge_checkpoint(judge)
        if kind == "chat":
            arguments.pop("serve")
            arguments["accepted_models"] = tuple(arguments["accepted_models"])
            return {**arguments, "checkpoint": weights}
        if kind == "local":
            name = str(arguments.pop("model"))
            return {**arguments, **self._speaking(name), "checkpoint": weights}
        if model is not None and variant is not None:
            hooked = variant in self.hooked_variants()
            hook = {"hook": self.hook(variant), "direction": self.direction_file(model, variant)} if hooked else {}
            return {**arguments, **self._speaking(model), **hook, "checkpoint": self.checkpoint(model, variant)}
        return arguments

    def contrast_judges(self, scope: str) -> list[str]:
        """Judges of a scope whose verdicts on calibration prompts some direction contrasts."""
        asked = {variant.get("direction", {}).get("judge") for variant in self.config["variants"].values()}
        return [name for name in self.judges_with_scope(scope) if name in asked]

    def calibration_responses(self) -> list[str]:
        """What the original models answer to the calibration prompts."""
        return [f"results/calibration/responses/{model}.parquet" for model in self.models]

    def calibration_judgments(self, judge: str) -> list[str]:
        """A judge's verdicts on them, in the same order."""
        return [self.calibration_judgment(judge, model) for model in self.models]

    def all_judgments(self, judge: str) -> list[str]:
        """A judge's verdicts on whatever it may read."""
        return [*self.judgments([judge]), *self.calibration_judgments(judge)]

    @staticmethod
    def calibration_judgment(judge: str, model: str) -> str:
        """A judge's verdicts on what one original model answers to the calibration prompts."""
        return f"results/calibration/judgments/{judge}/{model}.parquet"

    def _speaking(self, model: str) -> dict[str, Any]:
        stanza = self.config["models"][model]
        return {"template_arguments": stanza["template_arguments"], "dtype": stanza["dtype"]}

    def judge_machine(self, judge: str, threads: int = 1) -> str:
        """How a judge uses the machine, as JSON: arguments of its ``build`` that are no part of a verdict.

        Args:
            judge: its name.
            threads: threads of its job, for a model that it serves; torch takes as many as the job has.
        """
        stanza = self.config["judges"][judge]
        kind = stanza["kind"]
        if kind == "chat":
            runtime = {key: stanza[key] for key in judge_module(kind).RUNTIME_KEYS if key in stanza}
            server = json.loads(self.machine(gpus=stanza["gpus"], threads=threads))
            return json.dumps({**runtime, "server": server})
        knobs = ("device", "batch_tokens") if kind in ("local", "self") else ()
        return json.dumps({key: self.config["runtime"][key] for key in knobs})

    def judge_environment(self, judge: str) -> str:
        """Conda environment of a judge's job: one with vLLM if it serves its model."""
        return "vllm" if self.config["judges"][judge].get("serve") else "base"

    def judge_gpus(self, judge: str) -> int:
        """GPUs that a judge's job asks for."""
        stanza = self.config["judges"][judge]
        return self.gpus(stanza["model"]) if stanza["kind"] == "local" else int(stanza.get("gpus", 0))

    def paid_judges(self) -> dict[str, dict[str, Any]]:
        """Arguments of the judges that send requests, by name."""
        return {
            name: {**self.judge_arguments(name), **json.loads(self.judge_machine(name))}
            for name, judge in self.config["judges"].items()
            if judge["kind"] == "chat"
        }

    def judge_digest(self, judge: str, variant: str = "original", script: str = "judge_responses.py") -> str:
        """Digest of the code that a judge's verdicts depend on, on the system's own hooked model if it runs on that."""
        hook = (
            [f"attacks.interventions.methods.{self.hook(variant)['method']}"]
            if variant in self.hooked_variants()
            else []
        )
        return self.digest(script, f"judges.kinds.{self.config['judges'][judge]['kind']}", *hook)

    def judged_sets(self) -> list[dict[str, Any]]:
        """What the judges that send requests read, as fields of ``steadfast.judges.cost_estimate.JudgedSet``.

        Another set of prompts that judges read is another entry here: with it `snakemake plan` and the limits count it.
        """
        asked = list(self.paid_judges())
        contrasted = [name for name in self.contrast_judges("grid") if name in asked]
        return [
            {"judges": asked, "responses": self.responses(), "cases_each": 2 * self.answers_per_class("evaluation")},
            {
                "judges": contrasted,
                "responses": self.calibration_responses(),
                "cases_each": 2 * self.answers_per_class("calibration"),
            },
        ]

    def answers_per_class(self, split: str) -> int:
        """Responses of one system to the prompts of one class in a split."""
        return int(self.config["prompts"][split] * self.config["generation"]["samples"])

    def planned_work(self) -> dict[str, Any]:
        """What there is to judge, as arguments of ``steadfast.judges.cost_estimate.work_of``."""
        return {
            "sets": self.judged_sets(),
            "prompts": "results/prompts/prompts.parquet",
            "max_new_tokens": self.config["generation"]["max_new_tokens"],
        }
