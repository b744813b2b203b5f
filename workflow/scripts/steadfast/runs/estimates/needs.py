"""Requirements of a run: downloads, disk space and memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadfast.grid import paths
from steadfast.grid.checkpoints import CheckpointJobs
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.judged_pairs import runnable
from steadfast.grid.judging import Judging
from steadfast.grid.judgments import judgments_of
from steadfast.models.sources import source_of
from steadfast.runs.estimates.sizes import ModelSizes

# share of a checkpoint's size for the factors of a rank-one edit of all its blocks
FACTORS = 0.01


@dataclass(frozen=True)
class Needs:
    """Requirements of a run, as known before its first job.

    Attributes:
        grid: the grid.
        sizes: sizes of its models; ``ask_hub`` adds those from the hub.
        outputs: the files and directories that the run will create.
        downloads: bytes to download by model; None if unknown.
    """

    grid: Grid
    sizes: ModelSizes
    outputs: Collection[str]
    downloads: dict[str, int | None] = field(default_factory=dict)

    def ask_hub(self) -> None:
        """Look up download sizes and sizes of hub models, if the hub can be reached."""
        for name, entry in self.grid.config["models"].items():
            if paths.MODEL.at(model=name) in self.outputs:
                if "repo" in entry:
                    self._ask_for(name, entry)
                elif "package" in entry:
                    from steadfast.models.packages import is_cached, pin_of

                    pin = pin_of(entry["package"])
                    if not is_cached(pin):
                        self.downloads[name] = pin.facts.get("bytes")

    def _ask_for(self, name: str, entry: Mapping[str, Any]) -> None:
        from steadfast.runs.estimates.hub import bytes_to_fetch, size_on_hub

        self.downloads[name] = bytes_to_fetch(entry)
        if source_of(entry).base(entry) is None and self.sizes.of(name) is None:
            size = size_on_hub(entry)
            if size is not None:
                self.sizes.found[name] = size

    @property
    def keeps_checkpoints(self) -> bool:
        """Whether edited checkpoints are kept."""
        return self.grid.keeps_checkpoints

    def models(self) -> list[str]:
        """Models that some job of the run loads."""
        judging = Judging(self.grid)
        reading = {
            model
            for judge in judging.with_models(self.grid.judges)
            if not set(judgments_of(self.grid, judge.name)).isdisjoint(self.outputs)
            for model in judging.models(judge)
        }
        placed = {paths.MODEL.at(model=name) for name in self.grid.config["models"]}
        made_of = {part for output in set(self.outputs) - placed for part in Path(output).with_suffix("").parts}
        return [
            name
            for name in self.grid.config["models"]
            if name in reading or (name in runnable(self.grid) and name in made_of)
        ]

    def written(self) -> dict[str, dict[str, int]]:
        """Bytes of every checkpoint that the run writes, by model and directory."""
        found: dict[str, dict[str, int]] = {}
        for name, entry in self.grid.config["models"].items():
            size = self.sizes.of(name)
            if size is not None:
                own = [pair for pair in self.grid.edited_pairs if pair.model == name]
                sizes = {self.grid.checkpoint(pair): self._edited(pair, size.stored) for pair in own}
                if source_of(entry).written_out or entry.get("dequantize"):
                    sizes[paths.MODEL.at(model=name)] = size.stored
                found[name] = {directory: bytes_ for directory, bytes_ in sizes.items() if directory in self.outputs}
        return {name: directories for name, directories in found.items() if directories}

    def _edited(self, pair: ModelVariant, stored: int) -> int:
        """Lower bound of an edited model's size in bytes: its factors, unless the whole checkpoint is required."""
        return stored if CheckpointJobs(self.grid).form(pair) == "bake" else int(FACTORS * stored)

    def disk(self) -> int:
        """Bytes of the checkpoints that lie side by side at some time of the run, at least.

        Where edited checkpoints are removed after use those of one model are there until its side effects are measured.
        """
        by_model = [sum(directories.values()) for directories in self.written().values()]
        return sum(by_model) if self.keeps_checkpoints else max(by_model, default=0)

    def in_memory(self, name: str) -> int | None:
        """Maximum bytes of a model's weights when loaded on the CPU; None if unknown."""
        size = self.sizes.of(name)
        if size is None:
            return None
        dtype = self.grid.config["models"][name]["dtype"]
        return size.loaded(dtype) if dtype != "auto" else max(size.stored, size.loaded("float32"))
