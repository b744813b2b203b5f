"""Search for the best attack: the space of edits, their trial on a model in memory, and the sampler of trials."""
