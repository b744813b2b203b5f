"""Judges: one module per kind, found by name.

A kind is a module with

* ``Settings``: the keys of its config entries, and its capabilities (``steadfast.judges.settings.JudgeSettings``);
* ``build(**settings) -> Judge``: the judge, from the keys of its config entry with names resolved to paths.

``judge`` is best called once, with the cases of all variants: a checkpoint is loaded once per judge, and a server is
started once per call.
"""
