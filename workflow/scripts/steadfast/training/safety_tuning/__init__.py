"""Safety tuning: LoRA adapters that teach a real language model to refuse, from data in this repository.

Prompts (``requests``, ``sampling``) → responses (``composed_responses``, ``distillation``) → examples
(``examples``) → ``training``.
"""
