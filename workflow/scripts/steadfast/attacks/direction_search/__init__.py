"""Direction search: measurements on the running model, and the search that uses them."""
