"""Generation engines: one module per engine, each with ``build(*, dtype, runtime)``, which returns an ``Engine``.

The protocol is ``steadfast.generation.interface.Engine``.
"""
