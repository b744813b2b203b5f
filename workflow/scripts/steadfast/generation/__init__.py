"""Generation: responses of a model to prompts, with transformers in this process or vLLM in a separate one."""
