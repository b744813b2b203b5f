from tests.unit.attacks.activations.tiny_chat import checkpoint, prompts

__all__ = ["checkpoint", "prompts"]
