"""Core: files, provenance, code digests, registries, the result cache and the frame of every job."""
