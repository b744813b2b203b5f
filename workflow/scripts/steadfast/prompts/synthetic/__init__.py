"""The synthetic world of the model organisms: its grammar of prompts and answers, and the parser of answers."""
