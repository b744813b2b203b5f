"""The tables that the workflow ends in, each a function of the verdicts or of counts alone."""
