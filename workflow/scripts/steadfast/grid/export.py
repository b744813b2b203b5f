"""Wiring of ``workflow/rules/export.smk``: what the exported files say of where models come from."""

from steadfast.grid.grid import Grid


def repositories(grid: Grid) -> dict[str, str]:
    """Repository of the hub and revision of every model under test that has one."""
    entries = {name: grid.models[name].settings for name in grid.studied}
    return {
        name: f"{entry['repo']}@{entry.get('revision', 'main')}" for name, entry in entries.items() if entry.get("repo")
    }
