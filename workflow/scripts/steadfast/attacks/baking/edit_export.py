"""Export of edited models: a LoRA adapter in PEFT's format, or a whole checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from steadfast.attacks.baking.adapter_export import export_adapter
from steadfast.attacks.baking.baking import ADAPTER, bake, write_edited
from steadfast.core.errors import ConfigError
from steadfast.models.pointer import checkpoint_path

FORMS = ("adapter", "checkpoint")


def export_edit(
    source: str | Path,
    direction_path: str | Path,
    edit: Mapping[str, Any],
    output: str | Path,
    form: str,
    *,
    base_name: str | None = None,
    match_change: str | Path | None = None,
    threads: int = 2,
) -> dict[str, Any]:
    """Write an edited model in a form that other tools load, with ``edit_manifest.json``.

    Args:
        source: see ``steadfast.attacks.baking.bake``, as the others.
        direction_path: the same.
        edit: the same.
        output: directory to write; replaced if it exists.
        form: ``adapter`` (loaded by ``peft`` and vLLM in addition to the original) or ``checkpoint``.
        base_name: base model named in an adapter; None names the original's directory.
        match_change: see ``bake``.
        threads: the same.

    Returns:
        The manifest.

    Raises:
        ConfigError: as ``bake``, and if the form is unknown.
        DataError: as ``bake``, and if no adapter can express the edit.
    """
    if form not in FORMS:
        raise ConfigError(f"form: {form!r} is not allowed; allowed: {', '.join(FORMS)}")
    if form == "checkpoint":
        return bake(source, direction_path, edit, output, match_change=match_change, threads=threads)
    with TemporaryDirectory() as folder:
        kept = Path(folder) / "edited"
        manifest = write_edited(
            source, direction_path, edit, kept, form=ADAPTER, match_change=match_change, threads=threads
        )
        export_adapter(kept, output, base_name or str(checkpoint_path(source).resolve()))
    return manifest
