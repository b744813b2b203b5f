"""Settings: Pydantic models of config entries, declared by every plug-in.

A model is strict (``"1"`` is not a number), closed (an unknown key is an error) and finite. A field defines everything
about a key: type, range, default and description. Validation, the JSON schema for editors, the reference page and the
error messages are generated from it.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from steadfast.core.errors import ConfigError
from steadfast.core.path_checks import directory_problem, file_problem
from steadfast.core.wording import label_problem

OPTIONAL = "x-optional"
"""Keyword in the JSON schema of a key that has no default and may be omitted."""
SETTING_ERROR = "setting_error"
"""Type of the errors whose message is complete."""
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
NAME_RULE = "Letters a-z and A-Z, digits, `_` and `-`, at most 64; it becomes part of file names."
LARGEST_SEED = 2**32 - 1

Item = TypeVar("Item")


class SettingsModel(BaseModel):
    """Base of all settings.

    Attributes:
        renamed: keys of earlier versions, with their current names.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)

    renamed: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Settings from the keys of a config entry.

        Raises:
            ConfigError: with a line per problem: the key, what was found and what is allowed.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            from steadfast.core.setting_errors import lines_of

            raise ConfigError("\n".join(lines_of(error, cls, values))) from None

    def as_dict(self) -> dict[str, Any]:
        """All keys with their values, including defaults, without omitted keys that have no default."""
        return self.model_dump(by_alias=True)


def optional(*, description: str, **constraints: Any) -> Any:
    """An optional field without a default: if it is omitted, ``SettingsModel.as_dict`` omits it as well."""
    further: Any = {"json_schema_extra": {OPTIONAL: True}, **constraints}
    return Field(default=None, exclude_if=_is_none, description=description, **further)


def nested(model: type[SettingsModel], *, description: str | None = None) -> Any:
    """A field of nested settings, which may be omitted since all nested fields have defaults."""
    return Field(default_factory=model, description=description)


def _is_none(value: object) -> bool:
    return value is None


def setting_error(problem: str) -> PydanticCustomError:
    """The error of a value whose message, which begins with what was found, is ``problem``."""
    return PydanticCustomError(SETTING_ERROR, "{problem}", {"problem": problem})


@dataclass(frozen=True)
class TextRule:
    """Annotation of strings: a check of their content, and its ``format`` in the JSON schema.

    Attributes:
        form: the format.
        problem: what is wrong with a text; empty if nothing is.
        at_home: whether ``~`` at its beginning is the user's home.
    """

    form: str
    problem: Callable[[str], str] = lambda _text: ""
    at_home: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of texts with the format."""
        return {**handler(schema), "format": self.form}

    def _check(self, text: str) -> str:
        text = os.path.expanduser(text) if self.at_home else text
        problem = self.problem(text)
        if problem:
            raise setting_error(problem)
        return text


def _label_problem(text: str) -> str:
    problem = label_problem(text)
    shown = repr(text) if len(text) <= 120 else f"{text!r:.120}..."
    return f"{shown} {problem}" if problem else ""


class NameRule:
    """The annotation of names that become part of file names."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of texts with the pattern."""
        return {**handler(schema), "pattern": NAME_PATTERN, "description": NAME_RULE}

    @staticmethod
    def _check(name: str) -> str:
        if not re.fullmatch(NAME_PATTERN, name):
            wrong = dict.fromkeys(character for character in name if not re.fullmatch("[A-Za-z0-9_-]", character))
            found = f" (it holds {', '.join(map(repr, wrong))})" if wrong else ""
            raise setting_error(f"the name {name!r} cannot be used{found}; allowed: {NAME_RULE}")
        return name


class UniqueRule:
    """Annotation of lists without duplicates."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of lists without duplicates."""
        return {**handler(schema), "uniqueItems": True}

    @staticmethod
    def _check(values: list[Any]) -> list[Any]:
        for number, value in enumerate(values):
            if any(value == other and type(value) is type(other) for other in values[:number]):
                raise setting_error(f"{values!r} has non-unique elements: {value!r} is in it twice")
        return values


ExistingFile = Annotated[str, TextRule("existing-file", file_problem, at_home=True)]
ExistingDirectory = Annotated[str, TextRule("existing-directory", directory_problem, at_home=True)]
AnyPath = Annotated[str, TextRule("path", at_home=True)]
Label = Annotated[str, TextRule("label", _label_problem)]
Name = Annotated[str, NameRule()]
Text = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
# a list from YAML, or a tuple from Python
Items = Annotated[list[Item], Strict(False)]
UniqueItems = Annotated[list[Item], Strict(False), UniqueRule()]
