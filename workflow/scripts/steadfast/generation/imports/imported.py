"""Imported responses of a model without weights."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from steadfast.core.errors import DataError
from steadfast.generation.imports.records import ColumnNames, ImportedResponse, read_records
from steadfast.models.sources.responses import files_of


def read_variant(entry: Mapping[str, Any], variant: str) -> list[ImportedResponse]:
    """The responses of a variant of a model.

    Args:
        entry: the model's complete config entry.
        variant: the variant.

    Raises:
        ConfigError: the format is unknown.
        DataError: the files cannot be read, or hold no response of the variant.
    """
    columns = {key: value for key, value in entry["columns"].items() if value is not None}
    path = files_of(entry)[variant]
    records = read_records(path, ColumnNames(**columns), form=entry["format"], where=entry["where"])
    if entry["files"]:  # a separate file belongs to this variant, regardless of its content
        return [replace(record, variant="") for record in records]
    own = [record for record in records if record.variant in ("", variant)]
    unnamed = [record for record in own if not record.variant]
    if len(entry["variants"]) > 1 and unnamed:
        raise DataError(
            f"{unnamed[0].place}: it does not say which variant responded; name the column: `columns: {{variant: ...}}`"
        )
    if not own:
        known = ", ".join(sorted({record.variant for record in records}))
        raise DataError(f"{path}: no response is of the variant {variant!r}; there are {known}")
    return own
