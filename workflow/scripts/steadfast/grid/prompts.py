"""Wiring of ``workflow/rules/prompts.smk``."""

from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest


def prompt_files(grid: Grid) -> list[str]:
    """Local files that the prompts are read from, without duplicates."""
    from steadfast.prompts.sources import source_files

    prompts = grid.config["prompts"]
    files = [file for source in [*prompts["harmful"], *prompts["harmless"]] for file in source_files(source)]
    return list(dict.fromkeys(files))


def prompts_digest(grid: Grid) -> str:
    """Digest of the code that the prompts depend on, including their sources."""
    prompts = grid.config["prompts"]
    kinds = {source["kind"] for source in [*prompts["harmful"], *prompts["harmless"]]}
    return digest("build_prompts.py", *(f"prompts.sources.kinds.{kind}" for kind in sorted(kinds)))
