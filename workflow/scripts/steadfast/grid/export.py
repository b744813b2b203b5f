"""Wiring of ``workflow/rules/export.smk``: origins of models for the exported files."""

from steadfast.grid.grid import Grid


def repositories(grid: Grid) -> dict[str, str]:
    """Hub repository and revision of every model under test that has one."""
    entries = {name: grid.models[name].settings for name in grid.studied}
    return {
        name: f"{entry['repo']}@{entry.get('revision', 'main')}" for name, entry in entries.items() if entry.get("repo")
    }
