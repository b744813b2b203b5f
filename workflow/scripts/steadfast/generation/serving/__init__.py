"""vLLM in its own environment and process, which never outlives the job that started it."""
