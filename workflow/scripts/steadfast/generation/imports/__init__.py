"""Import of responses and labels of other tools."""
