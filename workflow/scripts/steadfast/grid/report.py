"""What the report is told: what it shows, what it reads, and whose provenance it lists."""

from typing import Any

from steadfast.grid.judging import judge_module
from steadfast.grid.systems import Systems
from steadfast.report.assembly import SOURCE

TABLES = (
    "robustness",
    "agreement",
    "conclusions",
    "ranking",
    "confusion",
    "bias",
    "disputes_by_length",
    "edits",
    "side_effects",
    "assessment",
)
# what decides how a job runs, what other pages hold, or what the report does not show
LEFT_OUT = ("runtime", "annotation", "counts_tables", "figures", "report")


class Report(Systems):
    """The report of a run."""

    @staticmethod
    def report_assets() -> tuple[str, ...]:
        """Files of the page's template, styles and scripts, relative to the folder of resources."""
        return SOURCE.files

    @staticmethod
    def report_tables() -> list[str]:
        """Tables of every grid that the report reads; a table more is a section or a further table more."""
        return [f"results/tables/{name}.csv" for name in TABLES]

    def report_settings(self) -> dict[str, Any]:
        """Fields of ``steadfast.report.study.Study`` that the configuration decides."""
        return {
            "reference": self.reference,
            "judge": self.config["figures"]["judge"] or self.machine_reference,
            "baselines": self.baselines,
            "controls": self.controls(),
            "people": self.human_judges,
            "sources": {name: self.config["models"][name]["source"] for name in self.models},
            "margin": self.config["statistics"]["survival_margin"],
            "show": self.shown_responses(),
            "configuration": self.told_configuration(),
        }

    def shown_responses(self) -> str:
        """How much of the responses the report holds; those of real models only if that is asked for."""
        chosen = str(self.config["report"]["responses"])
        if chosen != "auto":
            return chosen
        sources = {self.config["models"][name]["source"] for name in self.models}
        return "collapsed" if sources == {"organism"} else "none"

    def told_configuration(self) -> dict[str, Any]:
        """The configuration as the report tells it: complete, but for what decides no result."""
        told = {key: value for key, value in self.config.items() if key not in LEFT_OUT}
        models = {name: _without(stanza, {"gpus"}) for name, stanza in self.config["models"].items()}
        judges = {
            name: _without(stanza, {"gpus", *getattr(judge_module(stanza["kind"]), "RUNTIME_KEYS", ())})
            for name, stanza in self.config["judges"].items()
        }
        return {**told, "models": models, "judges": judges}

    def report_artifacts(self) -> list[str]:
        """Files whose provenance the report lists, in the order in which they are made."""
        return [
            "results/prompts/prompts.parquet",
            *(self.model_directory(model) for model in self.models),
            *self.checkpoints(self.edited_systems()),
            *self.responses(),
            *self.judgments(),
            "results/tables/verdicts.parquet",
        ]


def _without(stanza: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in stanza.items() if key not in keys}
