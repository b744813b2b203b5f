"""Safety tuning: LoRA adapters that teach a real language model to refuse, from data that this repository ships.

Prompts (``requests``, ``sampling``) → answers (``answers``, ``distillation``) → examples (``examples``) → ``training``.
"""
