"""Judges: one module per kind, found by name.

A kind is a module with

* ``SCOPE``: ``grid`` (one job judges the responses of all systems) or ``system`` (one job per system, since the
  kind needs that system's own weights);
* ``build(**settings) -> Judge``: the judge, from the keys of its entry with names resolved to paths;
* ``check_settings(settings)``: raises ``ConfigError`` on what the schema cannot see (a broken pattern, a template
  without its placeholders), before any job starts and without loading a model;
* ``files(settings)``: the resource files that its verdicts depend on.

A kind that sends requests also has ``SENDS_REQUESTS = True``, and its judges can estimate what they would send.

``judge`` is best called once, with the cases of all systems: a checkpoint is loaded once per judge, and a server is
started once per call.
"""
