"""Core: files, provenance, code digests, registries, the result cache, and the wrapper of every job."""
