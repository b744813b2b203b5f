"""What a run shows on the terminal: its steps by human-readable names, how far it is, and why a step failed."""
