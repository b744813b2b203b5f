"""Generation: responses of a model to prompts, with transformers in this process or vLLM in one of its own."""
