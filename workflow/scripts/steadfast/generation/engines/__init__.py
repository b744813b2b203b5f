"""Generation engines, one module each.

A module has ``Settings`` (``steadfast.generation.settings``), ``build(*, dtype, runtime)``, which returns an ``Engine``
(``steadfast.generation.interface``), and may have ``sharing(*, dtype, runtime)``: a context in which several variants
of one model are answered, which gives the engine that answers them, or None for a new one each time.
"""
