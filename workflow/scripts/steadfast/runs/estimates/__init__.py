"""What a run will take, before and while it runs: sizes of models, costs of steps, the time that is left."""
