"""Prompts and answer labels of judges that are models.

Judges use these templates and labels; the tiny models are trained to judge with the same ones.
"""
