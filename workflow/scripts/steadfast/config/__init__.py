"""The configuration: schema, defaults, cross-checks, the grid that it spans, and its reference page."""
