"""Training of the bundled refusal judge: its data, and the fit of its weights."""
