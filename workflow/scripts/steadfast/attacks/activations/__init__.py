"""Activations of the calibration prompts: the residual stream after every block, at the template's positions.

The container needs only NumPy, so that jobs which read activations start without importing torch;
``extract_activations``, which needs torch and transformers, is imported lazily.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.core.errors import DataError
from steadfast.core.names import NON_REFUSAL, PROMPT_LABELS, REFUSAL
from steadfast.core.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from steadfast.attacks.activations.extraction import extract_activations

__all__ = ["PROMPT_LABELS", "Activations", "ClassActivations", "extract_activations"]


@dataclass(frozen=True)
class ClassActivations:
    """Activations of the prompts of one label.

    Attributes:
        blocks: float32 [prompts, positions, layers, hidden]; the residual stream after each block.
        final_norm: float32 [prompts, positions, hidden]; the state after the model's last norm.
        prompt_ids: one per prompt, in the order of the first axis.
        categories: one per prompt; empty strings where the prompts have no category.
    """

    blocks: NDArray[np.float32]
    final_norm: NDArray[np.float32]
    prompt_ids: tuple[str, ...]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of prompts."""
        return len(self.prompt_ids)

    def at(self, layer: int | str, position_index: int) -> NDArray[np.float64]:
        """States [prompts, hidden] at one layer (0-based block, or ``final_norm``) and index of a position."""
        if layer == "final_norm":
            return self.final_norm[:, position_index].astype(np.float64)
        return self.blocks[:, position_index, int(layer)].astype(np.float64)

    def subset(self, rows: NDArray[np.intp]) -> "ClassActivations":
        """The prompts of the given rows, in that order."""
        return ClassActivations(
            self.blocks[rows],
            self.final_norm[rows],
            tuple(self.prompt_ids[row] for row in rows),
            tuple(self.categories[row] for row in rows),
        )


@dataclass(frozen=True)
class Activations:
    """Activations of one model for both labels of calibration prompts.

    Attributes:
        harmful: activations of the harmful prompts.
        harmless: activations of the harmless prompts.
        positions: token positions, counted from the end of the encoded prompt (-1 is its last token).
        template_tokens: the token at each position, as the tokenizer writes it.
        model: name of the model.
    """

    harmful: ClassActivations
    harmless: ClassActivations
    positions: tuple[int, ...]
    template_tokens: tuple[str, ...]
    model: str

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return int(self.harmful.blocks.shape[2])

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return int(self.harmful.blocks.shape[3])

    def by_behavior(self, verdicts: pd.DataFrame) -> "Activations":
        """The same activations, grouped by behavior: refused prompts in place of the harmful ones.

        Args:
            verdicts: columns ``prompt_id`` and ``verdict``; prompts without a clear verdict in all their
                samples (unscored, or both) belong to neither group.

        Raises:
            DataError: a calibration prompt has no verdict, or a group has fewer than four prompts.
        """
        found = verdicts.groupby("prompt_id")["verdict"].agg(lambda values: "/".join(sorted(set(values))))
        ids = (*self.harmful.prompt_ids, *self.harmless.prompt_ids)
        missing = [prompt_id for prompt_id in ids if prompt_id not in found.index]
        if missing:
            raise DataError(f"there is no verdict on {len(missing)} calibration prompt(s), for example {missing[0]}")
        everything = ClassActivations(
            np.concatenate([self.harmful.blocks, self.harmless.blocks]),
            np.concatenate([self.harmful.final_norm, self.harmless.final_norm]),
            ids,
            (*self.harmful.categories, *self.harmless.categories),
        )
        verdict = found.loc[list(ids)].to_numpy()
        refused, answered = (np.flatnonzero(verdict == name) for name in (REFUSAL, NON_REFUSAL))
        if min(len(refused), len(answered)) < 4:
            raise DataError(
                f"contrast by behavior: {len(refused)} refused and {len(answered)} answered calibration prompts; "
                "at least 4 of each are needed"
            )
        return replace(self, harmful=everything.subset(refused), harmless=everything.subset(answered))

    def position_index(self, position: int) -> int:
        """Index of a position, such as -1, on the positions axis.

        Raises:
            DataError: activations were not extracted at that position.
        """
        if position not in self.positions:
            known = ", ".join(map(str, self.positions))
            raise DataError(f"no activations at position {position}; extracted positions: {known}")
        return self.positions.index(position)

    def save(self, path: str | Path) -> None:
        """Write to a safetensors file: ``harmful``, ``harmless``, ``harmful.final_norm``, ``harmless.final_norm``."""
        tensors: dict[str, NDArray[Any]] = {}
        facts: dict[str, Any] = {
            "positions": self.positions,
            "template_tokens": self.template_tokens,
            "model": self.model,
            "layers": self.depth,
        }
        for name in PROMPT_LABELS:
            group: ClassActivations = getattr(self, name)
            tensors[name] = group.blocks
            tensors[f"{name}.final_norm"] = group.final_norm
            facts[f"{name}.prompt_ids"] = group.prompt_ids
            facts[f"{name}.categories"] = group.categories
        save_tensors(path, tensors, facts)

    @classmethod
    def load(cls, path: str | Path) -> "Activations":
        """Read what ``save`` wrote.

        Raises:
            DataError: the file is not an activations file.
        """
        tensors, facts = load_tensors(path, "an activations file")
        try:
            harmful, harmless = (_class_from(tensors, facts, name) for name in PROMPT_LABELS)
            return cls(
                harmful, harmless, tuple(facts["positions"]), tuple(facts["template_tokens"]), str(facts["model"])
            )
        except KeyError as error:
            raise DataError(f"{path} is not an activations file: it lacks {error}") from error


def _class_from(tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], name: str) -> ClassActivations:
    return ClassActivations(
        tensors[name],
        tensors[f"{name}.final_norm"],
        tuple(facts[f"{name}.prompt_ids"]),
        tuple(facts[f"{name}.categories"]),
    )


def __getattr__(name: str) -> Any:
    if name == "extract_activations":
        from steadfast.attacks.activations.extraction import extract_activations

        return extract_activations
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
