"""A judge that was trained: a linear head on the states of a small language model, with the phrase list beside it."""
