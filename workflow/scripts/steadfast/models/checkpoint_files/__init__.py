"""Checkpoint files: safetensors read and written as streams with NumPy, quantised formats written out."""
