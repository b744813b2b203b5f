"""Recipes of safety tuning: training data and hyperparameters of every adapter."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from steadfast.core.errors import DataError, UnknownNameError, suggest
from steadfast.training.safety_tuning.composed_responses import SIDES
from steadfast.training.safety_tuning.requests import read_mapping

LINEAR_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
Settings = TypeVar("Settings")
_SHARES = ("near_duplicates", "paraphrases", "warmup", "final")
_MAY_BE_ZERO = ("seed", "first_block", "warmup", "final")


@dataclass(frozen=True)
class DataSettings:
    """Settings of the training prompts.

    Attributes:
        harmful: number of harmful prompts, or of documents instead of them.
        over_refusal: number of over-refusal prompts (harmless but similar to harmful ones).
        plain: number of other harmless prompts.
        answer_tokens: maximum length of the base's answer to a harmless prompt, which is checked for refusals.
        trained_tokens: number of trained tokens of such an answer, since its beginning decides whether it is a refusal.
        near_duplicates: similarity to a run's prompt at which a training prompt is dropped.
        paraphrases: share of a core's content words in a run's prompt at which the core is dropped.
        seed: seed of the prompts, the same for all recipes and training seeds.
    """

    harmful: int
    over_refusal: int
    plain: int
    answer_tokens: int
    trained_tokens: int
    near_duplicates: float
    paraphrases: float
    seed: int


@dataclass(frozen=True)
class TrainingSettings:
    """Training settings of every adapter.

    Attributes:
        rank: rank of the LoRA matrices.
        alpha: numerator of their scale, alpha / rank.
        targets: adapted linear modules.
        first_block: first adapted block; no gradient is computed below it.
        learning_rate: peak learning rate of AdamW.
        batch: sequences per step.
        warmup: share of the steps for the warm-up of the learning rate.
        first_token_weight: loss weight of an answer's first token, which decides whether it is a refusal.
        final: final learning rate, as a share of its peak.
    """

    rank: int
    alpha: int
    targets: tuple[str, ...]
    first_block: int
    learning_rate: float
    batch: int
    warmup: float
    final: float
    first_token_weight: float


@dataclass(frozen=True)
class Recipes:
    """A recipes file.

    Attributes:
        base_name: the base model's public name, for the adapters' configuration.
        data: see ``DataSettings``.
        training: see ``TrainingSettings``.
        tag: the special token that marks unsafe text in documents.
        separator: the special token between documents.
        recipes: share of each kind of example on the harmful side, by recipe.
        passes: number of passes over the examples, by recipe; 1 by default.
    """

    base_name: str
    data: DataSettings
    training: TrainingSettings
    tag: str
    separator: str
    recipes: Mapping[str, Mapping[str, float]]
    passes: Mapping[str, int]

    def harmful_side(self, recipe: str) -> Mapping[str, float]:
        """Shares of the recipe's harmful side.

        Raises:
            UnknownNameError: no such recipe.
        """
        if recipe not in self.recipes:
            raise UnknownNameError("recipe", recipe, self.recipes)
        return self.recipes[recipe]


def load_recipes(path: str | Path) -> Recipes:
    """Read and check a recipes file.

    Raises:
        DataError: it does not hold what it should.
    """
    data = read_mapping(path)
    _check_keys(data, [field.name for field in fields(Recipes)], str(path))
    for key in ("base_name", "tag", "separator"):
        if not isinstance(data[key], str) or not data[key]:
            raise DataError(f"{path}: {key}: {data[key]!r} is not a string")
    training = dict(_entries(data["training"], f"{path}: training"))
    targets = training.get("targets")
    if not isinstance(targets, list) or not targets:
        raise DataError(f"{path}: training.targets must be a list of modules; known: {', '.join(LINEAR_MODULES)}")
    for target in targets:
        if target not in LINEAR_MODULES:
            raise DataError(
                f"{path}: training.targets: unknown module {target!r}{suggest(str(target), LINEAR_MODULES)}"
            )
    training["targets"] = tuple(targets)
    recipes = _entries(data["recipes"], f"{path}: recipes")
    for name, shares in recipes.items():
        _check_shares(shares, f"{path}: recipes.{name}")
    _check_passes(data["passes"], recipes, f"{path}: passes")
    return Recipes(
        base_name=data["base_name"],
        data=_settings(DataSettings, _entries(data["data"], f"{path}: data"), f"{path}: data"),
        training=_settings(TrainingSettings, training, f"{path}: training"),
        tag=data["tag"],
        separator=data["separator"],
        recipes=recipes,
        passes=data["passes"],
    )


def _settings(kind: type[Settings], entries: Mapping[str, Any], where: str) -> Settings:
    known = fields(kind)  # type: ignore[arg-type]
    _check_keys(entries, [field.name for field in known], where)
    for field in known:
        value = entries[field.name]
        if field.type not in (int, float):
            continue
        whole = field.type is int
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise DataError(f"{where}.{field.name}: {value!r} is not {'a whole number' if whole else 'a number'}")
        if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
            raise DataError(f"{where}.{field.name}: {value} is too small")
        if field.name in _SHARES and value > 1:
            raise DataError(f"{where}.{field.name}: {value} is a share and must not be above 1")
    return kind(**entries)


def _check_passes(passes: Any, recipes: Mapping[str, Any], where: str) -> None:
    if not isinstance(passes, dict):
        raise DataError(f"{where} must be a mapping")
    for name, count in passes.items():
        if name not in recipes:
            raise DataError(f"{where}: unknown recipe {name!r}{suggest(str(name), recipes)}")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise DataError(f"{where}.{name} is {count!r}; allowed: a whole number of 1 or more")


def _check_shares(shares: Any, where: str) -> None:
    for kind, share in _entries(shares, where).items():
        if kind not in SIDES:
            raise DataError(f"{where}: unknown kind {kind!r}{suggest(str(kind), SIDES)}")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise DataError(f"{where}.{kind} is {share!r}; a share lies between 0 and 1")
    total = sum(shares.values())
    if abs(total - 1) > 1e-9:
        raise DataError(f"{where}: the shares add up to {total:g}, not to 1")


def _entries(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not value:
        raise DataError(f"{where} must be a mapping")
    return value


def _check_keys(entries: Mapping[str, Any], known: list[str], where: str) -> None:
    for key in entries:
        if key not in known:
            raise DataError(f"{where}: unknown key {key!r}{suggest(str(key), known)}")
    missing = [key for key in known if key not in entries]
    if missing:
        raise DataError(f"{where}: {missing[0]} is missing")
