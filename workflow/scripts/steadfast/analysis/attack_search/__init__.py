"""Search for the best attack on a model: screening of trials, responses of finalists, and selection."""
