"""Sections `side_effects` and `capability`: what is measured, and the keys of the measures themselves."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from steadfast.core.plug_ins import MEASURES, NameOf
from steadfast.core.registry import own_names
from steadfast.core.setting_errors import InvalidEntry, problems_of, wrong_type
from steadfast.core.setting_schemas import schema_of
from steadfast.core.setting_sections import with_keys_of
from steadfast.core.settings import SettingsModel, UniqueItems, setting_error

OWN = tuple(name for family in MEASURES for name in own_names(family.package))
"""Measures of this package; their keys may be given whether they are taken or not."""


class SideEffectSettings(SettingsModel):
    """Side effects of variants, and checks of their edits.

    docs/method.md defines the measures.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "borderline": "over_refusal_categories",
        "hook_prompts": "intervention_prompts",
    }

    measures: UniqueItems[Annotated[str, NameOf(*MEASURES)]] | None = Field(
        None,
        description=(
            "Which measures are computed; null takes all that need only the grid, those on held-out text if there "
            "is a text, and those of the synthetic world if all prompts are synthetic. `instruction_following` "
            "generates further responses and is computed only if named."
        ),
    )


def settings_of(name: str) -> Any:
    """The ``Settings`` of a measure."""
    return next(family for family in MEASURES if name in family.names()).settings(name)


@cache
def section(name: str, measures: tuple[str, ...] = OWN) -> type[SettingsModel]:
    """Settings of a section with the keys of measures.

    Args:
        name: the section.
        measures: whose keys.
    """
    chosen = {measure: own for measure in measures if (own := settings_of(measure)).section == name}
    filled = frozenset[str]().union(*(own.filled for own in chosen.values()))
    if name == SideEffects.name:
        return with_keys_of(SideEffectSettings, chosen, filled)
    ((_, own),) = chosen.items()
    return own  # type: ignore[no-any-return]


class SideEffects:
    """The annotation of the section `side_effects`: a measure of another distribution is imported if it is named."""

    name = "side_effects"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look at the names first."""
        dump = core_schema.plain_serializer_function_ser_schema(SettingsModel.as_dict)
        return core_schema.no_info_plain_validator_function(self._read, serialization=dump)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The keys of all measures."""
        return schema_of(section(self.name, _known(name for family in MEASURES for name in family.names())))

    def _read(self, values: Any) -> SettingsModel:
        if not isinstance(values, Mapping):
            raise setting_error(wrong_type(values, "object"))
        named = values.get("measures")
        model = section(self.name, _known(named if isinstance(named, list) else ()))
        try:
            return model.model_validate(values)
        except ValidationError as error:
            raise InvalidEntry(problems_of(error, model, values)) from None


def _known(names: Iterable[Any]) -> tuple[str, ...]:
    """Our own measures, and those of others among some names."""
    others = {name for family in MEASURES for name in family.names()} - set(OWN)
    return (*OWN, *sorted(others.intersection(name for name in names if isinstance(name, str))))


SideEffectsSection = Annotated[Any, SideEffects()]
