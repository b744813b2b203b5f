"""Wiring of ``workflow/rules/models.smk``: inputs and requirements of every model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.config.depth import wanted_blocks
from steadfast.config.speaking import uses_of_template
from steadfast.core.plug_ins import INTERVENTIONS
from steadfast.core.registry import plug_ins
from steadfast.grid import paths
from steadfast.grid.data import ForModel, Variant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest
from steadfast.models.sources import source_of

SOURCES = "steadfast.models.sources"


@dataclass(frozen=True)
class ModelDirectoryJobs:
    """Jobs that create the directories of models.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    def from_source(self, source: str) -> list[str]:
        """All models from ``source``, including judges."""
        return [name for name, model in self.grid.models.items() if model.source == source]

    def from_plug_ins(self) -> list[str]:
        """All models from sources of other packages."""
        return [name for name, model in self.grid.models.items() if model.source in plug_ins(SOURCES)]

    def settings(self, job: ForModel) -> dict[str, Any]:
        """Settings that determine a model's content (not its label or role)."""
        found = self.grid.models[job.model].settings
        return source_of(found).settings(found)

    def files(self, job: ForModel) -> list[str]:
        """Local files that a model is created from."""
        found = self.grid.models[job.model].settings
        return source_of(found).files(found)

    def base(self, job: ForModel) -> str:
        """Directory of an adapter's base model."""
        return paths.MODEL.at(model=self.grid.models[job.model].settings["base"])

    def template(self, job: ForModel) -> list[str]:
        """The file of a model's chat template, if the configuration names one."""
        template = self.grid.models[job.model].settings.get("chat_template")
        return [template] if template and Path(template).is_file() else []

    def chat(self, job: ForModel) -> dict[str, Any]:
        """The configured chat template and template date."""
        found = self.grid.models[job.model].settings
        return {"template": found.get("chat_template"), "date": found.get("template_date")}

    def trial(self, job: ForModel) -> str:
        """Requirements of a model, as JSON: arguments of ``steadfast.models.check.settle``.

        It is passed as a resource, so that another system prompt or edit does not cause the model to be fetched again.
        """
        uses = uses_of_template(job.model, self.grid.config)
        if job.model in self.grid.studied:
            blocks = list(wanted_blocks(job.model, self.grid.config["variants"]))
            edited = any(pair.model == job.model for pair in self.grid.pairs_where(lambda variant: variant.is_edited))
            uses |= {"layout": self._needs_layout(job.model), "edited": edited, "blocks": blocks}
        return json.dumps(uses)

    def _needs_layout(self, model: str) -> bool:
        """Whether a variant of a model edits or projects outputs of its modules, or is found by doing so."""
        from steadfast.attacks.directions.selection import CAUSAL

        def needs(variant: Variant) -> bool:
            settings = variant.settings
            projected = (
                "intervention" in settings and INTERVENTIONS.of(settings["intervention"]).Settings.changes_outputs
            )
            return variant.is_edited or projected or settings.get("direction", {}).get("layer") == CAUSAL

        return any(pair.model == model for pair in self.grid.pairs_where(needs))

    def fetching_digest(self, job: ForModel) -> str:
        """Digest of the code that fetches a model from the hub."""
        return self._placing(job, "fetch_hub_model.py")

    def pointing_digest(self, job: ForModel) -> str:
        """Digest of the code that links a local model."""
        return self._placing(job, "point_to_local_model.py")

    def plug_in_digest(self, job: ForModel) -> str:
        """Digest of the code that gets a model from a plug-in source."""
        return self._placing(job, "locate_model.py", f"models.sources.{self.grid.models[job.model].source}")

    def _placing(self, job: ForModel, script: str, *modules: str) -> str:
        written_out = self.grid.models[job.model].settings["dequantize"]
        return digest(script, *modules, *(["models.checkpoint_files.quantization"] if written_out else []))
