"""GGUF files: llama.cpp's format for models in one file, usually quantized. They are written out as checkpoints."""
