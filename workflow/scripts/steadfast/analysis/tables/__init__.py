"""The result tables, each a function of the verdicts or of counts."""
