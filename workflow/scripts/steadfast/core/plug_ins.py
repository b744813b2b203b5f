"""Families of plug-ins: modules with their own ``Settings``, selected by a key of a config entry.

A module contains its settings, its capabilities (class variables of the settings) and its function. No code outside of
it names its kind; other code queries its capabilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from steadfast.core import registry
from steadfast.core.setting_errors import (
    CALLED_NOW,
    InvalidEntry,
    missing,
    not_allowed,
    problems_of,
    renamed,
    wrong_type,
)
from steadfast.core.settings import SettingsModel, setting_error

STUB = "x-plug-in"
"""Keyword of a JSON schema stub that is replaced by the schema of a family."""


@dataclass(frozen=True)
class Family:
    """A family of plug-ins.

    Attributes:
        name: name of one plug-in in messages.
        package: the package that holds their modules.
        key: the key of a config entry that names the module.
        description: description of that key.
        entries: whether config entries select a plug-in with its settings; otherwise it is selected by its name alone.
        named_by_key: whether an entry without ``key`` selects the plug-in that has the name of one of its other keys.
    """

    name: str
    package: str
    key: str
    description: str
    entries: bool = True
    named_by_key: bool = False

    def whole(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """A config entry with ``key``, which may be implied by another key."""
        if self.key in entry or not self.named_by_key:
            return entry
        found = [name for name in self.names() if name in entry]
        return {self.key: found[0], **entry} if len(found) == 1 else entry

    def names(self) -> list[str]:
        """Names of all plug-ins, without importing them."""
        return registry.names(self.package)

    def unknown(self, name: object) -> str:
        """Message about an unknown name."""
        for known in registry.own_names(self.package):
            if name in getattr(self.settings(known), "former_names", ()):
                return renamed(name, known)
        return not_allowed(name, self.names())

    def load(self, name: str) -> ModuleType:
        """The module of a plug-in.

        Raises:
            UnknownNameError: there is no plug-in of this name.
        """
        return registry.load(self.package, name, self.name)

    def of(self, entry: Mapping[str, Any]) -> ModuleType:
        """The module that a config entry selects."""
        return self.load(entry[self.key])

    def read(self, entry: Mapping[str, Any]) -> Any:
        """The settings of a config entry: an instance of the ``Settings`` of the selected module.

        Raises:
            ConfigError: it cannot be used.
        """
        rest = {key: value for key, value in entry.items() if key != self.key}
        return self.settings(entry[self.key]).read(rest)

    def complete(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """A config entry with all defaults.

        Raises:
            ConfigError: it cannot be used.
        """
        return {self.key: entry[self.key], **self.read(entry).as_dict()}

    def usual(self) -> dict[str, Any]:
        """The default config entry: that of the plug-in whose settings have ``usual``."""
        found = ((name, self.settings(name)) for name in registry.own_names(self.package))
        return next({self.key: name, **kind.usual} for name, kind in found if hasattr(kind, "usual"))

    def searched(self) -> list[str]:
        """Names of the package's own plug-ins that a search tries by default, in the order of their ``search_rank``."""
        ranks = {name: self.settings(name).search_rank for name in registry.own_names(self.package)}
        return sorted((name for name, rank in ranks.items() if rank), key=ranks.__getitem__)

    def settings(self, name: str) -> Any:
        """The ``Settings`` of a plug-in, with its capabilities."""
        return self.load(name).Settings


@dataclass(frozen=True)
class Judges(Family):
    """Kinds of judges, whose settings are also those of rubrics."""

    def read(self, entry: Mapping[str, Any]) -> Any:
        """The settings of a judge or a rubric, depending on the names of its labels."""
        rest = {key: value for key, value in entry.items() if key != self.key}
        return self.settings(entry[self.key]).read_scorer(rest)


@dataclass(frozen=True)
class Rubrics(Family):
    """Kinds of judges that can score a rubric, with the labels of rubrics."""

    def names(self) -> list[str]:
        """Names of the kinds; this imports all kinds."""
        kinds = {name: self.settings(name) for name in super().names()}
        return [name for name, kind in kinds.items() if kind.follows_template or kind.says_compliance]

    def settings(self, name: str) -> Any:
        """The settings of a rubric."""
        return self.load(name).Settings.as_rubric()


@dataclass(frozen=True)
class Chosen:
    """A config entry of a family.

    Attributes:
        family: the family.
        name: the plug-in that it chooses.
        settings: the rest of it.
    """

    family: Family
    name: str
    settings: SettingsModel


@dataclass(frozen=True)
class EntryOf:
    """Annotation of a config entry that selects a plug-in: its settings are those of the plug-in's module."""

    family: Family

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look up the module when there is a value, since importing all modules is slow."""
        return core_schema.no_info_plain_validator_function(
            self._read, serialization=core_schema.plain_serializer_function_ser_schema(_dump)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A stub, since the full schema needs every module of the family."""
        return {STUB: self.family.name}

    def _read(self, entry: Any) -> Chosen:
        key = self.family.key
        if not isinstance(entry, Mapping):
            raise setting_error(wrong_type(entry, "object"))
        entry = self.family.whole(entry)
        if key not in entry:
            raise InvalidEntry([((), missing(key, entry))])
        if entry[key] not in self.family.names():
            raise InvalidEntry([((key,), self.family.unknown(entry[key]))])
        settings = self.family.settings(entry[key])
        rest = {name: value for name, value in entry.items() if name != key}
        try:
            return Chosen(self.family, entry[key], settings.model_validate(rest))
        except ValidationError as error:
            raise InvalidEntry(problems_of(error, settings, entry)) from None


def _dump(chosen: Chosen) -> dict[str, Any]:
    return {chosen.family.key: chosen.name, **chosen.settings.as_dict()}


@dataclass(frozen=True)
class NameOf:
    """The annotation of a text that is the name of a plug-in, or one of ``others``."""

    families: tuple[Family, ...]
    others: tuple[str, ...] = ()

    def __init__(self, *families: Family, others: tuple[str, ...] = ()) -> None:
        """Names of plug-ins of all ``families``, and ``others``."""
        object.__setattr__(self, "families", families)
        object.__setattr__(self, "others", others)

    @property
    def known(self) -> list[str]:
        """The allowed names."""
        return [*self.others, *(name for family in self.families for name in family.names())]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The known names."""
        return {"enum": self.known}

    def _check(self, name: str) -> str:
        if name not in self.known:
            found = [family.unknown(name) for family in self.families]
            raise setting_error(next((text for text in found if CALLED_NOW in text), not_allowed(name, self.known)))
        return name


JUDGES = Judges("judge", "steadfast.judges.kinds", "kind", "Module of `steadfast/judges/kinds/`.")
RUBRICS = Rubrics("rubric", JUDGES.package, JUDGES.key, JUDGES.description)
DIRECTIONS = Family(
    "direction", "steadfast.attacks.directions.methods", "method", "Module of `steadfast/attacks/directions/methods/`."
)
EDITS = Family("edit", "steadfast.attacks.edits.methods", "method", "Module of `steadfast/attacks/edits/methods/`.")
INTERVENTIONS = Family(
    "intervention",
    "steadfast.attacks.interventions.methods",
    "method",
    "Module of `steadfast/attacks/interventions/methods/`.",
)
DECODINGS = Family(
    "decoding", "steadfast.attacks.decoding.methods", "method", "Module of `steadfast/attacks/decoding/methods/`."
)
SOURCES = Family("model", "steadfast.models.sources", "source", "Where the checkpoint comes from.")
PROMPT_SOURCES = Family(
    "prompt_source", "steadfast.prompts.sources.kinds", "kind", "Where the prompts come from.", named_by_key=True
)
ENGINES = Family("engine", "steadfast.generation.engines", "engine", "What generates.", entries=False)
FIGURES = Family("figure", "steadfast.report.figures.kinds", "figure", "A figure.", entries=False)
MEASURES = (
    Family("measure", "steadfast.analysis.side_effects.weights", "measure", "A measure of the weights.", entries=False),
    Family("measure", "steadfast.analysis.side_effects.responses", "measure", "A measure of responses.", entries=False),
)
FAMILIES = {
    family.name: family
    for family in (
        JUDGES,
        RUBRICS,
        DIRECTIONS,
        EDITS,
        INTERVENTIONS,
        DECODINGS,
        SOURCES,
        PROMPT_SOURCES,
        ENGINES,
        FIGURES,
    )
}

JudgeEntry = Annotated[Any, EntryOf(JUDGES)]
RubricEntry = Annotated[Any, EntryOf(RUBRICS)]
DirectionEntry = Annotated[Any, EntryOf(DIRECTIONS)]
EditEntry = Annotated[Any, EntryOf(EDITS)]
InterventionEntry = Annotated[Any, EntryOf(INTERVENTIONS)]
DecodingEntry = Annotated[Any, EntryOf(DECODINGS)]
ModelEntry = Annotated[Any, EntryOf(SOURCES)]
PromptSourceEntry = Annotated[Any, EntryOf(PROMPT_SOURCES)]
