"""Creation of a model directory from an adapter: downloaded if necessary, then merged."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadfast.models.adapters.merging import merge_adapter
from steadfast.models.hub import fetch_adapter


def place_adapter(
    entry: Mapping[str, Any],
    base: str | Path,
    output: str | Path,
    *,
    use: Mapping[str, Any] | None = None,
    threads: int = 2,
) -> None:
    """Merge an adapter into its base's weights and write the result as a model directory.

    Args:
        entry: the model's: ``base``, and ``path``, or ``repo`` and ``revision``.
        base: directory of the base model.
        output: the directory.
        use: intended use: keyword arguments of ``steadfast.models.check.settle``; None skips the check.
        threads: number of tensors processed in parallel.

    Raises:
        SteadfastError: the adapter cannot be fetched.
        DataError: it cannot be merged exactly or does not fit the base.
    """
    if "path" in entry:
        adapter, origin = Path(entry["path"]), {"adapter": str(Path(entry["path"]).resolve())}
    else:
        adapter = fetch_adapter(entry["repo"], entry.get("revision", "main"))
        origin = {"adapter": entry["repo"], "commit": adapter.name}
    merge_adapter(base, adapter, output, details={"base": entry["base"], **origin}, use=use, threads=threads)
