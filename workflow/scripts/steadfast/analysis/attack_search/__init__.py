"""Search for the best attack on a model: screened trials, finalists that respond, and the one that is chosen."""
