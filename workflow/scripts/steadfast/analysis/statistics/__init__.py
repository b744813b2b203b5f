"""Statistics as pure functions on numbers and arrays, independent of models, judges and files."""
