"""Training of the refusal judge that ships: its data, and the fit of its weights."""
