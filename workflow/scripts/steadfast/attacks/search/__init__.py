"""Search for the best attack: the space of edits, trials on a model in memory, and the sampler."""
