"""The learned judge: a linear head on the states of a small language model, combined with the phrase list."""
