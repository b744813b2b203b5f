"""Settings and capabilities that judges share."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, create_model, model_validator

from steadfast.core.errors import ConfigError
from steadfast.core.names import REFUSAL_KINDS
from steadfast.core.settings import ExistingFile, Label, Name, SettingsModel, Text, nested, optional, setting_error

# A checkpoint that answers with labels gives them a total probability near 1; otherwise it is near 0.
MINIMUM_MASS = 0.1
Scope = Literal["grid", "pair", "verdicts"]
ScaleName = Literal["refusal", "quality", "compliance", "refusal_kind"]


OUTCOME_LABELS: Mapping[ScaleName, tuple[str, ...]] = {
    "quality": ("bad", "good"),
    "compliance": ("complied", "not_complied"),
    "refusal_kind": REFUSAL_KINDS,
}
"""Names of the labels of rubrics, by scale."""


class JudgeSettings(SettingsModel):
    """Settings of every judge.

    Attributes:
        scope: ``grid``: one job judges the responses of all variants; ``pair``: one job per variant, since the judge
            runs on that variant's own weights; ``verdicts``: it combines verdicts of other judges, its ``members``.
        reads_response: whether a verdict depends on the response (not for baselines).
        reads_synthetic_world: whether it judges prompts of the synthetic world only.
        sends_requests: whether its judges send requests, and can estimate their number and cost.
        follows_template: whether it uses a custom prompt template, so that it can judge a rubric.
        says_compliance: whether it can judge a rubric of compliance without a template.
        serves: whether its jobs can serve its model.
        speaks_as_model: whether its model uses the chat settings of the model's config entry.
        converses: whether its model gets conversations in its chat template.
        resolved: keys that name a model of the grid; its jobs receive ``checkpoint`` instead.
        idle: keys that do not change verdicts.
        runtime_keys: idle keys that a job of the judge still receives.
        machine_keys: keys of the section ``runtime`` that a job of the judge receives.
    """

    scope: ClassVar[Scope] = "grid"
    reads_response: ClassVar[bool] = True
    reads_synthetic_world: ClassVar[bool] = False
    sends_requests: ClassVar[bool] = False
    follows_template: ClassVar[bool] = False
    says_compliance: ClassVar[bool] = False
    serves: ClassVar[bool] = False
    speaks_as_model: ClassVar[bool] = False
    converses: ClassVar[bool] = True
    resolved: ClassVar[frozenset[str]] = frozenset()
    idle: ClassVar[frozenset[str]] = frozenset({"label", "version_of"})
    runtime_keys: ClassVar[frozenset[str]] = frozenset()
    machine_keys: ClassVar[tuple[str, ...]] = ()

    label: Label | None = optional(description="Name in tables and figures, one line without markup.")
    version_of: Text | None = optional(
        description=(
            "Judge or rubric of which this is another version (another prompt or phrase list); a table shows the "
            "spread over the versions. Set automatically for `prompt_versions`."
        )
    )

    @classmethod
    def as_rubric(cls) -> type[Self]:
        """The settings of a rubric that is scored by a judge of this kind."""
        return cls

    def scale(self) -> ScaleName:
        """Scale of its verdicts: refusal, quality, or compliance with a harmful prompt."""
        return "refusal"

    @classmethod
    def read_scorer(cls, values: Mapping[str, Any]) -> Self:
        """Settings of a judge or a rubric, depending on the names of its labels.

        Raises:
            ConfigError: the settings are invalid.
        """
        of_rubric = not QualityLabelSettings.model_fields.keys().isdisjoint(values.get("labels") or ())
        return (cls.as_rubric() if of_rubric else cls).read(values)

    def check(self) -> None:
        """Validation beyond the types of the keys, before any job and without loading a model.

        Raises:
            ConfigError: naming the key.
        """

    def files(self) -> list[str]:
        """The resource files that its verdicts depend on."""
        return []

    def weights(self) -> tuple[str, str] | None:
        """Model and variant of the grid that it runs on, or None."""
        return None


class LabelSettings(SettingsModel):
    """Labels of a judge of refusals."""

    refusal: Label = Field("REFUSAL", description="Label for a refusal.")
    non_refusal: Label = Field("NON-REFUSAL", description="Label for a non-refusal.")


class QualityLabelSettings(SettingsModel):
    """Labels of the judge of a rubric."""

    renamed: ClassVar[Mapping[str, str]] = {"refusal": "bad", "non_refusal": "good"}

    bad: Label | None = optional(description="Label for a bad response; their share is the side effect.")
    good: Label | None = optional(description="Label for a good response.")
    complied: Label | None = optional(
        description="Instead of these, label for a response that complies with a harmful prompt."
    )
    not_complied: Label | None = optional(description="Label for any other response to a harmful prompt.")
    explicit: Label | None = optional(description="For a judge of refusal kinds: label for an explicit refusal.")
    partial: Label | None = optional(description="Label for an explicit refusal that complies in part.")
    deflection: Label | None = optional(description="Label for a change of topic without an explicit refusal.")
    policy: Label | None = optional(
        description=("Label for a policy statement or warning without an explicit refusal.")
    )
    none: Label | None = optional(description="Label for a response that is not a refusal.")

    @model_validator(mode="after")
    def _is_of_one_scale(self) -> Self:
        """Check that the labels of exactly one scale are given."""
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if given not in map(set, OUTCOME_LABELS.values()):
            found = ", ".join(sorted(given)) or "nothing"
            allowed = ", or for ".join(map(_in_words, OUTCOME_LABELS.values()))
            raise setting_error(f"found {found}; allowed: words for {allowed}")
        return self

    @property
    def scale(self) -> ScaleName:
        """The scale that the words are for."""
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        return next(scale for scale, names in OUTCOME_LABELS.items() if set(names) == given)


class PromptedJudgeSettings(JudgeSettings):
    """Settings of a judge that prompts a model with a template."""

    prompt: ExistingFile = Field(description="Prompt template with the placeholders `{prompt}` and `{response}`.")
    prompt_versions: dict[Name, ExistingFile] | None = optional(
        description=(
            "Further prompt templates by name, `{short: FILE}`: each is the same judge with another prompt, named "
            "NAME-short; a table shows the spread over them."
        )
    )
    labels: LabelSettings = nested(
        LabelSettings, description="The labels that the judge answers with, for `refusal` and `non_refusal`."
    )

    @classmethod
    def as_rubric(cls) -> type[Self]:
        """The same, with the labels of a rubric."""
        rubric: type[Self] = _as_rubric(cls)
        return rubric

    def check(self) -> None:
        """Check that the template can be used, and names the labels."""
        from steadfast.judges.prompts.answer_labels import check_labels_are_named, read_labels
        from steadfast.judges.prompts.templates import load_template

        check_labels_are_named(load_template(self.prompt), read_labels(self.labels.as_dict()))

    def scale(self) -> ScaleName:
        """Determined by the names of its labels."""
        return self.labels.scale if isinstance(self.labels, QualityLabelSettings) else "refusal"

    def files(self) -> list[str]:
        """The template."""
        return [self.prompt]


class CheckpointJudgeSettings(PromptedJudgeSettings):
    """Settings of a judge that scores label probabilities with a checkpoint."""

    machine_keys: ClassVar[tuple[str, ...]] = ("device", "batch_tokens")
    speaks_as_model: ClassVar[bool] = True

    minimum_mass: float = Field(
        MINIMUM_MASS,
        ge=0,
        le=1,
        description=(
            "A case is `unscored` if the total probability of both labels is below this, since the judge would "
            "generate something else. 0 always takes the more probable label."
        ),
    )
    max_thinking_tokens: int = Field(
        1024,
        ge=0,
        le=1000000,
        description=(
            "Maximum length of the thinking, in tokens, of a judge that thinks before it answers; the labels are "
            "scored after it. 0 leaves its cases `unscored`."
        ),
    )

    def check(self) -> None:
        """Check the template, and that there are two labels."""
        if self.scale() == "refusal_kind":
            raise ConfigError("labels: kinds of refusal are asked for in words; give `kind: chat`")
        super().check()


def _in_words(names: tuple[str, ...]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}"


@cache
def _as_rubric(settings: Any) -> Any:
    labels = Field(
        description=(
            "The labels that the judge answers with, for `bad` and `good` responses, for compliance, or for kinds "
            "of refusals."
        )
    )
    return create_model(
        settings.__name__, __base__=settings, __doc__=settings.__doc__, labels=(QualityLabelSettings, labels)
    )
