"""GGUF files: llama.cpp's format for models in one file, usually quantised. They are written out as checkpoints."""
