"""Statistics as pure functions on numbers and arrays; they know nothing of models, judges or files."""
