"""The grid of a configuration: models, variants, judges, paths of results, and inputs of every rule.

- `data`: models, variants, judges and model-variant pairs, as the configuration describes them;
- `grid`: all of them together;
- `paths`: the path of every result;
- one module per file of ``workflow/rules/``: the inputs and settings of its rules.
"""
