"""vLLM in an environment and a process of its own, which never outlives the job that started it."""
