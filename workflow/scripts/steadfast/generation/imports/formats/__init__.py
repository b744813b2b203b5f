"""Formats of files with responses: one module per format, found by name.

A module has ``ORDER`` (more specific formats come first), ``recognizes(path)`` and
``read(path, columns)``, which returns ``steadfast.generation.imports.records.ImportedResponse`` objects.
"""
