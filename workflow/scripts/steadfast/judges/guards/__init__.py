"""Guards: safety classifiers that read a conversation by their own chat template, and answer in their own words."""
