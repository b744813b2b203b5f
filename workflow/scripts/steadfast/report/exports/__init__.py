"""Results of a run in the forms of others: logs of Inspect, a data set folder, a section of a model card."""
