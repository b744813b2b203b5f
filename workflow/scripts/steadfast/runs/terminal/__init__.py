"""What a run shows on the terminal: its steps in words of the study, how far it is, and why a step failed."""
