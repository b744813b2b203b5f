"""Terminal output of a run: steps by human-readable names, progress, and causes of failures."""
