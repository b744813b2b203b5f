"""Generation engines: one module per engine, each with ``build(*, dtype, runtime) -> steadfast.generation.Engine``."""
