"""Analysis: statistics, tables, side effects, and the choice of the best attack."""
