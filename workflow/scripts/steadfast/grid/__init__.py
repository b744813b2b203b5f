"""The grid that a configuration spans: models, variants and judges, where results lie, and what each rule is given.

- `data`: models, variants, judges and model-variant pairs, as the configuration describes them;
- `grid`: all of them together;
- `paths`: where every result lies;
- one module per file of ``workflow/rules/``: the inputs and settings that its rules name.
"""
