from tests.unit.activations.tiny_chat import checkpoint, prompts

__all__ = ["checkpoint", "prompts"]
