"""PEFT adapters: merged into the weights of the model that they were trained on, with NumPy, shard by shard."""
