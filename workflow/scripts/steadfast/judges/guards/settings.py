"""Settings of guards: those of a chat judge, with patterns instead of labels, and presets for known models."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from steadfast.core.errors import ConfigError
from steadfast.core.plug_ins import NameOf
from steadfast.core.settings import ExistingFile, SettingsModel, Text, UniqueItems, nested, optional
from steadfast.judges.chat_api.settings import ChatSettings, Output
from steadfast.judges.guards.presets import PRESETS, Preset
from steadfast.judges.settings import ScaleName

Outcome = Literal["refusal", "compliance"]
PAIRS: Mapping[Outcome, tuple[str, str]] = {
    "refusal": ("refusal", "non_refusal"),
    "compliance": ("complied", "not_complied"),
}
"""The counted verdict of each outcome, and its opposite."""
Patterns = UniqueItems[Text]
ClassNumbers = UniqueItems[Annotated[int, Field(ge=0, le=10000)]]


class GuardLabels(SettingsModel):
    """Lines of a guard's answer, as regular expressions that a whole line has to match; case does not matter."""

    refusal: Patterns = Field([], description="Lines that mean a refusal.")
    non_refusal: Patterns = Field([], description="Lines that mean the opposite.")
    complied: Patterns = Field([], description="Lines that mean compliance with a harmful prompt.")
    not_complied: Patterns = Field([], description="Lines that mean the opposite.")


class GuardClasses(SettingsModel):
    """Numbers of a sequence classifier's classes, from 0 on."""

    refusal: ClassNumbers = Field([], description="Classes that mean a refusal.")
    non_refusal: ClassNumbers = Field([], description="Classes that mean the opposite.")
    complied: ClassNumbers = Field([], description="Classes that mean compliance with a harmful prompt.")
    not_complied: ClassNumbers = Field([], description="Classes that mean the opposite.")


class GuardSettings(ChatSettings):
    """Settings of a guard: a safety classifier that reads the conversation by its own chat template."""

    follows_template: ClassVar[bool] = False
    says_compliance: ClassVar[bool] = True

    preset: Annotated[str, NameOf(others=tuple(PRESETS))] | None = Field(
        None, description="A known guard, whose settings are the defaults; see docs/judges.md."
    )
    outcome: Outcome = Field(
        "refusal",
        description=(
            "What it detects: refusals (under `judges`), or compliance with harmful prompts (under `rubrics`)."
        ),
    )
    prompt: ExistingFile | None = Field(  # type: ignore[assignment]
        None,
        description=(
            "null passes the conversation as turns; otherwise a prompt template with `{prompt}` and `{response}`, "
            "for a model that classifies by a policy."
        ),
    )
    labels: GuardLabels = nested(  # type: ignore[assignment]
        GuardLabels, description="How lines of the output map to verdicts, as patterns of whole lines."
    )
    classes: GuardClasses | None = optional(
        description=(
            "For a sequence classifier: class numbers per verdict, `{refusal: [1], non_refusal: [0]}`. It runs "
            "inside the job (`in_process: true`)."
        ),
    )
    in_process: bool = Field(
        False, description="Run the model of `serve` inside the job instead of in a server; for small models."
    )
    output: Output = Field("text", description="Always `text`: a guard has its own output format.")
    logprobs: Literal["auto", True, False] = Field(
        False,
        description=(
            "Whether token probabilities are requested: true uses the probability of the verdict as its score, if "
            "the lines are plain words."
        ),
    )
    max_tokens: int = Field(64, ge=1, le=1000000, description="Maximum length of the answer, in tokens.")

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: Any) -> Any:
        """Fill in the preset's values for keys that are not given."""
        found = PRESETS.get(str(values.get("preset"))) if isinstance(values, Mapping) else None
        return _completed(values, found) if found else values

    @classmethod
    def as_rubric(cls) -> type[Self]:
        """The same settings; ``outcome`` determines the scale."""
        return cls

    def scale(self) -> ScaleName:
        """The scale of its outcome."""
        return self.outcome

    def check(self) -> None:
        """Check the patterns, the template, the location of the model, and the requirements of the preset.

        Raises:
            ConfigError: naming the key, what was found and what is allowed.
        """
        self.check_endpoint()
        if self.output != "text":
            raise ConfigError(f"output: {self.output!r} is not allowed; a guard answers in its own words (`text`)")
        if self.in_process and self.serve is None:
            raise ConfigError("in_process: true runs the model of `serve`, which is missing")
        if self.logprobs == "auto" or (self.logprobs and self.in_process):
            raise ConfigError("logprobs: wanted true or false; true with a guard that is asked over an API")
        if self.classes is None:
            self._check_patterns()
        else:
            self._check_classes(self.classes)
        if self.prompt is not None:
            from steadfast.judges.prompts.templates import load_template

            load_template(self.prompt)
        if self.preset is not None:
            self._check_needs(PRESETS[self.preset])

    def files(self) -> list[str]:
        """The prompt template, if there is one."""
        return [self.prompt] if self.prompt else []

    def _check_classes(self, classes: GuardClasses) -> None:
        if not self.in_process:
            raise ConfigError("classes: a sequence classifier runs in the job itself; give `in_process: true`")
        counted, other = (getattr(classes, key) for key in PAIRS[self.outcome])
        for key, numbers in zip(PAIRS[self.outcome], (counted, other), strict=True):
            if not numbers:
                raise ConfigError(f"classes.{key}: no class, and the outcome is {self.outcome!r}")
        if set(counted) & set(other):
            raise ConfigError(f"classes: {min(set(counted) & set(other))} is on both sides")

    def _check_patterns(self) -> None:
        for key in PAIRS[self.outcome]:
            patterns = getattr(self.labels, key)
            if not patterns:
                given = [name for name in GuardLabels.model_fields if getattr(self.labels, name)]
                says = f"; it says {', '.join(given)}" if given else ""
                raise ConfigError(f"labels.{key}: no pattern, and the outcome is {self.outcome!r}{says}")
            for pattern in patterns:
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise ConfigError(f"labels.{key}: {pattern!r} is not a regular expression: {error}") from error

    def _check_needs(self, preset: Preset) -> None:
        served = self.serve
        if preset.needs_template and served is not None and served.repo and not served.chat_template:
            raise ConfigError(
                f"serve.chat_template: {preset.title} was trained on a text that its repository does not carry as "
                "a chat template; name a Jinja file with it, which puts the turns of the user and the assistant in"
            )
        missing = [name for name in preset.needs_arguments if name not in self.template_arguments]
        if missing:
            raise ConfigError(
                f"template_arguments: {preset.title} needs {', '.join(map(repr, missing))}: the policy in your words"
            )


def _completed(values: Mapping[str, Any], preset: Preset) -> dict[str, Any]:
    labels = values.get("labels") or {}
    filled: dict[str, Any] = {
        "max_tokens": preset.max_tokens,
        **({"prompt": preset.prompt} if preset.prompt else {}),
        **values,
        "template_arguments": {**preset.template_arguments, **(values.get("template_arguments") or {})},
    }
    if isinstance(labels, Mapping):
        given = {name: patterns for name, patterns in labels.items() if patterns}
        filled["labels"] = {**{name: list(patterns) for name, patterns in preset.labels.items()}, **given}
    if not values.get("base_url") and not values.get("serve") and "checkpoint" not in values:
        filled["serve"] = {"repo": preset.repo, "revision": "main"}
    return filled
