"""``adapter_config.json``: settings of a LoRA adapter, and which adapters cannot be merged exactly.

The names are PEFT's (https://huggingface.co/docs/peft). An unknown setting is rejected unless it is off: PEFT adds new
settings, and their effect would be lost silently.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.files import read_json

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PICKLED = "adapter_model.bin"
PLAIN_STARTS = (True, False, None, "gaussian", "eva", "orthogonal")
"""Initializations of A and B that do not change the base's weights."""
MERGED = frozenset(
    {
        "r",
        "lora_alpha",
        "use_rslora",
        "rank_pattern",
        "alpha_pattern",
        "fan_in_fan_out",
        "target_modules",
        "exclude_modules",
        "layers_to_transform",
        "layers_pattern",
        "modules_to_save",
        "bias",
        "lora_bias",
        "init_lora_weights",
        "peft_type",
    }
)
HARMLESS = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "eva_config",
        "inference_mode",
        "lora_dropout",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "runtime_config",
        "task_type",
    }
)
REFUSED = {
    "use_dora": "DoRA rescales the columns of the merged weights",
    "alora_invocation_tokens": "an activated LoRA works on a part of the tokens only",
    "use_qalora": "QALoRA pools the inputs of quantized weights",
    "loftq_config": "LoftQ starts from quantized weights of its own",
    "layer_replication": "it repeats blocks of the base",
    "trainable_token_indices": "it trains single rows of the embedding",
    "target_parameters": "it adapts parameters that are no module's weight",
    "ensure_weight_tying": "it keeps the embedding and the head equal",
    "megatron_config": "it is for Megatron's parallel layers",
}


@dataclass(frozen=True)
class LoraSettings:
    """Settings of a LoRA adapter.

    Attributes:
        rank: rank of A and B, unless ``rank_pattern`` overrides it.
        alpha: numerator of the scaling, unless ``alpha_pattern`` overrides it.
        rank_stabilized: whether the scaling is alpha/√rank (rsLoRA, Kalajdzievski 2023) and not alpha/rank.
        rank_pattern, alpha_pattern: ranks and alphas by the end of a module's name (a regular expression).
        fan_in_fan_out: whether the weights of its modules are stored as [in, out].
        targets: names of the adapted modules, or a regular expression for their full names.
        excluded: modules among them that are not adapted.
        layers: the blocks whose modules are adapted; None for all.
        layer_patterns: names of the list of blocks in a module's name; empty for any.
        saved: modules whose weights the adapter replaces completely.
    """

    rank: int
    alpha: float
    rank_stabilized: bool
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]
    fan_in_fan_out: bool
    targets: str | frozenset[str]
    excluded: str | frozenset[str]
    layers: frozenset[int] | None
    layer_patterns: tuple[str, ...]
    saved: tuple[str, ...]

    def rank_of(self, module: str) -> int:
        """Rank of a module's A and B."""
        return int(_by_pattern(self.rank_pattern, module, self.rank))

    def scaling(self, module: str) -> float:
        """Factor of B·A for a module."""
        rank = self.rank_of(module)
        alpha = float(_by_pattern(self.alpha_pattern, module, self.alpha))
        return alpha / (math.sqrt(rank) if self.rank_stabilized else rank)

    def adapts(self, module: str) -> bool:
        """Whether a module is adapted."""
        if _named(self.excluded, module) or self.replaces(module):
            return False
        if isinstance(self.targets, str):
            return re.fullmatch(self.targets, module) is not None
        if module in self.targets:
            return True
        return _named(self.targets, module) and (self.layers is None or self._block_of(module) in self.layers)

    def replaces(self, module: str) -> bool:
        """Whether the adapter replaces a module's weights."""
        return any(re.match(rf"(^|.*\.){name}($|\..*)", module) for name in self.saved)

    def _block_of(self, module: str) -> int | None:
        """Number of the block that a module is in: the first number in its name."""
        if not self.layer_patterns:
            found = re.match(r".*?\.[^.]*\.(\d+)\.", module)
            return int(found[1]) if found else None
        matches = (re.match(rf"(?:^|.*?\.){pattern}\.(\d+)\.", module) for pattern in self.layer_patterns)
        return next((int(found[1]) for found in matches if found), None)


def read_settings(directory: Path) -> LoraSettings:
    """Read an adapter's settings.

    Raises:
        DataError: the directory holds no adapter in safetensors, or one that cannot be merged exactly.
    """
    if not (directory / CONFIG).is_file():
        raise DataError(f"{directory} is not an adapter: {CONFIG} is missing")
    if not (directory / WEIGHTS).is_file():
        pickled = f" ({PICKLED} is pickled, and not loaded: save it as safetensors)"
        raise DataError(f"{directory} has no {WEIGHTS}{pickled if (directory / PICKLED).is_file() else ''}")
    config = read_json(directory / CONFIG)
    problems = list(_problems(config))
    if problems:
        raise DataError(f"{directory / CONFIG}: cannot be merged exactly: {'; '.join(problems)}")
    layers = config.get("layers_to_transform")
    patterns = config.get("layers_pattern") or ()
    return LoraSettings(
        rank=int(config["r"]),
        alpha=float(config["lora_alpha"]),
        rank_stabilized=bool(config.get("use_rslora")),
        rank_pattern=config.get("rank_pattern") or {},
        alpha_pattern=config.get("alpha_pattern") or {},
        fan_in_fan_out=bool(config.get("fan_in_fan_out")),
        targets=_names(config["target_modules"]),
        excluded=_names(config.get("exclude_modules") or ()),
        layers=None if layers in (None, []) else frozenset([layers] if isinstance(layers, int) else layers),
        layer_patterns=(patterns,) if isinstance(patterns, str) else tuple(patterns),
        saved=tuple(config.get("modules_to_save") or ()),
    )


def _problems(config: Mapping[str, Any]) -> Iterable[str]:
    kind = config.get("peft_type")
    if kind != "LORA":
        yield f"peft_type is {kind!r}; only LORA can be merged"
        return
    for key in ("r", "lora_alpha", "target_modules"):
        if not config.get(key):
            yield f"{key} is missing"
    if config.get("target_modules") == "all-linear":
        yield "target_modules is 'all-linear', which PEFT replaces by names when it saves an adapter"
    if config.get("init_lora_weights") not in PLAIN_STARTS:
        yield (
            f"init_lora_weights is {config['init_lora_weights']!r}, which changes the base's weights (PEFT's "
            "path_initial_model_for_weight_conversion turns such an adapter into a plain one when it saves it)"
        )
    for key, value in config.items():
        if value and key not in MERGED | HARMLESS:
            reason = REFUSED.get(key, "this setting is not known here")
            yield f"{key} is set: {reason}"


def _names(value: str | Iterable[str]) -> str | frozenset[str]:
    return value if isinstance(value, str) else frozenset(value)


def _named(names: str | Collection[str], module: str) -> bool:
    if isinstance(names, str):
        return re.fullmatch(names, module) is not None
    return module in names or any(module.endswith(f".{name}") for name in names)


def _by_pattern(pattern: Mapping[str, Any], module: str, default: Any) -> Any:
    return next((value for key, value in pattern.items() if re.match(rf"(.*\.)?({key})$", module)), default)
