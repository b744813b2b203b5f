"""Blind human labels: the annotation page, and its exports read back as judges."""
