"""Guards: safety classifiers with their own chat template and output format."""
