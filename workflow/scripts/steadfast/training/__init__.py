"""Training: the tiny model organisms, and the safety-tuning adapters of the real model family."""
