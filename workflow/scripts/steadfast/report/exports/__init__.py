"""Exports of a run: logs of Inspect, a data set folder, a section of a model card."""
