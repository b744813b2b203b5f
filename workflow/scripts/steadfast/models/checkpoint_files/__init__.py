"""Checkpoint files: safetensors read and written as streams with NumPy, quantized formats written out."""
