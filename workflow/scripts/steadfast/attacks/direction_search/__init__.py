"""Direction search: what is measured by running the model, and the search that reads it."""
