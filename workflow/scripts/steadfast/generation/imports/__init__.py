"""Responses and labels of other tools, read in."""
