"""Generation engines, one module each.

A module has ``Settings`` (``steadfast.generation.settings``), ``build(*, dtype, runtime)``, which returns an ``Engine``
(``steadfast.generation.interface``), and may have ``sharing(*, dtype, runtime)``: a context for several variants of one
model, which yields the engine for them, or None for a new one each time.
"""
