"""Generation engines: one module per engine, each with ``build(**settings) -> steadfast.generation.Engine``."""
