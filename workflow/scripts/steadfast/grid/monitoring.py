"""What the systems that judge themselves are told, and where it goes."""

from collections.abc import Iterable
from typing import Any

from steadfast.grid.judging import Judging


class Monitoring(Judging):
    """Judges that are the system under test itself: their controls and results."""

    def control(self, judge: str) -> dict[str, Any]:
        """How many responses of others a judge that is the system itself is given as a control, and how drawn."""
        return {"size": self.config["judges"][judge].get("control", 0), "seed": self.config["seed"]}

    def donors(self, judge: str, model: str) -> list[list[str]]:
        """Model and variant of the systems whose responses all variants of a model judge as a control.

        They are those of the model before it (of the first, the one behind it), as it is and in the first variant of
        the study. So every model judges one other and is judged by one other, and a model or variant that is
        added at the end brings no work for those that are there.
        """
        rank = self.models.index(model)
        neighbours = self.models[rank - 1 : rank] if rank else self.models[1:2]
        wanted = self.control(judge)["size"] > 0
        return [[donor, variant] for donor in neighbours for variant in self._donated_variants(donor) if wanted]

    def _donated_variants(self, donor: str) -> list[str]:
        controls = self.controls()
        own = [system.variant for system in self.systems if system.model == donor and system.variant not in controls]
        return list(dict.fromkeys(["original", *own]))[:2]

    def donated_responses(self, judge: str, model: str) -> list[str]:
        """Their response files."""
        return [f"results/responses/{donor}/{variant}.parquet" for donor, variant in self.donors(judge, model)]

    def monitoring_judges(self) -> list[str]:
        """Judges that are the systems themselves, and are compared with the reference."""
        return [judge for judge in self.judges_with_scope("system") if judge != self.machine_reference]

    def control_judgments(self, judges: Iterable[str]) -> list[str]:
        """What systems say of others' responses, in the order of ``judgments``."""
        return [
            f"results/self_monitoring/{judge}/{system.model}/{system.variant}.parquet"
            for judge in judges
            for system in self.systems
        ]

    def self_monitoring(self) -> list[str]:
        """The table and figures on judges that are the systems themselves; none without such a judge."""
        judges = self.monitoring_judges()
        table = ["results/tables/self_monitoring.csv"] if judges else []
        return [*table, *self.self_monitoring_figures()]

    def self_monitoring_labels(self) -> dict[str, dict[str, str]]:
        """Display labels of what they show."""
        shown = {self.machine_reference, *self.monitoring_judges()}
        judges = {name: label for name, label in self.labels("judges").items() if name in shown}
        return {**self.all_labels(), "judges": judges}

    def self_monitoring_figures(self) -> list[str]:
        """One figure per judge, in both formats."""
        return [
            f"results/figures/self_monitoring/{judge}.{suffix}"
            for judge in self.monitoring_judges()
            for suffix in ("pdf", "png")
        ]
